"""Packs a converted module, for the attribute `archive` of `tf2_reusable_saved_model`."""

from __future__ import annotations

import argparse
import pathlib

from converter.build_actions.command import run_command
from converter.files.pack import pack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the program."""
    parser.add_argument("directory", type=pathlib.Path, help="of the SavedModel")
    parser.add_argument("archive", type=pathlib.Path, help="where to write the `.tar.gz`")


def run(arguments: argparse.Namespace) -> int:
    """Packs the directory."""
    pack(arguments.directory, arguments.archive)
    return 0


if __name__ == "__main__":
    run_command(__doc__, add_arguments, run)
