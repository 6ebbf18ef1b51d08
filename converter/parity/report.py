"""The result of a parity check: as a value, as JSON, and as a table."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

import rich.console
import rich.table
import rich.text

from converter.parity.checks import Row
from converter.parity.compare import Comparison

_DETAILED_FAILURES = 20


@dataclasses.dataclass(frozen=True, slots=True)
class NotCompared:
    """Something that could not be compared, and why."""

    case: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class ParityReport:
    """What comparing a converted module with its original found.

    Attributes:
      rows: One for each tensor and fact that was compared.
      not_compared: What could not be.
      uncovered: The callables of which no call could be compared: the comparison fails then.
      notes: What was changed on both sides so that they can be compared.
      rtol: The relative tolerance that the user set, if any.
      atol: The absolute tolerance that the user set, if any.
    """

    rows: tuple[Row, ...]
    not_compared: tuple[NotCompared, ...] = ()
    uncovered: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    rtol: float | None = None
    atol: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the two modules are the same as far as could be seen, and enough could."""
        return not self.uncovered and all(row.comparison.passed for row in self.rows)

    @property
    def failures(self) -> tuple[Row, ...]:
        """The rows that differ by more than the tolerance."""
        return tuple(row for row in self.rows if not row.comparison.passed)

    def first_failure(self) -> str:
        """What differs first, in one line; empty if nothing does."""
        if self.uncovered:
            return f"no call of {self.uncovered[0]!r} could be compared"
        return explain_row(self.failures[0]) if self.failures else ""

    def summary(self) -> dict[str, Any]:
        """The few numbers that a record keeps."""
        return {
            "passed": self.passed,
            "tensors": len(self.rows),
            "bit_equal": sum(row.comparison.bit_equal for row in self.rows),
            "worst_abs": _to_json(max((r.comparison.max_abs for r in self.rows), default=0.0)),
            "worst_rel": _to_json(max((r.comparison.max_rel for r in self.rows), default=0.0)),
        }

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values; numbers that JSON has not are strings."""
        return {
            **self.summary(),
            "tolerance": {"rtol": self.rtol, "atol": self.atol},
            "notes": list(self.notes),
            "not_compared": [dataclasses.asdict(entry) for entry in self.not_compared],
            "uncovered": list(self.uncovered),
            "rows": [_row_to_json(row) for row in self.rows],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ParityReport:
        """The report that `to_json` described."""
        return cls(
            rows=tuple(_row_from_json(row) for row in values["rows"]),
            not_compared=tuple(NotCompared(**entry) for entry in values["not_compared"]),
            uncovered=tuple(values["uncovered"]),
            notes=tuple(values["notes"]),
            rtol=values["tolerance"]["rtol"],
            atol=values["tolerance"]["atol"],
        )


def _row_to_json(row: Row) -> dict[str, Any]:
    comparison = {
        field.name: _to_json(getattr(row.comparison, field.name))
        for field in dataclasses.fields(Comparison)
    }
    return {"case": row.case, "check": row.check, "tensor": row.tensor, **comparison}


def _row_from_json(values: Mapping[str, Any]) -> Row:
    values = {"ulps_histogram": None, **values}  # Earlier reports lack it.
    fields = {field.name: values[field.name] for field in dataclasses.fields(Comparison)}
    for name in ("shape", "where", "ulps_histogram"):
        fields[name] = None if fields[name] is None else tuple(fields[name])
    for name in ("max_abs", "max_rel"):
        fields[name] = float(fields[name])
    return Row(values["case"], values["check"], values["tensor"], Comparison(**fields))


def _to_json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


# The table.


def print_report(report: ParityReport, console: rich.console.Console) -> None:
    """Prints a row for each case and check, and what differs in detail."""
    console.print(_summary_table(report.rows))
    for note in report.notes:
        console.print(f"Note: {note}", markup=False, highlight=False)
    for entry in report.not_compared:
        console.print(f"Not compared: {entry.case}: {entry.reason}", markup=False, highlight=False)
    for attribute in report.uncovered:
        console.print(
            f"No call of {attribute!r} could be compared: pass inputs that suit it with --inputs.",
            markup=False,
            highlight=False,
        )
    if report.failures:
        _print_failures(report.failures, console)
    console.print(_verdict(report), markup=False, highlight=False)


def _summary_table(rows: Iterable[Row]) -> rich.table.Table:
    table = rich.table.Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("case", overflow="fold", max_width=40)
    table.add_column("check", no_wrap=True)
    for heading in ("tensors", "bit-equal", "worst abs", "worst rel", "ULPs"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    shown = ""
    for (case, check), comparisons in _group(rows).items():
        passed = all(comparison.passed for comparison in comparisons)
        table.add_row(
            rich.text.Text("" if case == shown else case),
            check,
            str(len(comparisons)),
            str(sum(comparison.bit_equal for comparison in comparisons)),
            _number(max(comparison.max_abs for comparison in comparisons)),
            _number(max(comparison.max_rel for comparison in comparisons)),
            _ulps(comparisons),
            "ok" if passed else "[bold red]DIFFERS[/]",
        )
        shown = case
    return table


def _group(rows: Iterable[Row]) -> dict[tuple[str, str], list[Comparison]]:
    """The comparisons by case and check, all checks of a case together."""
    cases: dict[str, dict[tuple[str, str], list[Comparison]]] = {}
    for row in rows:
        checks = cases.setdefault(row.case, {})
        checks.setdefault((row.case, row.check), []).append(row.comparison)
    return {key: found for checks in cases.values() for key, found in checks.items()}


def _print_failures(failures: tuple[Row, ...], console: rich.console.Console) -> None:
    console.print()
    for row in failures[:_DETAILED_FAILURES]:
        console.print(explain_row(row), markup=False, highlight=False, style="red")
    if len(failures) > _DETAILED_FAILURES:
        console.print(f"… and {len(failures) - _DETAILED_FAILURES} more.", highlight=False)


def explain_row(row: Row) -> str:
    """Where a row belongs and how its two sides differ, in one line."""
    return f"{row.case} / {row.check} / {row.tensor}: {_explain(row.comparison)}"


def _explain(comparison: Comparison) -> str:
    if comparison.problem:
        return comparison.problem
    where = f" at {list(comparison.where)}" if comparison.where else ""
    text = f"expected {comparison.expected}, actual {comparison.actual}{where}"
    if comparison.dtype == "string":
        return text
    return f"{text} (max abs {_number(comparison.max_abs)}, max rel {_number(comparison.max_rel)})"


def _verdict(report: ParityReport) -> str:
    summary = report.summary()
    counts = f"{summary['tensors']} tensors, {summary['bit_equal']} bit-equal"
    if report.passed:
        return f"Equal: {counts}, worst relative error {_number(float(summary['worst_rel']))}."
    return f"Not equal: {counts}, {len(report.failures)} differ."


def _number(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"


def _ulps(comparisons: Iterable[Comparison]) -> str:
    known = [c.max_ulps for c in comparisons if c.max_ulps is not None]
    if not known:
        return ""
    worst = max(known)
    return str(worst) if worst < 100_000 else f"{worst:.0e}"
