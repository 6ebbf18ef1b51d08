"""The geometry of the page's charts."""

from __future__ import annotations

import dataclasses

from converter.page.meanings import MEANINGS
from converter.page.totals import DURATION_BOUNDS, Totals
from converter.page.untrusted import Json

WIDTH = 1000.0  # Of the chart of outcomes; it is stretched to the width of the page.
_LEAST_WIDTH = 6.0  # One module of ten thousand can be seen.


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """A part of the bar that shows outcomes.

    Attributes:
      outcome: Which.
      count: How many modules have it.
      x: Where it begins.
      width: How wide it is.
    """

    outcome: str
    count: int
    x: float
    width: float


def outcome_segments(totals: Totals) -> tuple[Segment, ...]:
    """A segment for each outcome that a module has; together they are `WIDTH` wide.

    A segment that would be too narrow to see is wider, and the others share what is left.
    """
    counts = {name: totals.counts[name] for name in MEANINGS if totals.counts[name]}
    narrow = {name for name, count in counts.items() if _share(count, counts) < _LEAST_WIDTH}
    left = WIDTH - _LEAST_WIDTH * len(narrow)
    wide = sum(count for name, count in counts.items() if name not in narrow)
    segments, x = [], 0.0
    for name, count in counts.items():
        width = _LEAST_WIDTH if name in narrow else left * count / wide
        segments.append(Segment(name, count, round(x, 2), round(width, 2)))
        x += width
    return tuple(segments)


def _share(count: int, counts: dict[str, int]) -> float:
    return WIDTH * count / sum(counts.values())


def duration_bars(totals: Totals) -> list[Json]:
    """A bar for each range of durations, from the first to the last that has a module."""
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
    """A range by its end: `≤ 20 s`, `≤ 5 min`, `> 1 h`."""
    seconds, sign = (start, ">") if end is None else (end, "≤")
    if seconds < 60:
        return f"{sign} {seconds} s"
    return f"{sign} {seconds // 60} min" if seconds < 3600 else f"{sign} {seconds // 3600} h"
