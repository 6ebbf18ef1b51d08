"""Describes a TF1 Hub module: its contents, and the SavedModel that convert would write.

Runs none of the module's ops. Describes a module that cannot be converted as well, with all the
reasons.
"""

from __future__ import annotations

import argparse

from converter.cli import terminal
from converter.cli.conversion_options import add_options
from converter.cli.early_checks import check_reading
from converter.cli.limits import add_limits
from converter.cli.loudness import is_verbose
from converter.cli.source_argument import add_source, opened_source
from converter.conversion.options import ReadingArguments

NAME = "inspect"
HELP = "describe a module and the result of converting it"

_OPTIONS = tuple(ReadingArguments.__annotations__)


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
        from converter.conversion.inspect import print_summary, print_usage

        shown = summary if is_verbose() else summary.without_placement()
        console = terminal.output_console()
        print_summary(shown, console, list_all=arguments.all, more="--all lists them")
        print_usage(summary, console, "tf1hub convert SRC DST")
    return 0
