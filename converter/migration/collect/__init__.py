"""Collects the report of a migration from its journal, its records and its comparisons.

Anybody may have written those files: a file that is missing or damaged is a problem that the report
names, not an error.
"""
