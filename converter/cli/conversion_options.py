"""The options of a conversion as arguments of subcommands."""

from __future__ import annotations

import argparse
from collections.abc import Collection

from converter.cli import terminal
from converter.conversion.options import About, ConversionOptions, Kind, describe_options


def add_options(parser: argparse._ActionsContainer, names: Collection[str] | None = None) -> None:
    """Adds the options in `names`, or all."""
    for about in describe_options():
        if names is None or about.name in names:
            _add(parser, about)


def _add(parser: argparse._ActionsContainer, about: About) -> None:
    if about.kind is Kind.FLAG:
        action = "store_false" if about.default else "store_true"
        text = f"leave out {about.help}" if about.default else about.help
        parser.add_argument(about.flag, dest=about.name, action=action, help=text)
    elif about.kind is Kind.TEXTS:
        parser.add_argument(
            about.flag, action="append", default=[], metavar=about.metavar, help=about.help
        )
    else:
        parse = terminal.parse_tags if about.kind is Kind.TAGS else str
        parser.add_argument(about.flag, type=parse, metavar=about.metavar, help=about.help)


def read_options(arguments: argparse.Namespace) -> ConversionOptions:
    """Returns the options given on the command line."""
    given = vars(arguments)
    return ConversionOptions(
        **{about.name: given[about.name] for about in describe_options() if about.name in given}
    )
