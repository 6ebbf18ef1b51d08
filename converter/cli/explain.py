"""Explains a message: why it appears, and what to do about it.

TEXT is what was printed, or some words of it; `-` reads it from the standard input. Knows every
message of tf1hub, and those of TensorFlow, tensorflow_hub and Keras that TF1 modules lead to. Needs
no network.

    tf1hub explain "No module named 'pkg_resources'"
    tf1hub convert SRC DST 2>&1 | tf1hub explain -

Exit status: 0 if a message is like the text; 1 if none is; 2 for wrong use.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys

from converter import errors
from converter.catalogue import explain, print_messages
from converter.cli import terminal

NAME = "explain"
HELP = "say the cause of a message, and what to do about it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    parser.add_argument(
        "text", metavar="TEXT", nargs="+", help="what was printed, or some words of it; - for stdin"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    text = sys.stdin.read() if arguments.text == ["-"] else " ".join(arguments.text)
    if not text.strip():
        raise errors.UsageError("there is no text to explain", remedy="Pass what was printed.")
    messages = explain(text)
    if arguments.json:
        terminal.print_json([dataclasses.asdict(message) for message in messages])
    elif messages:
        print_messages(messages, terminal.output_console())
    else:
        terminal.say_error(
            "no message is like this text. docs/errors.md lists all of tf1hub's; if one is missing,"
            " please report it."
        )
    return 0 if messages else 1
