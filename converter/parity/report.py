"""The result of a parity check: as a value, as JSON, and in a sentence."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from converter.export.record import ParityInfo, Verdict
from converter.parity.checks import Row
from converter.parity.compare import Comparison
from converter.parity.verdict import DIFFERS, EQUAL, NOT_COMPARED, NotCompared

_NAMED_FAILURES = 3


@dataclasses.dataclass(frozen=True, slots=True)
class ParityReport:
    """The comparison of a converted module with its original.

    Attributes:
      rows: One for each tensor and fact that was compared.
      not_compared: What could not be.
      random_ops: The random ops that were replaced on both sides, and how many there were.
      notes: What else was changed in the original so that it runs.
      rtol: The relative tolerance that the user set, if any.
      atol: The absolute tolerance that the user set, if any.
    """

    rows: tuple[Row, ...]
    not_compared: tuple[NotCompared, ...] = ()
    random_ops: Mapping[str, int] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rtol: float | None = None
    atol: float | None = None

    @property
    def verdict(self) -> Verdict:
        """Equal only if all that the original can do was compared, and is equal."""
        if self.failures:
            return DIFFERS
        return NOT_COMPARED if self.open or not self.rows else EQUAL

    @property
    def passed(self) -> bool:
        """Whether the two modules are equal."""
        return self.verdict == EQUAL

    @property
    def open(self) -> tuple[NotCompared, ...]:
        """The parts that were not compared and may differ."""
        return tuple(entry for entry in self.not_compared if entry.leaves_open)

    @property
    def failures(self) -> tuple[Row, ...]:
        """The rows that differ by more than the tolerance."""
        return tuple(row for row in self.rows if not row.comparison.passed)

    def first_failure(self) -> str:
        """The first difference in one line; empty if there is none."""
        return explain_row(self.failures[0]) if self.failures else ""

    def sentence(self) -> str:
        """The verdict in one line, with what it rests on."""
        if self.verdict != DIFFERS:
            return explain_summary(self.summary())
        rows = {False: 0, True: 0}
        failed = dict(rows)
        for row in self.rows:
            rows[row.is_fact] += 1
            failed[row.is_fact] += not row.comparison.passed
        counts = [
            f"{failed[is_fact]} of {rows[is_fact]} {noun}"
            for is_fact, noun in ((False, "tensors"), (True, "facts"))
            if failed[is_fact]
        ]
        names = [f"{row.case} / {row.check} / {row.tensor}" for row in self.failures]
        more = f" and {len(names) - _NAMED_FAILURES} more" if len(names) > _NAMED_FAILURES else ""
        return f"Differs: {', '.join(names[:_NAMED_FAILURES])}{more} ({' and '.join(counts)})."

    def summary(self) -> ParityInfo:
        """The few numbers that a record keeps."""
        tensors = [row for row in self.rows if not row.is_fact]
        plain = [row.comparison for row in tensors if not row.conditions]
        every = [row.comparison for row in tensors]
        return ParityInfo(
            verdict=self.verdict,
            passed=self.passed,
            tensors=len(plain),
            bit_equal=sum(comparison.bit_equal for comparison in plain),
            conditional=len(every) - len(plain),
            facts=len(self.rows) - len(tensors),
            worst_abs=to_json(max((c.max_abs for c in every), default=0.0)),
            worst_rel=to_json(max((c.max_rel for c in every), default=0.0)),
            random_ops=dict(self.random_ops),
            not_compared=tuple(entry.text for entry in self.open),
            remedies=tuple(dict.fromkeys(e.remedy for e in self.open if e.remedy)),
        )

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values; numbers that JSON has not are strings."""
        return {
            **msgspec.to_builtins(self.summary()),
            "tolerance": {"rtol": self.rtol, "atol": self.atol},
            "notes": list(self.notes),
            "not_compared": [dataclasses.asdict(entry) for entry in self.not_compared],
            "rows": [_row_to_json(row) for row in self.rows],
        }


def _row_to_json(row: Row) -> dict[str, Any]:
    comparison = {
        field.name: to_json(getattr(row.comparison, field.name))
        for field in dataclasses.fields(Comparison)
    }
    named = {"case": row.case, "check": row.check, "tensor": row.tensor}
    return {**named, **comparison, "conditions": list(row.conditions)}


def to_json(value: Any) -> Any:
    """A value as JSON has it: numbers that it has not become strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


# In words.


def explain_summary(summary: ParityInfo) -> str:
    """The verdict that a summary stands for, in one line; of what differs it knows no names."""
    if summary.verdict == EQUAL:
        return f"Equal: {_counts(summary)}."
    if summary.verdict == DIFFERS:
        return "Differs."
    reasons = "; ".join(summary.not_compared) or "no call of the original could be compared"
    if not summary.tensors + summary.conditional:
        return f"Not compared: {reasons}. No tensor was compared; {summary.facts} facts hold."
    return f"Not compared: {reasons}. All else is equal: {_counts(summary)}."


def _counts(summary: ParityInfo) -> str:
    parts = [f"{summary.tensors} tensors, {summary.bit_equal} bit for bit"]
    if summary.conditional:
        ops = ", ".join(f"{op} x {count}" for op, count in summary.random_ops.items())
        parts.append(f"{summary.conditional} more equal with random ops replaced ({ops})")
    parts.append(f"{summary.facts} facts")
    worst = float(summary.worst_rel)
    return "; ".join(parts) + (f"; worst relative error {format_number(worst)}" if worst else "")


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
    absolute, relative = map(format_number, (comparison.max_abs, comparison.max_rel))
    return f"{text} (max abs {absolute}, max rel {relative})"


def format_number(value: float) -> str:
    """A difference, short."""
    return "0" if value == 0 else f"{value:.1e}"
