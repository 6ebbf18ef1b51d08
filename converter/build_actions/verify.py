"""Compares a converted module with its original, for the rule `tf2_parity_test`."""

from __future__ import annotations

import argparse
import pathlib

from converter.build_actions.command import add_module, run_command
from converter.build_actions.stage import staged_module
from converter.cli import terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the program."""
    add_module(parser)
    parser.add_argument("--saved-model", required=True, type=pathlib.Path, help="its directory")
    parser.add_argument("--inputs", help="arrays to use in place of generated ones, `.npz`")
    parser.add_argument("--rtol", type=float, help="relative tolerance for all dtypes")
    parser.add_argument("--atol", type=float, help="absolute tolerance for all dtypes")


def run(arguments: argparse.Namespace) -> int:
    """Compares the two; returns 1 where they differ."""
    terminal.import_tensorflow()
    from converter.conversion.verify import verify
    from converter.parity.report_table import print_report
    from converter.parity.verdict import EXIT_STATUSES

    with staged_module(arguments.module) as source:
        report = verify(
            source,
            arguments.saved_model,
            inputs=arguments.inputs,
            rtol=arguments.rtol,
            atol=arguments.atol,
            import_ops=arguments.import_ops,
        )
    print_report(report, terminal.output_console())
    return EXIT_STATUSES[report.verdict]


if __name__ == "__main__":
    run_command(__doc__, add_arguments, run)
