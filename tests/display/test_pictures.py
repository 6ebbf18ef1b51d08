"""Pictures of how far numbers are apart."""

import re

import pytest
from markup import assert_safe, read

from converter.display.pictures import (
    add_histograms,
    describe_histogram,
    draw_errors,
    draw_sparkline,
)


def _bars(svg):
    return [float(height) for height in re.findall(r'<rect .*? height="([\d.]+)"', svg)]


def test_histograms_of_any_lengths_are_added():
    assert add_histograms([]) == []
    assert add_histograms([(1, 2), (), (10, 0, 5)]) == [11, 2, 5]


@pytest.mark.parametrize(
    ("histogram", "words"),
    [
        ((), "No element is finite on both sides."),
        ((1,), "1 element: 1 equal"),
        ((1000, 2, 3), "1,005 elements: 1,000 equal, 2 apart by 1, 3 apart by 2 to 3"),
        ((*[0] * 11, 7), "7 elements: 7 apart by 2¹⁰ to 2¹¹"),
    ],
)
def test_a_histogram_in_words_is_the_title_of_its_pictures(histogram, words):
    assert describe_histogram(histogram) == words
    for svg in (draw_errors(histogram), draw_sparkline(histogram, passed=True)):
        assert_safe(svg)
        assert f"<title>{words}</title>" in svg


@pytest.mark.parametrize("histogram", [(), (5,), (0, 3), (1, 10**9, 0, 0, 7), (1,) * 40])
def test_each_count_has_a_bar_that_can_be_seen_and_fits(histogram):
    for svg, most in ((draw_errors(histogram), 96), (draw_sparkline(histogram, passed=False), 19)):
        bars = _bars(svg)
        shown = [count for count in histogram if count]
        assert len(bars) == (len(shown) if most == 96 else min(25, len(shown)))
        assert all(2 <= height <= most for height in bars)
        assert not set(read(svg).tags) - {"svg", "title", "path", "rect", "text"}


def test_few_bars_have_their_counts_and_a_failure_another_color():
    assert ">1.2M</text>" in draw_errors((1_200_000, 3))
    assert draw_sparkline((1, 1), passed=True) != draw_sparkline((1, 1), passed=False)
    assert draw_sparkline((1,), passed=True) == draw_sparkline((1,), passed=False)
