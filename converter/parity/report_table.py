"""The result of a parity check, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import rich.console
import rich.table
import rich.text

from converter.parity.checks import Row
from converter.parity.compare import Comparison
from converter.parity.report import ParityReport, explain_row, format_number
from converter.parity.verdict import COLORS
from converter.printable import printable

_DETAILED_FAILURES = 20


def print_report(report: ParityReport, console: rich.console.Console) -> None:
    """Prints a row for each case and check, and what differs in detail."""
    console.print(_summary_table(report.rows))
    lines = [f"Note: {note}" for note in report.notes]
    if any(row.conditions for row in report.rows):
        lines.append("* with random ops replaced on both sides")
    for entry in report.not_compared:
        lines.append(f"Not compared: {entry.text}. {entry.remedy}".rstrip())
    for line in lines:
        console.print(printable(line), markup=False, highlight=False)
    if report.failures:
        _print_failures(report.failures, console)
    verdict = printable(report.sentence())
    console.print(verdict, markup=False, highlight=False, style=COLORS[report.verdict])


def _summary_table(rows: Iterable[Row]) -> rich.table.Table:
    table = rich.table.Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("case", overflow="fold", max_width=36)
    table.add_column("check", no_wrap=True)
    for heading in ("tensors", "bit-equal", "worst abs", "worst rel", "ULPs", "facts"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    shown = ""
    for (case, check), group in _group(rows).items():
        name = rich.text.Text("" if case == shown else printable(case))
        facts = str(sum(row.is_fact for row in group) or "")
        table.add_row(name, check, *_tensor_cells(group), facts, _ending(group))
        shown = case
    return table


def _group(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """The rows by case and check, all checks of a case together."""
    cases: dict[str, dict[tuple[str, str], list[Row]]] = {}
    for row in rows:
        checks = cases.setdefault(row.case, {})
        checks.setdefault((row.case, row.check), []).append(row)
    return {key: found for checks in cases.values() for key, found in checks.items()}


def _tensor_cells(rows: Sequence[Row]) -> list[str]:
    tensors = [row.comparison for row in rows if not row.is_fact]
    if not tensors:
        return [""] * 5
    return [
        str(len(tensors)),
        str(sum(comparison.bit_equal for comparison in tensors)),
        format_number(max(comparison.max_abs for comparison in tensors)),
        format_number(max(comparison.max_rel for comparison in tensors)),
        _ulps(tensors),
    ]


def _ending(rows: Sequence[Row]) -> str:
    if not all(row.comparison.passed for row in rows):
        return "[bold red]DIFFERS[/]"
    return "ok*" if any(row.conditions for row in rows) else "ok"


def _print_failures(failures: tuple[Row, ...], console: rich.console.Console) -> None:
    console.print()
    for row in failures[:_DETAILED_FAILURES]:
        console.print(printable(explain_row(row)), markup=False, highlight=False, style="red")
    if len(failures) > _DETAILED_FAILURES:
        console.print(f"… and {len(failures) - _DETAILED_FAILURES} more.", highlight=False)


def _ulps(comparisons: Iterable[Comparison]) -> str:
    known = [c.max_ulps for c in comparisons if c.max_ulps is not None]
    if not known:
        return ""
    worst = max(known)
    return str(worst) if worst < 100_000 else f"{worst:.0e}"
