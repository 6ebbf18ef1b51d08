"""Compares a converted module with its original.

Runs both on the same inputs: the unchanged TF1 graph in a Session, and the SavedModel in its own
process, in every way that users have. The SavedModel is called, also for training; called through
its signatures, in Python and in a session; saved again, called again, and called in the copy.
Of the TF1 graph, what no call runs is left out if TensorFlow must not see it.
Compares outputs, gradients, regularization losses, the effects of calls and of training steps, and
the lists of variables.

There are three verdicts. Equal: everything that the original can do was compared, and is equal.
Differs: something is not equal. Not compared: nothing differs, but something could not be compared;
the report says what, why, and what to pass with --inputs. Random ops are replaced on both sides by
ops that draw the same numbers; tensors that depend on them are counted separately.

Exit status: 0 equal; 1 differs, or one of the two does not run; 2 wrong usage; 3 not compared.
"""

from __future__ import annotations

import argparse

from converter.cli import early_checks, terminal
from converter.cli.conversion_options import add_options
from converter.cli.limits import add_limits
from converter.cli.progress import showing_steps
from converter.cli.source_argument import add_source
from converter.files.paths import RemotePath, as_path

NAME = "verify"
HELP = "compare a converted module with its original, by running both"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    add_source(parser)
    parser.add_argument("destination", metavar="DST", help="SavedModel that `tf1hub convert` wrote")
    add_options(parser, ("inputs", "import_ops", "allow_op"))
    parser.add_argument("--rtol", type=tolerance, help="relative tolerance for all dtypes")
    parser.add_argument("--atol", type=tolerance, help="absolute tolerance for all dtypes")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_limits(parser)
    parser.set_defaults(check=_check, runs_tensorflow=True)


def tolerance(text: str) -> float:
    """Parses a tolerance: a number that is not negative."""
    number = float(text)
    if not number >= 0:
        raise argparse.ArgumentTypeError("expected 0 or more")
    return number


def _check(arguments: argparse.Namespace) -> None:
    from converter.export.record import read_record

    early_checks.check_names(arguments.source, arguments.destination)
    early_checks.check_order(arguments.source, arguments.destination)
    early_checks.check_reading(arguments)
    early_checks.check_inputs(arguments.inputs)
    early_checks.check_model(arguments.destination)
    destination = as_path(arguments.destination)
    if not isinstance(destination, RemotePath):
        read_record(destination)


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    terminal.import_tensorflow()
    from converter.conversion.verify import verify
    from converter.parity.report_table import print_report
    from converter.parity.verdict import EXIT_STATUSES

    with showing_steps() as progress:
        report = verify(
            arguments.source,
            arguments.destination,
            inputs=arguments.inputs,
            rtol=arguments.rtol,
            atol=arguments.atol,
            import_ops=arguments.import_ops,
            allow_op=arguments.allow_op,
            progress=progress,
        )
    if arguments.json:
        terminal.print_json(report.to_json())
    else:
        print_report(report, terminal.output_console())
    return EXIT_STATUSES[report.verdict]
