"""The geometry of charts."""

import pytest

from converter.migration.collect.totals import add_up
from converter.page.charts import (
    HISTORY_WIDTH,
    OUTCOMES_BOTTOM,
    OUTCOMES_HEIGHT,
    TIME_HEIGHT,
    WIDTH,
    duration_bars,
    history_columns,
    outcome_segments,
)
from converter.page.document import ModuleFacts, Run
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


def make_run(seconds, **counts):
    return Run(
        run="r", started=0.0, seconds=seconds, converter="", source_root="", options=[],
        counts=counts, end="finished",
    )  # fmt: skip


def test_the_history_has_a_column_for_each_run_on_one_scale():
    runs = [make_run(60.0, converted=3, refused=1), make_run(30.0, converted=8, not_compared=0)]
    one, other = history_columns(runs)
    assert [name for name, _, _ in one.blocks] == ["converted", "refused"]
    assert [height for _, _, height in other.blocks] == [OUTCOMES_HEIGHT]
    assert [height for _, _, height in one.blocks] == [OUTCOMES_HEIGHT * 3 / 8, OUTCOMES_HEIGHT / 8]
    # Each block stands on the one before, the first on the axis.
    assert one.blocks[0][1] + one.blocks[0][2] == OUTCOMES_BOTTOM
    assert one.blocks[1][1] + one.blocks[1][2] == one.blocks[0][1]
    assert (one.time_height, other.time_height) == (TIME_HEIGHT, TIME_HEIGHT / 2)
    assert one.x + one.width < other.x


def test_a_run_without_counts_has_no_blocks_and_many_runs_fit():
    columns = history_columns([make_run(0.0)] * 20)
    assert {column.blocks for column in columns} == {()}
    assert columns[-1].x + columns[-1].width <= HISTORY_WIDTH
    assert sum(column.has_label for column in columns) == 10
    assert history_columns([]) == []
