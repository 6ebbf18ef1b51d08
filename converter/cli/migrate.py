"""Converts all TF1 modules of a tree, unattended.

Every module becomes a SavedModel at the same relative path below DST_ROOT. Each is converted in a
worker process, so that a module that crashes, hangs or exhausts the memory affects no other.
SavedModels that are up to date stay as they are: the same version of the converter made them from
the same files, and compared them if --verify is set. A run that ended early resumes when it is
started again. Ctrl-C finishes the modules that are being converted; a second one stops at once.
The migration report is written into DST_ROOT in the end.

Exit status: 0 when everything that can be converted is; 1 when a module is not converted, or the
run was stopped; 2 for wrong use; 3 when all is converted, but --verify could not compare all; 130
(or 143 for SIGTERM) when it was interrupted.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from converter import errors
from converter.cli import terminal
from converter.cli.conversion_options import add_options, read_options
from converter.cli.limits import positive
from converter.conversion.options import describe_options
from converter.processes.custom_ops import check_installed
from converter.quantities import count

if TYPE_CHECKING:
    # Imported where it is used: help and errors answer without it.
    from converter.migration.report import MigrationReport

NAME = "migrate"
HELP = "convert all modules of a tree"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    parser.add_argument("source_root", metavar="SRC_ROOT", help="tree of TF1 Hub modules")
    parser.add_argument("destination_root", metavar="DST_ROOT", help="tree of SavedModels to write")
    _add_choice(parser.add_argument_group("what is converted"))
    _add_options(parser.add_argument_group("options of each conversion"))
    _add_conduct(parser.add_argument_group("how"))
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--no-report", action="store_true",
        help="do not write the migration report into DST_ROOT; `tf1hub report` does that later",
    )  # fmt: skip
    parser.set_defaults(check=_check)


def _add_choice(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--include", action="append", default=[], metavar="GLOB",
        help="only modules whose relative path matches; * matches slashes; may be repeated",
    )  # fmt: skip
    group.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB",
        help="no modules whose relative path, or a folder above, matches; may be repeated",
    )  # fmt: skip
    group.add_argument(
        "--from-list", metavar="FILE",
        help="the modules that FILE names, a path or a handle (https://…, gs://…) on each line, in"
        " place of all below SRC_ROOT",
    )  # fmt: skip
    group.add_argument(
        "--retry-failed", action="store_true",
        help="try modules again that failed before, or could not be compared, though nothing has"
        " changed since",
    )  # fmt: skip
    group.add_argument(
        "--dry-run", action="store_true",
        help="say what would be done, from reading only; write nothing",
    )  # fmt: skip


def _add_options(group: argparse._ArgumentGroup) -> None:
    # The inputs of one module fit no other: they stand in the file.
    add_options(group, {about.name for about in describe_options()} - {"inputs"})
    group.add_argument(
        "--options", metavar="FILE",
        help="these options by path pattern, for modules that need others: a TOML or JSON file"
        " in which, for example, [\"bert/*\"] comes before call_signature = \"tokens\"",
    )  # fmt: skip


def _add_conduct(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--workers", type=_positive_int, metavar="N",
        help="how many to convert at a time (default: as many as there are processors)",
    )  # fmt: skip
    group.add_argument(
        "--timeout-secs", type=positive, default=3600.0, metavar="S",
        help="how long one may take (default: 3600)",
    )  # fmt: skip
    group.add_argument(
        "--memory-limit-gib", type=positive, metavar="G",
        help="how much memory one may take (default: no limit)",
    )  # fmt: skip
    group.add_argument(
        "--fail-fast", action="store_true", help="begin no more after the first that fails"
    )
    group.add_argument(
        "--engine", choices=("local", "dask"), default="local",
        help="this machine, or the workers of a Dask scheduler (default: local)",
    )  # fmt: skip
    group.add_argument(
        "--scheduler", metavar="ADDRESS", help="of Dask's scheduler, such as tcp://host:8786"
    )


def _positive_int(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    from converter.cli.interrupts import exit_status, finishing_on_interrupt
    from converter.migration.report_tables import print_report
    from converter.migration.run import StoppedNow
    from converter.parity.verdict import EQUAL, EXIT_STATUSES, NOT_COMPARED

    with finishing_on_interrupt() as stopping:
        try:
            report = _migrate(arguments, stopping)
            page = None if arguments.no_report else _write_page(report, arguments.destination_root)
        except StoppedNow as stopped:
            report, page = stopped.report, None
    if arguments.json:
        terminal.print_json(report.to_json())
    else:
        print_report(report, terminal.output_console(), page)
    _say_if_stopped(report)
    if report.interrupted and stopping.number:
        return exit_status(stopping.number)
    if not report.passed:
        return 1
    return EXIT_STATUSES[NOT_COMPARED if report.not_compared else EQUAL]


def _check(arguments: argparse.Namespace) -> None:
    if arguments.engine == "dask" and not arguments.scheduler:
        raise errors.UsageError(
            "--engine dask needs the address of a scheduler",
            remedy="Pass --scheduler tcp://HOST:PORT.",
        )
    if arguments.engine != "dask" and arguments.scheduler:
        raise errors.UsageError("--scheduler is for Dask", remedy="Pass --engine dask with it.")
    if arguments.engine == "local":  # Dask's workers may be elsewhere.
        check_installed(arguments.import_ops)


def _migrate(arguments: argparse.Namespace, stopping: Callable[[], bool]) -> MigrationReport:
    from converter.cli.migrate_progress import showing_progress
    from converter.migration.migrate import migrate

    with showing_progress() as watcher:
        return migrate(
            arguments.source_root,
            arguments.destination_root,
            from_list=arguments.from_list,
            include=arguments.include,
            exclude=arguments.exclude,
            **read_options(arguments).changed(),
            options=arguments.options,
            dry_run=arguments.dry_run,
            retry_failed=arguments.retry_failed,
            fail_fast=arguments.fail_fast,
            workers=arguments.workers,
            timeout_secs=arguments.timeout_secs,
            memory_limit_gib=arguments.memory_limit_gib,
            engine=arguments.engine,
            scheduler=arguments.scheduler,
            watcher=watcher,
            stopping=stopping,
        )


def _write_page(report: MigrationReport, destination_root: str) -> str | None:
    """Writes the migration report; returns the path of its page, if there is anything to show."""
    from converter.migration.write_report import report as write_report

    if report.dry_run or not report.outcomes:
        return None
    try:
        return write_report(destination_root).html
    except errors.ConversionError as error:
        terminal.say_warning(f"the migration report was not written: {error}", even_if_quiet=True)
        return None


def _say_if_stopped(report: MigrationReport) -> None:
    if report.interrupted:
        why = report.stopped_because or "it was interrupted"
        terminal.say_error(
            f"stopped with {count(len(report.not_run), 'module')} to go: {why}. Run it again to"
            " resume."
        )
