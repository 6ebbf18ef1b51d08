"""Converts one TF1 Hub module into a reusable TF2 SavedModel.

None of the module's ops run, unless --verify is given. The destination is absent, the old
version or complete at any time.

Exit status: 0 converted; 1 refused, failed, or it differs from the original; 2 wrong use;
3 converted, but --verify could not compare all of it.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from converter import errors
from converter.cli import early_checks, terminal
from converter.cli.conversion_options import add_options, read_options
from converter.cli.limits import add_limits
from converter.cli.progress import showing_steps
from converter.cli.source_argument import add_source
from converter.printable import printable

if TYPE_CHECKING:
    # Imported where it is used: help and errors answer without it.
    from converter.export.record import Record

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
        from converter.conversion.convert import convert

        conversion = convert(
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
        _print_summary(conversion.destination, conversion.record)
    return EXIT_STATUSES[conversion.verdict or EQUAL]


def _print_summary(destination: str, record: Record) -> None:
    from converter.export.record import count_parts

    console = terminal.output_console()
    console.print(f"Converted to {printable(destination)}", soft_wrap=True, markup=False)
    console.print(f"  {count_parts(record)}", soft_wrap=True)
    if record.parity is not None:
        from converter.parity.report import explain_summary
        from converter.parity.verdict import COLORS

        summary, color = explain_summary(record.parity), COLORS[record.parity.verdict]
        console.print(f"  {printable(summary)}", soft_wrap=True, markup=False, style=color)
    _print_usage(destination, record)


def _print_usage(destination: str, record: Record) -> None:
    """Prints the lines of Python that use the result, with its own names."""
    from converter.export import usage

    name = usage.find_callable(record)
    if name is not None:
        lines = [*usage.load_lines(destination), *usage.call_lines(record, name)]
        terminal.print_text("\n" + "\n".join(f"    {printable(line)}".rstrip() for line in lines))
