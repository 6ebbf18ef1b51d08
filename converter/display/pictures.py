"""The pictures of a comparison as SVG; `page/web/pictures.js` draws the same in the report.

A histogram counts the elements that are k bits of units in the last place apart, by k.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence

_WIDTH, _HEIGHT, _BOTTOM, _TOP = 440, 132, 22, 14
_SPARK_WIDTH, _SPARK_HEIGHT, _SPARK_BARS = 100, 20, 25
_LEAST_BARS = 12
_LEAST_STEP = 30  # Narrower bars have no numbers.
_EVERY = 4  # Of many bars, each fourth has a label.
_COLORS = {"equal": "#2e7d32", "apart": "#b26a00", "bad": "#c62828"}
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def add_histograms(histograms: Sequence[Sequence[int]]) -> list[int]:
    """Adds histograms of any lengths."""
    length = max(map(len, histograms), default=0)
    return [sum(h[bit] for h in histograms if bit < len(h)) for bit in range(length)]


def describe_histogram(histogram: Sequence[int]) -> str:
    """A histogram in words: `3 elements: 1 equal, 2 apart by 2 to 3`."""
    total = sum(histogram)
    if not total:
        return "No element is finite on both sides."
    parts = [
        f"{count:,} apart by {_range(bit)}" if bit else f"{count:,} equal"
        for bit, count in enumerate(histogram)
        if count
    ]
    return f"{total:,} {'element' if total == 1 else 'elements'}: {', '.join(parts)}"


def draw_sparkline(histogram: Sequence[int], *, passed: bool) -> str:
    """A small picture of a histogram; all have the same scale, so that rows can be compared."""
    bars = [*histogram[: _SPARK_BARS - 1], sum(histogram[_SPARK_BARS - 1 :])]
    step, total = _SPARK_WIDTH / _SPARK_BARS, sum(histogram)
    drawn = "".join(
        _bar(bit * step + 0.5, _SPARK_HEIGHT - 1, step - 1, height, _kind(bit, passed=passed))
        for bit, count in enumerate(bars)
        if (height := _height(count, total, _SPARK_HEIGHT - 1))
    )
    axis = _axis(_SPARK_WIDTH, _SPARK_HEIGHT - 0.5)
    return _svg(_SPARK_WIDTH, _SPARK_HEIGHT, describe_histogram(histogram), axis + drawn)


def draw_errors(histogram: Sequence[int]) -> str:
    """A large picture of a histogram, with labels."""
    number = max(_LEAST_BARS, len(histogram))
    step, total, floor = _WIDTH / number, sum(histogram), _HEIGHT - _BOTTOM
    drawn = "".join(
        "".join(_labelled_bar(bit, count, total, step, floor, every=1 if number < 20 else _EVERY))
        for bit, count in enumerate([*histogram, *[0] * (number - len(histogram))])
    )
    axis = _axis(_WIDTH, floor + 0.5)
    return _svg(_WIDTH, _HEIGHT, describe_histogram(histogram), axis + drawn)


def _labelled_bar(
    bit: int, count: int, total: int, step: float, floor: float, *, every: int
) -> Iterator[str]:
    height, middle = _height(count, total, floor - _TOP), bit * step + step / 2
    if height:
        yield _bar(bit * step + 1, floor, step - 2, height, _kind(bit, passed=True))
        if step > _LEAST_STEP:
            yield _label(middle, floor - height - 3, _compact(count))
    if bit % every == 0:
        yield _label(middle, floor + 15, _power(bit - 1) if bit else "0")


def _compact(count: int) -> str:
    for unit, size in (("B", 10**9), ("M", 10**6), ("K", 1000)):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return str(count)


def _kind(bit: int, *, passed: bool) -> str:
    return "equal" if bit == 0 else "apart" if passed else "bad"


def _range(bit: int) -> str:
    if bit < 2:
        return str(bit)
    return f"{_power(bit - 1)} to {2**bit - 1 if bit < 11 else _power(bit)}"


def _power(exponent: int) -> str:
    return str(2**exponent) if exponent < 10 else "2" + str(exponent).translate(_SUPERSCRIPTS)


def _height(count: int, total: int, most: float) -> float:
    """A logarithmic height: one element of a million can be seen."""
    return max(2, round(most * math.log1p(count) / math.log1p(total))) if count else 0


def _bar(x: float, floor: float, width: float, height: float, kind: str) -> str:
    return (
        f'<rect x="{x:g}" y="{floor - height:g}" width="{width:g}" height="{height:g}"'
        f' fill="{_COLORS[kind]}"/>'
    )


def _axis(width: float, y: float) -> str:
    return f'<path d="M0 {y:g}h{width:g}" stroke="currentColor" stroke-opacity="0.4"/>'


def _label(x: float, y: float, text: str) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="middle" font-size="10" fill="currentColor">'
        f"{html.escape(text)}</text>"
    )


def _svg(width: int, height: int, label: str, content: str) -> str:
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">'
        f"<title>{html.escape(label)}</title>{content}</svg>"
    )
