"""Compares the results of two runs of `scripts/bench`: ratios, row by row.

Rows and numbers that only one of the runs has are left out, as are those of another kind of
machine: a ratio between two machines says nothing about the converter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.goals import ratio
from benchmarks.tables import Table

_MACHINE_CLASS = ("cpu", "cores", "memory_gib", "system")
# What identifies a row of each ladder, and where its numbers are.
_KEYS: dict[str, tuple[str, ...]] = {
    "weights": ("mib",),
    "graphs": ("family", "nodes"),
    "use": ("model",),
    "start": ("case",),
}
_NUMBERS = (
    "median_seconds", "median_cpu_seconds", "seconds", "cpu_seconds", "load_seconds",
    "forward.seconds", "step.seconds",
)  # fmt: skip


def differs(machine: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[str]:
    """Returns in which respects two machines are of different classes."""
    return [name for name in _MACHINE_CLASS if machine.get(name) != baseline.get(name)]


def compare(results: Mapping[str, Any], baseline: Mapping[str, Any], ladder: str) -> Table:
    """Returns a table of a ladder's numbers, now and then."""
    before = {_name(ladder, row): row for row in baseline.get(ladder, [])}
    rows = []
    for row in results[ladder]:
        name = _name(ladder, row)
        for what, value in _numbers(row):
            old = dict(_numbers(before.get(name, {}))).get(what)
            change = ratio(value, old)
            if old is not None and change is not None:
                rows.append((name, what, f"{old:.3f}", f"{value:.3f}", f"{change:.2f}"))
    title = f"{ladder}: seconds, and as ratios to those of {baseline['machine']['date']}"
    return Table(title, ("row", "number", "before", "now", "ratio"), tuple(rows))


def _name(ladder: str, row: Mapping[str, Any]) -> str:
    return ", ".join(f"{row.get(key)}" for key in _KEYS[ladder])


def _numbers(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for path in _NUMBERS:
        found: Any = row
        for part in path.split("."):
            found = found.get(part, {}) if isinstance(found, Mapping) else {}
        for contestant, value in found.items():
            if isinstance(value, (int, float)):
                yield f"{contestant}, {path.replace('_', ' ').replace('.', ' ')}", value
