"""What running something in a cell came to, kept in a file of JSON from run to run."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Result:
    """The outcome of one selection of tests, or of the exchange, in one cell.

    Attributes:
      cell: The cell's name.
      selection: What was run.
      date: The day, as `2026-11-29`.
      commit: The revision of the converter that was tested.
      versions: What is installed: releases by package, with that of Python.
      counts: How many tests had each outcome: `passed`, `failed`, `skipped`.
      failures: What failed, each with the first line of its error.
      skips: How many tests were skipped, by reason.
      differences: The worst relative difference of a trained weight, by what was compared.
      seconds: How long it took.
    """

    cell: str
    selection: str
    date: str
    commit: str
    versions: Mapping[str, str]
    counts: Mapping[str, int]
    failures: Mapping[str, str]
    skips: Mapping[str, int]
    differences: Mapping[str, float]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether something ran, and nothing failed."""
        return not self.failures and self.counts.get("passed", 0) > 0


def read_results(path: pathlib.Path) -> list[Result]:
    """The results in a file; none if it is missing."""
    if not path.exists():
        return []
    return [Result(**described) for described in json.loads(path.read_text())]


def merge_results(old: Iterable[Result], new: Iterable[Result]) -> list[Result]:
    """Old results, without those of which there are newer ones of the same cell and selection."""
    return list({(r.cell, r.selection): r for r in (*old, *new)}.values())


def write_results(path: pathlib.Path, results: Iterable[Result]) -> None:
    """Writes all results."""
    described: list[dict[str, Any]] = [dataclasses.asdict(result) for result in results]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(described, indent=1) + "\n")
