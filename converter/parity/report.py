"""The result of a comparison: as a value, as JSON, and in a sentence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from converter.display.shown import Shown, to_html
from converter.export.record import ParityInfo, Verdict
from converter.files.json_values import to_json_values
from converter.parity.checks import Row
from converter.parity.compare import Comparison
from converter.parity.verdict import DIFFERS, EQUAL, NOT_COMPARED, NotCompared
from converter.quantities import count

if TYPE_CHECKING:
    from converter.display.console import Console

_NAMED_FAILURES = 3


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class ParityReport(Shown):
    """The comparison of a converted module with its original.

    Attributes:
      rows: One for each tensor and fact that was compared.
      not_compared: What could not be compared.
      random_ops: How many random ops of each type were replaced on both sides.
      notes: What else was changed in the original to run it.
      rtol: The relative tolerance that the user set, if any.
      atol: The absolute tolerance that the user set, if any.

    Example:
      ```python
      report = converter.verify("module", "saved_model")
      print(report.sentence())
      worst = max(row.comparison.max_rel for row in report.rows)
      ```
    """

    rows: tuple[Row, ...]
    not_compared: tuple[NotCompared, ...] = ()
    random_ops: Mapping[str, int] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rtol: float | None = None
    atol: float | None = None

    def _headline(self) -> str:
        return self.sentence().rstrip(".")

    def _show(self, console: Console) -> None:
        from converter.parity.report_table import print_report

        print_report(self, console)

    def _repr_html_(self) -> str:
        from converter.parity.report_pictures import draw_pictures

        return to_html(self._show, draw_pictures(self))

    @property
    def verdict(self) -> Verdict:
        """`equal` only if all that the original can do was compared, and is equal."""
        if self.failures:
            return DIFFERS
        return NOT_COMPARED if self.open or not self.rows else EQUAL

    @property
    def passed(self) -> bool:
        """Whether the two modules are equal."""
        return self.verdict == EQUAL

    @property
    def open(self) -> tuple[NotCompared, ...]:
        """The things that were not compared, and may differ."""
        return tuple(entry for entry in self.not_compared if entry.leaves_open)

    @property
    def failures(self) -> tuple[Row, ...]:
        """The rows that differ by more than the tolerance."""
        return tuple(row for row in self.rows if not row.comparison.passed)

    def first_failure(self) -> str:
        """Describes the first difference in one line; empty if there is none."""
        return explain_row(self.failures[0]) if self.failures else ""

    def sentence(self) -> str:
        """Explains the verdict in one line."""
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
        """Summarizes the report for a record."""
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
            worst_abs=max((c.max_abs for c in every), default=0.0),
            worst_rel=max((c.max_rel for c in every), default=0.0),
            random_ops=dict(self.random_ops),
            not_compared=tuple(entry.text for entry in self.open),
            remedies=tuple(dict.fromkeys(e.remedy for e in self.open if e.remedy)),
        )

    def to_json(self) -> dict[str, Any]:
        """Converts the report to JSON values: its summary, with all that was compared."""
        values: dict[str, Any] = to_json_values(
            {
                **msgspec.structs.asdict(self.summary()),
                "tolerance": {"rtol": self.rtol, "atol": self.atol},
                "notes": self.notes,
                "not_compared": self.not_compared,
                "rows": [_flatten(row) for row in self.rows],
            }
        )
        return values


def _flatten(row: Row) -> dict[str, Any]:
    """The fields of a row, those of its comparison among them."""
    named = {"case": row.case, "check": row.check, "tensor": row.tensor}
    return {**named, **msgspec.to_builtins(row.comparison), "conditions": row.conditions}


# In words.


def explain_summary(summary: ParityInfo) -> str:
    """Explains the verdict of a summary in one line, without the names of what differs."""
    if summary.verdict == EQUAL:
        return f"Equal: {_counts(summary)}."
    if summary.verdict == DIFFERS:
        return "Differs."
    reasons = "; ".join(summary.not_compared) or "no call of the original could be compared"
    if not summary.tensors + summary.conditional:
        facts = "1 fact holds" if summary.facts == 1 else f"{summary.facts} facts hold"
        return f"Not compared: {reasons}. No tensor was compared; {facts}."
    return f"Not compared: {reasons}. All else is equal: {_counts(summary)}."


def _counts(summary: ParityInfo) -> str:
    parts = [f"{count(summary.tensors, 'tensor')}, {summary.bit_equal:,} bit for bit"]
    if summary.conditional:
        ops = ", ".join(f"{op} x {number}" for op, number in summary.random_ops.items())
        parts.append(f"{summary.conditional} more equal with random ops replaced ({ops})")
    parts.append(count(summary.facts, "fact"))
    worst = summary.worst_rel
    return "; ".join(parts) + (f"; worst relative error {format_number(worst)}" if worst else "")


def explain_row(row: Row) -> str:
    """Describes the difference of a row in one line."""
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
    """Formats a difference briefly."""
    return "0" if value == 0 else f"{value:.1e}"
