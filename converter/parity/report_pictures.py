"""The pictures of a comparison, for notebooks."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from converter.display.pictures import add_histograms, draw_errors, draw_sparkline
from converter.parity.checks import Row
from converter.parity.report import ParityReport, format_number
from converter.printable import printable

_MANY = 30  # Rows of the table, the worst first.
_CAPTION = "How many elements are how many units in the last place apart (both scales logarithmic)"
_SIDE = 'style="text-align: left"'


def draw_pictures(report: ParityReport) -> str:
    """Draws how far the elements of all float tensors are apart, and those of each tensor.

    Returns:
      Markup of HTML: the verdict, and the pictures if there are float tensors.
    """
    verdict = f"<p><b>{html.escape(printable(report.sentence()))}</b></p>"
    drawn = [(row, h) for row in report.rows if (h := row.comparison.ulps_histogram) is not None]
    if not drawn:
        return verdict
    total = draw_errors(add_histograms([histogram for _, histogram in drawn]))
    worst = sorted(drawn, key=lambda each: _badness(each[0]), reverse=True)
    table = "".join(_draw_row(row, histogram) for row, histogram in worst[:_MANY])
    left = f"<p>… {len(drawn) - _MANY} more.</p>" if len(drawn) > _MANY else ""
    head = "".join(
        f"<th {_SIDE}>{name}</th>" for name in ("case", "check", "tensor", "distribution", "abs")
    )
    return (
        f"{verdict}<figure>{total}<figcaption>{_CAPTION}</figcaption></figure>"
        f"<details><summary>By tensor, the worst first</summary>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{table}</tbody></table>{left}</details>"
    )


def _badness(row: Row) -> tuple[bool, bool, float]:
    # NaN has no place in an order.
    worst = row.comparison.max_rel
    passed = row.comparison.passed
    return not passed, not row.comparison.bit_equal, math.inf if math.isnan(worst) else worst


def _draw_row(row: Row, histogram: Sequence[int]) -> str:
    names = "".join(
        f"<td {_SIDE}>{html.escape(printable(name))}</td>"
        for name in (row.case, row.check, row.tensor)
    )
    picture = draw_sparkline(histogram, passed=row.comparison.passed)
    return f"<tr>{names}<td>{picture}</td><td>{format_number(row.comparison.max_abs)}</td></tr>"
