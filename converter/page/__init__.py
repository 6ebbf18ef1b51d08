"""The page over a migration: one HTML file that needs nothing else, and its data for programs.

    files ─▶ collect ─▶ Migration ─▶ html, tables ─▶ write

The journal, the records and the comparisons are read as what they are: files that anybody may have
written. A file that is missing or damaged is said in the page, and is no error.
"""
