"""Describes a TF1 Hub module: its contents, and the SavedModel that convert would write.

Runs none of the module's ops. Describes a module that cannot be converted as well, with all the
reasons.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from converter.cli import terminal
from converter.cli.conversion_options import add_options
from converter.cli.early_checks import check_reading
from converter.cli.limits import add_limits
from converter.cli.loudness import is_verbose
from converter.cli.source_argument import add_source, opened_source
from converter.conversion.options import ReadingArguments
from converter.printable import printable

if TYPE_CHECKING:
    # Imported where it is used: help and errors answer without it.
    from converter.conversion.inspect import ModuleSummary

NAME = "inspect"
HELP = "describe a module and the result of converting it"

_OPTIONS = tuple(ReadingArguments.__annotations__)
_MANY = 30  # Rows of a table; further ones are only counted.


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    add_source(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--all", action="store_true", help="list all variables, however many")
    add_options(parser, _OPTIONS)
    add_limits(parser)
    parser.set_defaults(check=check_reading)


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    terminal.import_tensorflow()
    from converter.conversion.inspect import inspect

    options = {name: getattr(arguments, name) for name in _OPTIONS}
    with opened_source(arguments.source) as source:
        summary = inspect(source, **options)
    if arguments.json:
        terminal.print_json(summary.to_json())
    else:
        from converter.cli.scan_table import print_findings
        from converter.cli.summary_tables import print_summary

        console, limit = terminal.output_console(), None if arguments.all else _MANY
        shown = summary if is_verbose() else summary.without_placement()
        print_summary(shown.to_json(), console, limit=limit)
        if summary.findings:
            print_findings(summary.findings, console, limit, title="Not plainly safe")
        _print_usage(summary)
    return 0


def _print_usage(summary: ModuleSummary) -> None:
    """Prints the lines of Python that would use the converted module, with its own names."""
    from converter.export import usage

    name = None if summary.refused else usage.find_callable(summary)
    if name is not None:
        lines = [*usage.load_lines("DST"), *usage.call_lines(summary, name)]
        terminal.print_text("After `tf1hub convert SRC DST`:\n")
        terminal.print_text("\n".join(f"    {printable(line)}".rstrip() for line in lines))
