"""Runs the programs of Bazel's actions as `tf1hub` runs, with the same errors."""

from __future__ import annotations

import argparse
import os
import pathlib
from collections.abc import Callable, Sequence

from absl import app

from converter.cli.main import main_of_process
from converter.cli.parser import Parser
from converter.cli.streams import printable_streams


def run_command(
    description: str | None,
    add_arguments: Callable[[argparse.ArgumentParser], None],
    run: Callable[[argparse.Namespace], int],
) -> None:
    """Parses the command line, runs the program, and exits; an error is one line on stderr."""

    def parse(argv: Sequence[str]) -> argparse.Namespace:
        # Bazel hands over long lists in files, one argument a line.
        parser = Parser(description=description, fromfile_prefix_chars="@", allow_abbrev=False)
        add_arguments(parser)
        parser.set_defaults(run=run, runs_tensorflow=True)
        with printable_streams():
            arguments: argparse.Namespace = parser.parse_args(argv[1:])
        return arguments

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    app.run(main_of_process, flags_parser=parse)


def _file(text: str) -> pathlib.Path:
    if "://" in text:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a file, and builds use no network: download it by a repository rule"
            " such as http_file"
        )
    return pathlib.Path(text)


def add_module(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of all programs that read a module."""
    parser.add_argument(
        "--module", action="append", required=True, type=_file, metavar="PATH",
        help="a file of the module; or its directory or archive alone",
    )  # fmt: skip
    parser.add_argument(
        "--import-ops", action="append", default=[], metavar="PACKAGE",
        help="import a package that registers custom ops first",
    )  # fmt: skip
