"""Prints the model card of a converted module.

Markdown, with the metadata that Hugging Face and Kaggle read in front: what it is, its calls, how
to use and train it, what was left out, how it was verified, and where it came from. All of it is
from the record in MODEL. `convert --card` writes it into the SavedModel, as README.md.

Exit status: 0 printed; 1 MODEL has no record; 2 wrong use.
"""

from __future__ import annotations

import argparse
import pathlib

from converter import errors
from converter.cli import early_checks, terminal

NAME = "card"
HELP = "print the model card of a converted module"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    parser.add_argument("model", metavar="MODEL", help="SavedModel that this converter wrote")
    parser.add_argument("--output", metavar="FILE", help="write it there instead")
    parser.set_defaults(check=_check)


def _check(arguments: argparse.Namespace) -> None:
    early_checks.check_model(arguments.model)
    early_checks.check_new_file(arguments.output)
    early_checks.check_record(arguments.model)


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    terminal.import_tensorflow()
    from converter.conversion.card import card

    text = card(arguments.model)
    if arguments.output is None:
        terminal.print_text(text.rstrip("\n"))
        return 0
    try:
        pathlib.Path(arguments.output).write_text(text, "utf-8")
    except OSError as error:
        raise errors.unsuitable(arguments.output, error) from error
    return 0
