"""Writes the JSON schemas of the records and of the report to docs.

    scripts/write_schemas           # writes docs/*.schema.json
    scripts/write_schemas --check   # writes nothing

They follow from the Structs that the converter checks these files with, and from the docstrings
of these. Exit status: 1 with --check, if a file is out of date.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence

from converter.export.record import Record
from converter.exporters.record import ExportRecord
from converter.page.document import Report
from schemas.describe import describe

_DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
SCHEMAS = {
    "export.schema.json": ExportRecord,
    "record.schema.json": Record,
    "report.schema.json": Report,
}


def main(argv: Sequence[str] | None = None, docs: pathlib.Path = _DOCS) -> int:
    """Runs the command line and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="write_schemas",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="only say what is out of date")
    arguments = parser.parse_args(argv)
    status = 0
    for name, kind in SCHEMAS.items():
        content, path = describe(kind), docs / name
        if path.is_file() and path.read_text() == content:
            continue
        if arguments.check:
            print(f"out of date: {path}; run scripts/write_schemas")
            status = 1
        else:
            path.write_text(content)
            print(f"written: {path}")
    return status
