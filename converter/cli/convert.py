"""Converts one TF1 Hub module into a reusable TF2 SavedModel.

None of the module's ops run, unless --verify is given. The destination is absent, the old
version or complete at any time.

Exit status: 0 converted; 1 refused, failed, or it differs from the original; 2 wrong use;
3 converted, but --verify could not compare all of it.
"""

from __future__ import annotations

import argparse

from converter import errors
from converter.cli import early_checks, terminal
from converter.cli.conversion_options import add_options, read_options
from converter.cli.limits import add_limits
from converter.cli.progress import showing_steps
from converter.cli.source_argument import add_source

NAME = "convert"
HELP = "convert one module"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    add_source(parser)
    parser.add_argument("destination", metavar="DST", help="where to write the SavedModel")
    parser.add_argument("--overwrite", action="store_true", help="replace a SavedModel at DST")
    add_options(parser)
    parser.add_argument(
        "--card", action="store_true", help="write the model card into DST, as README.md"
    )
    parser.add_argument(
        "--compress", metavar="FILE.tar.gz",
        help="pack the SavedModel there as well, as TF Hub's servers give it",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the record as JSON")
    add_limits(parser)
    parser.set_defaults(check=_check, runs_tensorflow=True)


def _check(arguments: argparse.Namespace) -> None:
    early_checks.check_names(arguments.source, arguments.destination)
    early_checks.check_reading(arguments)
    early_checks.check_inputs(arguments.inputs)
    early_checks.check_new_file(arguments.compress)
    if arguments.inputs is not None and not arguments.verify:
        raise errors.UsageError(
            "inputs are for comparing the result with the original",
            remedy="Pass --verify (in Python: verify=True), or leave them out.",
        )
    early_checks.check_destination(
        arguments.source, arguments.destination, overwrite=arguments.overwrite
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    from converter.files.source_files import BackgroundDigest
    from converter.parity.verdict import EQUAL, EXIT_STATUSES

    options = read_options(arguments)
    with BackgroundDigest(arguments.source) as digest, showing_steps() as progress:
        terminal.import_tensorflow()  # Takes seconds, while the digest is computed.
        from converter.conversion.conversion import print_summary, print_usage
        from converter.conversion.convert import convert_digested

        conversion = convert_digested(
            arguments.source,
            arguments.destination,
            overwrite=arguments.overwrite,
            card=arguments.card,
            compress=arguments.compress,
            **options.to_json(),
            progress=progress,
            source_digest=digest.result if digest.has_begun else None,
        )
    for warning in (*conversion.warnings, *conversion.remarks):
        terminal.say_warning(warning)
    if arguments.json:
        terminal.print_json(conversion.to_json())
    else:
        console = terminal.output_console()
        print_summary(conversion, console)
        print_usage(conversion, console)
    return EXIT_STATUSES[conversion.verdict or EQUAL]
