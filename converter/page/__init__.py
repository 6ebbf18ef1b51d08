"""Renders the report of a migration: one HTML file that needs nothing else, and a CSV file.

    report.json ─▶ document ─▶ html, csv_table ─▶ write

The document is all that the page knows of a migration. It is checked when it is read, since anybody
may have written it.
"""
