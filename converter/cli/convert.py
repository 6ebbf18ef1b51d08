"""Converts one TF1 Hub module into a reusable TF2 SavedModel.

None of the module's ops run, unless --verify is given. The destination is absent, the old
version or complete at any time.

Exit status: 0 converted; 1 refused, failed, or it differs from the original; 2 wrong use;
3 converted, but --verify could not compare all of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import converter
from converter.cli import terminal

NAME = "convert"
HELP = "convert one module"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    parser.add_argument("source", metavar="SRC", help="directory of the TF1 Hub module")
    parser.add_argument("destination", metavar="DST", help="where to write the SavedModel")
    parser.add_argument(
        "--verify", action="store_true", help="run both and compare them before DST is written"
    )
    add_inputs(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace a SavedModel at DST")
    parser.add_argument(
        "--hardlink", action="store_true",
        help="link the files of the weights rather than copying them, if DST is on the same"
        " filesystem as SRC",
    )  # fmt: skip
    parser.add_argument(
        "--tags", type=terminal.parse_tags, metavar="TAG,…",
        help="graph variant for inference, instead of the one found by rule",
    )  # fmt: skip
    parser.add_argument(
        "--training-tags", type=terminal.parse_tags, metavar="TAG,…",
        help="graph variant for training, instead of the one found by rule",
    )  # fmt: skip
    parser.add_argument(
        "--call-signature", metavar="NAME", help="signature that the module itself runs"
    )
    add_import_ops(parser)
    parser.add_argument("--json", action="store_true", help="print the record as JSON")


def add_import_ops(parser: argparse._ActionsContainer) -> None:
    """Adds the argument that several subcommands take."""
    parser.add_argument(
        "--import-ops", action="append", default=[], metavar="PACKAGE",
        help="import a package that registers custom ops, such as tensorflow_text; may be repeated",
    )  # fmt: skip


def add_inputs(parser: argparse._ActionsContainer) -> None:
    """Adds the argument that gives comparisons their inputs."""
    parser.add_argument(
        "--inputs", metavar="FILE.npz",
        help="arrays for the comparison, in place of generated ones, named `input` or"
        " `signature/input`",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    from converter.formats.source_files import BackgroundDigest

    with BackgroundDigest(arguments.source) as digest, terminal.progress() as progress:
        terminal.import_tensorflow()  # It takes seconds, in which the digest gets on.
        conversion = converter.convert(
            arguments.source,
            arguments.destination,
            verify=arguments.verify,
            inputs=arguments.inputs,
            overwrite=arguments.overwrite,
            hardlink=arguments.hardlink,
            tags=arguments.tags,
            training_tags=arguments.training_tags,
            call_signature=arguments.call_signature,
            import_ops=arguments.import_ops,
            progress=progress,
            source_digest=digest.result,
        )
    for warning in (*conversion.warnings, *conversion.remarks):
        terminal.say_warning(warning)
    if arguments.json:
        terminal.print_json(conversion.to_json())
    else:
        _print_summary(conversion.destination, conversion.record)
    return _exit_status(conversion.verdict)


def _exit_status(verdict: str | None) -> int:
    from converter.parity.verdict import EQUAL, EXIT_STATUSES

    return EXIT_STATUSES[verdict or EQUAL]


def _print_summary(destination: str, record: Mapping[str, Any]) -> None:
    console = terminal.output_console()
    console.print(f"Converted to {destination}", soft_wrap=True, markup=False)
    callables, variables = record["callables"], record["variables"]
    trainable = sum(variable["trainable"] for variable in variables)
    training = any(part["training_tags"] is not None for part in callables.values())
    counts = [
        count(len(callables), "callable") + (" with a training mode" if training else ""),
        f"{count(len(variables), 'variable')} ({trainable} trainable)",
        count(len(record["regularization_losses"]), "regularization loss", "es"),
    ]
    console.print(f"  {', '.join(counts)}", soft_wrap=True)
    if record["parity"] is not None:
        from converter.parity.report import explain_summary

        console.print(f"  {explain_summary(record['parity'])}", soft_wrap=True, markup=False)


def count(number: int, noun: str, plural: str = "s") -> str:
    """Prints a number of things: `1 variable`, `2 variables`."""
    return f"{number} {noun}{'' if number == 1 else plural}"
