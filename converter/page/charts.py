"""The geometry of the page's charts."""

from __future__ import annotations

import dataclasses
from typing import Any

from converter.page.document import DURATION_BOUNDS, Totals
from converter.page.outcome_labels import MEANINGS

WIDTH = 1000.0  # Of the outcome chart, which is stretched to the width of the page.
_LEAST_WIDTH = 6.0  # Wide enough to see one module of ten thousand.


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """A segment of the outcome chart.

    Attributes:
      outcome: The outcome.
      count: How many modules have it.
      x: The left edge.
      width: The width.
    """

    outcome: str
    count: int
    x: float
    width: float


def outcome_segments(totals: Totals) -> tuple[Segment, ...]:
    """Lays out a segment for each outcome that a module has; together they are `WIDTH` wide.

    A segment that would be too narrow to see is widened, and the others share the rest.
    """
    counts = {name: count for name in MEANINGS if (count := totals.counts.get(name, 0))}
    least = sum(counts.values()) * _LEAST_WIDTH / WIDTH
    narrow = {name for name, count in counts.items() if count < least}
    left = WIDTH - _LEAST_WIDTH * len(narrow)
    wide = sum(count for name, count in counts.items() if name not in narrow)
    segments, x = [], 0.0
    for name, count in counts.items():
        width = _LEAST_WIDTH if name in narrow else left * count / wide
        segments.append(Segment(name, count, round(x, 2), round(width, 2)))
        x += width
    return tuple(segments)


def duration_bars(totals: Totals) -> list[dict[str, Any]]:
    """Describes a bar for each range of durations, from the first to the last that is not empty."""
    bounds = [0, *DURATION_BOUNDS]
    bars = [
        {"label": _label(start, end), "count": count, "from": start, "to": end}
        for start, end, count in zip(
            bounds, [*DURATION_BOUNDS, None], totals.durations, strict=True
        )
    ]
    filled = [place for place, bar in enumerate(bars) if bar["count"]]
    return bars[filled[0] : filled[-1] + 1] if filled else []


def _label(start: int, end: int | None) -> str:
    """Labels a range by its end: `≤ 20 s`, `≤ 5 min`, `> 1 h`."""
    seconds, sign = (start, ">") if end is None else (end, "≤")
    if seconds < 60:
        return f"{sign} {seconds} s"
    return f"{sign} {seconds // 60} min" if seconds < 3600 else f"{sign} {seconds // 3600} h"
