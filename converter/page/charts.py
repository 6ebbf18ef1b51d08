"""The geometry of the page's charts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from converter.page.document import DURATION_BOUNDS, Run, Totals
from converter.page.outcome_labels import MEANINGS

WIDTH = 1000.0  # Of the outcome chart, which is stretched to the width of the page.
# Of the chart of the history, in the units of its viewBox: outcomes above, times below them.
HISTORY_WIDTH = 640.0
HISTORY_STEP = 90.0
OUTCOMES_HEIGHT = 84.0
OUTCOMES_BOTTOM = 90.0
TIME_HEIGHT = 36.0
TIME_BOTTOM = 150.0
_LABEL_WIDTH = 56.0
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
    """Lays out a segment for each outcome that a module has; together they are `WIDTH` wide."""
    return segments_of({str(name): count for name, count in totals.counts.items()})


def segments_of(counts_by_name: Mapping[str, int]) -> tuple[Segment, ...]:
    """Lays out a segment for each outcome with a count; together they are `WIDTH` wide.

    A segment that would be too narrow to see is widened, and the others share the rest.
    """
    counts = {name: count for name in MEANINGS if (count := counts_by_name.get(name, 0))}
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


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A run in the chart of the history.

    Attributes:
      run: The run.
      x: The left edge.
      width: The width.
      blocks: A block for each outcome, as (outcome, top, height).
      time_top: The top of the bar that shows how long it took.
      time_height: The height of that bar.
      has_label: Whether there is room for its date below.
    """

    run: Run
    x: float
    width: float
    blocks: tuple[tuple[str, float, float], ...]
    time_top: float
    time_height: float
    has_label: bool


def history_columns(runs: Sequence[Run]) -> list[Column]:
    """Lays out a column for each run: its outcomes above, and its time below."""
    most = max((sum(run.counts.values()) for run in runs), default=0) or 1
    longest = max((run.seconds for run in runs), default=0.0) or 1.0
    step = min(HISTORY_STEP, HISTORY_WIDTH / max(1, len(runs)))
    every = max(1, math.ceil(_LABEL_WIDTH / step))
    columns = []
    for place, run in enumerate(runs):
        height = max(1.0, TIME_HEIGHT * run.seconds / longest)
        columns.append(
            Column(
                run=run,
                x=round(place * step, 2),
                width=round(step * 0.7, 2),
                blocks=_stack(run.counts, most),
                time_top=round(TIME_BOTTOM - height, 2),
                time_height=round(height, 2),
                has_label=place % every == 0,
            )
        )
    return columns


def _stack(counts: Mapping[str, int], most: int) -> tuple[tuple[str, float, float], ...]:
    blocks, top = [], OUTCOMES_BOTTOM
    for name in MEANINGS:
        if counts.get(name, 0):
            height = max(1.0, OUTCOMES_HEIGHT * counts[name] / most)
            top -= height
            blocks.append((str(name), round(top, 2), round(height, 2)))
    return tuple(blocks)


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
