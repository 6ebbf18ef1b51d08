"""The geometry of charts."""

import pytest

from converter.migration.collect.totals import add_up
from converter.page.charts import WIDTH, duration_bars, outcome_segments
from converter.page.document import ModuleFacts
from converter.page.outcome_labels import MEANINGS


def totals_of(counts=(), seconds=()):
    facts = [
        ModuleFacts(path="a", outcome=name)
        for name, count in dict(counts).items()
        for _ in range(count)
    ]
    facts += [ModuleFacts(path="a", outcome="converted", attempts=1, seconds=s) for s in seconds]
    return add_up(facts)


@pytest.mark.parametrize(
    "counts",
    [
        {"converted": 3},
        {"converted": 5, "refused": 5},
        {"converted": 9999, "failed": 1, "crashed": 2},
    ],
)
def test_segments_fill_the_bar_without_gaps(counts):
    segments = outcome_segments(totals_of(counts))
    assert {segment.outcome: segment.count for segment in segments} == counts
    place = 0.0
    for segment in segments:
        assert segment.x == pytest.approx(place, abs=0.02)
        assert segment.width >= 6
        place += segment.width
    assert place == pytest.approx(WIDTH, abs=0.05)


def test_segments_are_in_the_order_of_the_page():
    segments = outcome_segments(totals_of(dict.fromkeys(MEANINGS, 1)))
    assert [segment.outcome for segment in segments] == list(MEANINGS)
    assert {segment.width for segment in segments} == {round(WIDTH / len(MEANINGS), 2)}


def test_nothing_has_no_segments_and_no_bars():
    assert outcome_segments(totals_of()) == ()
    assert duration_bars(totals_of()) == []


def test_bars_go_from_the_first_to_the_last_that_has_a_module():
    bars = duration_bars(totals_of(seconds=[3, 3, 30]))
    assert [(bar["label"], bar["count"]) for bar in bars] == [
        ("≤ 5 s", 2), ("≤ 10 s", 0), ("≤ 20 s", 0), ("≤ 1 min", 1)
    ]  # fmt: skip
    assert (bars[0]["from"], bars[0]["to"]) == (2, 5)
    last = duration_bars(totals_of(seconds=[90, 7200]))
    assert (last[0]["label"], last[-1]["label"], last[-1]["to"]) == ("≤ 2 min", "> 1 h", None)
