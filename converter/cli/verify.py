"""Compares a converted module with its original.

Runs both: the TF1 graph in a Session, the SavedModel in a process of its own, on the same
inputs. Compares outputs, gradients, regularization losses, the effects of calls and of training
steps, and the list of variables. Exit status 1 means that they differ.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Mapping
from typing import Any

import converter
from converter import errors
from converter.cli import terminal
from converter.cli.convert import add_import_ops

NAME = "verify"
HELP = "compare a converted module with its original, by running both"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    parser.add_argument("source", metavar="SRC", help="directory of the TF1 Hub module")
    parser.add_argument("destination", metavar="DST", help="what `tf1hub convert` made of it")
    parser.add_argument(
        "--inputs", metavar="FILE.npz",
        help="arrays to use in place of generated ones, named `input` or `signature/input`",
    )  # fmt: skip
    parser.add_argument("--rtol", type=float, help="relative tolerance for all dtypes")
    parser.add_argument("--atol", type=float, help="absolute tolerance for all dtypes")
    add_import_ops(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    terminal.import_tensorflow()
    from converter.parity.report_table import print_report
    from converter.parity.verdict import EXIT_STATUSES

    with terminal.progress() as progress:
        report = converter.verify(
            arguments.source,
            arguments.destination,
            inputs=read_inputs(arguments.inputs) if arguments.inputs else None,
            rtol=arguments.rtol,
            atol=arguments.atol,
            import_ops=arguments.import_ops,
            progress=progress,
        )
    if arguments.json:
        terminal.print_json(report.to_json())
    else:
        print_report(report, terminal.output_console())
    return EXIT_STATUSES[report.verdict]


def read_inputs(path: str) -> Mapping[str, Any]:
    """Reads the user's arrays.

    Raises:
      UsageError: if the file is no `.npz`.
    """
    import numpy as np

    try:
        with np.load(pathlib.Path(path), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, AttributeError) as error:
        raise errors.UsageError(
            f"--inputs {path} cannot be read: {error}",
            remedy="Write it with numpy.savez, without pickled objects.",
        ) from error
