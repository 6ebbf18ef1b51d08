"""What the page tells from a comparison in full, as `ParityReport.to_json` writes it."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from converter.page.untrusted import (
    DamagedError,
    Json,
    count,
    fields,
    flag,
    items,
    number,
    optional,
    read_facts,
    text,
    texts,
    to_json,
)
from converter.parity.verdict import DIFFERS, EQUAL

# The few facts that an outcome keeps, too.
SUMMARY = (
    "verdict", "passed", "tensors", "bit_equal", "conditional", "facts", "worst_abs", "worst_rel"
)  # fmt: skip
_MOST_BITS = 64  # Of a distance in units in the last place.


def read_parity_facts(path: pathlib.Path) -> Json:
    """Reads a comparison, the worst tensors first.

    Raises:
      DamagedError: if it is missing, or no comparison.
    """
    return read_facts(path, _describe)


def _describe(report: Mapping[str, Any]) -> Json:
    rows = [_row(item) for item in items(report["rows"])]
    return {
        **describe_summary(report),
        "rows": sorted(rows, key=_goodness),
        "histogram": add_histograms(row["histogram"] for row in rows),
        "notes": texts(report["notes"]),
        "not_compared": [_not_compared(item) for item in items(report["not_compared"])],
    }


def describe_summary(values: Any) -> Json:
    """The numbers of `SUMMARY`."""
    summary = fields(values)
    return {
        # Comparisons of earlier versions have no verdict: they knew of two.
        "verdict": text(summary.get("verdict", EQUAL if summary["passed"] else DIFFERS)),
        "passed": flag(summary["passed"]),
        "tensors": count(summary["tensors"]),
        "bit_equal": count(summary["bit_equal"]),
        "conditional": count(summary.get("conditional", 0)),
        "facts": count(summary.get("facts", 0)),
        "worst_abs": to_json(number(summary["worst_abs"])),
        "worst_rel": to_json(number(summary["worst_rel"])),
    }


def add_histograms(histograms: Iterable[list[int] | None]) -> list[int] | None:
    """The sum of histograms; None if there are none."""
    known = [histogram for histogram in histograms if histogram is not None]
    if not known:
        return None
    return [sum(counts) for counts in itertools.zip_longest(*known, fillvalue=0)]


def _row(value: Any) -> Json:
    row = fields(value)
    return {
        "case": text(row["case"]),
        "check": text(row["check"]),
        "tensor": text(row["tensor"]),
        "dtype": text(row["dtype"]),
        "shape": [count(size) for size in items(row["shape"])],
        "passed": flag(row["passed"]),
        "bit_equal": flag(row["bit_equal"]),
        "is_fact": flag(row.get("is_fact", False)),
        "conditions": texts(row.get("conditions", [])),
        "max_abs": to_json(number(row["max_abs"])),
        "max_rel": to_json(number(row["max_rel"])),
        "max_ulps": optional(_distance, row["max_ulps"]),
        "where": optional(lambda place: [count(index) for index in items(place)], row["where"]),
        "expected": text(row["expected"]),
        "actual": text(row["actual"]),
        "problem": text(row["problem"]),
        # Comparisons of earlier versions have none.
        "histogram": optional(_histogram, row.get("ulps_histogram")),
    }


def _distance(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << _MOST_BITS:
        raise DamagedError("expected a distance in units in the last place")
    return value


def _histogram(value: Any) -> list[int]:
    counts = [count(entry) for entry in items(value)]
    if len(counts) > _MOST_BITS + 1:
        raise DamagedError(f"expected a histogram of {_MOST_BITS + 1} entries or fewer")
    return counts


def _goodness(row: Json) -> tuple[bool, bool, float]:
    worst = float(row["max_rel"])
    # NaN has no place in an order.
    return row["passed"], row["bit_equal"], -worst if worst == worst else -float("inf")


def _not_compared(value: Any) -> Json:
    entry = fields(value)
    if "reason" in entry:  # That of an earlier version.
        return {"text": f"{text(entry['case'])}: {text(entry['reason'])}", "remedy": ""}
    case, what, why = (text(entry[name]) for name in ("case", "what", "why"))
    return {"text": f"{what} of {case}: {why}", "remedy": text(entry["remedy"])}
