"""Writes the migration report.

Reads the journal, the records and the comparisons below DST_ROOT, and writes three files: a page,
which needs nothing but a browser, and the same for programs, as JSON and as CSV. A migration may
be running meanwhile. With a report.json in place of DST_ROOT, makes the page and the CSV file from
it alone.

Exit status: 0 if the report is written, whatever the outcomes of the modules; 2 for wrong use.
"""

from __future__ import annotations

import argparse

from converter.cli import terminal
from converter.cli.browser import open_in_browser
from converter.cli.progress import showing_steps

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
        "--open", action="store_true",
        help="open the page in a browser; the exit status is 0 without one, too",
    )  # fmt: skip
    parser.add_argument(
        "--json", action="store_true", help="print where the files are, as one JSON document"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    from converter.migration.write_report import report
    from converter.page.write import print_files

    with showing_steps() as progress:
        files = report(arguments.destination_root, arguments.output, progress=progress)
    if arguments.json:
        terminal.print_json(files.to_json())
    else:
        print_files(files, terminal.output_console())
    if arguments.open:
        open_in_browser(files.html)
    return 0
