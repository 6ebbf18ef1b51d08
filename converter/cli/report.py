"""Writes the migration report.

Reads the journal, the records and the comparisons below DST_ROOT, and writes three files: a page,
which needs nothing but a browser, and the same for programs, as JSON and as CSV. A migration may
be running meanwhile. With a report.json in place of DST_ROOT, makes the page and the CSV file from
it alone.

Exit status: 0 if the report is written, whatever the outcomes of the modules; 2 for wrong use.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from converter.cli import terminal
from converter.cli.progress import showing_steps
from converter.printable import printable

if TYPE_CHECKING:
    # Imported where it is used: help and errors answer without it.
    from converter.page.write import ReportFiles

NAME = "report"
HELP = "write the migration report"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    parser.add_argument(
        "destination_root", metavar="DST_ROOT",
        help="the tree of SavedModels that a migration wrote, or a report.json",
    )  # fmt: skip
    parser.add_argument(
        "--output", metavar="FILE.html",
        help="where the page goes; FILE.json and FILE.csv go beside it (default:"
        " DST_ROOT/report.html, or beside report.json)",
    )  # fmt: skip
    parser.add_argument(
        "--json", action="store_true", help="print where the files are, as one JSON document"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    from converter.migration.write_report import report

    with showing_steps() as progress:
        files = report(arguments.destination_root, arguments.output, progress=progress)
    if arguments.json:
        terminal.print_json(files.to_json())
    else:
        _print(files)
    return 0


def _print(files: ReportFiles) -> None:
    console = terminal.output_console()
    console.print(f"Written to {printable(files.html)}", soft_wrap=True, markup=False)
    totals = files.totals
    for line in (
        f"{totals.saved_models:,} of {totals.legacy:,} modules are SavedModels",
        f"{totals.equal:,} of {totals.verified:,} that were compared are equal to their originals",
        f"for programs: {files.json} and {files.csv}",
    ):
        console.print(f"  {printable(line)}", soft_wrap=True, markup=False)
