"""Prints the result of a migration."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from converter.conversion.options import ConversionOptions
from converter.conversion.summary_tables import format_refusal
from converter.display.console import Console, escape
from converter.display.tables import count_left, make_table
from converter.migration.outcomes import (
    COUNTED,
    UNSUCCESSFUL,
    Converted,
    NotLegacy,
    Outcome,
    Refused,
    Unsuccessful,
    UpToDate,
    is_open,
    name_outcome,
)
from converter.page.headline import describe_result
from converter.printable import printable
from converter.quantities import count, format_seconds
from converter.spelling import spell

if TYPE_CHECKING:
    from converter.migration.report import MigrationReport

_MANY = 50  # Rows of a table, before the rest is only counted.
_ALL = "--json has all"


def print_report(
    report: MigrationReport, console: Console, page: str | None = None, *, in_python: bool = False
) -> None:
    """Prints how many modules had which outcome, and why modules were not converted.

    Args:
      report: The result of the migration.
      console: Where to print.
      page: The path of the migration report, if it was written.
      in_python: Whether it is for a program, whose arguments have other names than options.
    """
    counts = {**report.counts, "not run": 0, "would be converted": 0}
    counts["would be converted" if report.dry_run else "not run"] = len(report.not_run)
    table = make_table("modules", "outcome", "what it means")
    for name, meaning in _MEANINGS.items():
        if counts[name]:
            table.add_row(str(counts[name]), name.replace("_", " "), meaning)
    if table.row_count:
        console.print(table)
    else:
        console.print(f"Nothing was found in {escape(report.source_root)}.")
    _print_skipped(report, console)
    _print_not_compared(report, console)
    if report.dry_run:
        _print_options(report, console, more="" if in_python else _ALL)
    _print_unsuccessful(report, console, in_python=in_python)
    if report.ran:
        console.print(_pace(report), soft_wrap=True, markup=False)
    if _count_modules(report) and not report.dry_run:
        console.print(f"{_headline(report)}.", soft_wrap=True)
    if page is not None:
        console.print(f"The report: {printable(page)}", soft_wrap=True, markup=False)


_MEANINGS = {
    "converted": "in this run",
    "up_to_date": "the SavedModel is what converting would give",
    "not_compared": "converted, but could not be compared in full",
    "would be converted": "nothing is written in a dry run",
    "not_legacy": "nothing to convert",
    "refused": "the module cannot be carried over exactly",
    "failed": "the converter, the comparison or the destination failed",
    "timed_out": "stopped at the time limit",
    "crashed": "the worker died, or was stopped at the memory limit",
    "not run": "the run was stopped before",
}
assert set(_MEANINGS) >= set(COUNTED)


def _print_skipped(report: MigrationReport, console: Console) -> None:
    reasons = collections.Counter(
        outcome.explanation for outcome in report.outcomes if isinstance(outcome, NotLegacy)
    )
    for explanation, number in reasons.most_common():
        console.print(f"Skipped {number}: {escape(explanation)}", soft_wrap=True)


def _count_modules(report: MigrationReport) -> int:
    """How many TF1 modules there are."""
    return len(report.outcomes) + len(report.not_run) - report.counts["not_legacy"]


def _headline(report: MigrationReport) -> str:
    return describe_result(
        modules=_count_modules(report),
        converted=report.converted,
        equal=report.equal,
        not_compared=len(report.not_compared),
    )


def _print_not_compared(report: MigrationReport, console: Console) -> None:
    """Prints which modules could not be compared in full, and why."""
    if not report.not_compared:
        return
    table = make_table("module", "not compared", title="\nConverted, but not compared")
    for outcome in report.not_compared[:_MANY]:
        reasons = outcome.parity.not_compared if outcome.parity else ()
        table.add_row(escape(outcome.path), escape("; ".join(reasons)))
    console.print(table)


def _print_options(report: MigrationReport, console: Console, *, more: str) -> None:
    own = [path for path in report.not_run if path in report.options]
    if not own:
        return
    table = make_table("module", "options", title="\nConverted with")
    for path in own[:_MANY]:
        options = ConversionOptions(**report.options[path]).format()
        table.add_row(escape(path), escape(options))
    console.print(table)
    if len(own) > _MANY:
        console.print(count_left(len(own) - _MANY, more))


def _print_unsuccessful(report: MigrationReport, console: Console, *, in_python: bool) -> None:
    if not report.unsuccessful:
        return
    table = make_table("module", "outcome", title="\nNot converted")
    for outcome in report.unsuccessful[:_MANY]:
        table.add_row(escape(outcome.path), _explain(outcome))
    console.print(table)
    if len(report.unsuccessful) > _MANY:
        left = len(report.unsuccessful) - _MANY
        console.print(count_left(left, "" if in_python else _ALL))
    if set(report.repeated) & {outcome.path for outcome in report.unsuccessful}:
        option = "retry_failed=True" if in_python else "--retry-failed"
        console.print(f"{option} retries modules that failed in an earlier run.")


def _explain(outcome: Unsuccessful) -> str:
    """Describes an outcome as markup; with all reasons, where a dry run has them."""
    if not isinstance(outcome, Refused) or not outcome.refusals:
        return escape(describe(outcome))
    reasons = [format_refusal(spell(one.error), one.callables) for one in outcome.refusals]
    return "\n".join(["refused:", *(f"  {escape(reason)}" for reason in reasons)])


def _pace(report: MigrationReport) -> str:
    return (
        f"{count(len(report.ran), 'module')} in {format_seconds(report.seconds)}:"
        f" {report.modules_per_minute:.1f} a minute with {count(report.workers, 'worker')},"
        f" {report.overhead:.1%} of their time overhead."
    )


def describe(outcome: Outcome | None) -> str:
    """Describes an outcome in one line, with its reason."""
    if outcome is None:
        return "would be converted"
    name = name_outcome(outcome).replace("_", " ")
    if isinstance(outcome, UNSUCCESSFUL):
        return f"{name}: {outcome.error.text}"
    if isinstance(outcome, NotLegacy):
        return f"skipped: {outcome.explanation}"
    if isinstance(outcome, Converted | UpToDate) and outcome.parity and is_open(outcome.parity):
        return f"converted, not compared: {'; '.join(outcome.parity.not_compared)}"
    return name
