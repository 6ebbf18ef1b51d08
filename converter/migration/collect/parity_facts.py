"""Describes a comparison, as `ParityReport.to_json` writes it, for the report."""

from __future__ import annotations

import itertools
import math
import pathlib
from collections.abc import Iterable

import msgspec

from converter.files.json_values import MAX_COUNT, Count, Number
from converter.migration.collect.untrusted import read_json
from converter.page.details import Comparison, Row
from converter.page.document import NotCompared
from converter.parity.verdict import DIFFERS, EQUAL


class _NotCompared(msgspec.Struct):
    """A comparison that could not be made; version 0.1 wrote a `reason` in place of the others."""

    case: str
    what: str = ""
    why: str = ""
    remedy: str = ""
    reason: str = ""
    leaves_open: bool = True

    def describe(self) -> NotCompared:
        if self.reason:
            return NotCompared(text=f"{self.case}: {self.reason}", leaves_open=False)
        return NotCompared(
            text=f"{self.what} of {self.case}: {self.why}",
            remedy=self.remedy,
            leaves_open=self.leaves_open,
        )


class _Report(msgspec.Struct, kw_only=True):
    """A comparison as records of all versions have it; version 0.1 knew two verdicts."""

    verdict: str = ""
    passed: bool
    tensors: Count
    bit_equal: Count
    conditional: Count = 0
    facts: Count = 0
    worst_abs: Number
    worst_rel: Number
    rows: list[Row]
    notes: list[str]
    not_compared: list[_NotCompared]


def read_parity_facts(path: pathlib.Path) -> Comparison:
    """Reads a comparison, and sorts its tensors, the worst first.

    Raises:
      DamagedError: if it is missing, or not a comparison.
    """
    report = read_json(path, _Report)
    return Comparison(
        verdict=report.verdict or (EQUAL if report.passed else DIFFERS),
        passed=report.passed,
        tensors=report.tensors,
        bit_equal=report.bit_equal,
        conditional=report.conditional,
        facts=report.facts,
        worst_abs=report.worst_abs,
        worst_rel=report.worst_rel,
        rows=sorted(report.rows, key=_goodness),
        histogram=add_histograms(row.ulps_histogram for row in report.rows),
        notes=report.notes,
        not_compared=[entry.describe() for entry in report.not_compared],
    )


def add_histograms(histograms: Iterable[list[int] | None]) -> list[int] | None:
    """Adds histograms; None if there are none."""
    known = [histogram for histogram in histograms if histogram is not None]
    if not known:
        return None
    columns = itertools.zip_longest(*known, fillvalue=0)
    return [min(MAX_COUNT, sum(counts)) for counts in columns]


def _goodness(row: Row) -> tuple[bool, bool, float]:
    # NaN has no place in an order.
    return row.passed, row.bit_equal, -math.inf if math.isnan(row.max_rel) else -row.max_rel
