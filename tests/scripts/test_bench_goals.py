"""The arithmetic of `scripts/bench`, and its tables."""

import json

import pytest
from benchmarks import archives, compare, graphs, start, tables, use, weights
from benchmarks.goals import Goal, ratio

MIB = 2**20


# Archives.


def test_archives_are_compared_with_unpacking_by_hand():
    names = (archives.ARCHIVE, archives.BY_HAND)
    seconds = dict(zip(names, ([9.0, 11.0, 10.0], [10.0, 8.0, 9.0]), strict=True))
    peaks = dict(zip(names, ([640 * MIB], [600 * MIB]), strict=True))
    row = archives.Row(".tar", 1, 1.0, seconds, peaks, {})
    assert [goal.value for goal in row.goals] == pytest.approx([10 / 9, 40.0])
    assert [goal.reached for goal in row.goals] == [False, False]
    text = tables.archives_table([row]).to_markdown()
    assert "| .tar | 1 | 10.00 | 9.00 |" in text


# Weights.


def _row(mib, *, cp=0.5, convert=(4.0,) * 5, peak=(600,) * 5, linked=None, errors=None):
    seconds = {weights.CP: [cp], weights.CONVERTED: list(convert)}
    if linked is not None:
        seconds[weights.LINKED] = list(linked)
    peaks = {weights.CONVERTED: [value * MIB for value in peak]}
    return weights.Row(mib, seconds, peaks, errors or {})


def _judge(*rows):
    return weights.judge(rows)[-1]


def test_the_weights_cost_is_what_a_conversion_takes_beyond_the_smallest_one_s():
    judged = _judge(_row(1), _row(1025, cp=0.5, convert=[4.2, 4.5, 9.0], peak=[616, 616, 700]))
    cost, memory, hardlink = judged.goals
    assert cost.value == pytest.approx(1.0)
    assert memory.value == pytest.approx(16.0)
    assert (cost.reached, memory.reached, hardlink.reached) == (True, True, None)


def test_goals_of_weights_are_missed_above_their_limits():
    small, large = (
        _row(1, linked=[4.0] * 2),
        _row(2049, cp=0.5, convert=[4.61] * 5, peak=[665] * 5, linked=[4.61] * 5),
    )
    cost, memory, hardlink = _judge(small, large).goals
    assert [cost.value, memory.value, hardlink.value] == pytest.approx([1.22, 32.5, 0.305])
    assert not any(goal.reached for goal in (cost, memory, hardlink))
    assert [goal.mark for goal in (cost, memory, hardlink)] == ["NO"] * 3


@pytest.mark.parametrize("convert", [(3.0, 4.0, 5.0, 6.0), (4.0,)])
def test_a_goal_that_noise_decides_is_neither_reached_nor_missed(convert):
    cost = _judge(_row(1, convert=convert), _row(100, cp=0.1)).goals[0]
    assert cost.value is not None
    assert (cost.reached, cost.mark) == (None, "-")


def test_the_smallest_module_has_no_goals():
    assert weights.judge([_row(1), _row(9)])[0].goals == []


def test_a_size_that_was_left_out_has_no_values():
    judged = _judge(_row(1), weights.Row(9, {}, {}, {weights.CP: "no disk"}))
    assert [goal.value for goal in judged.goals] == [None] * 3
    assert json.loads(json.dumps(judged.to_json()))["errors"] == {weights.CP: "no disk"}


# The other goals.


def _graph_row(nodes, convert, peer, errors=None):
    return graphs.Row(
        family=graphs.FAMILIES[0],
        nodes=nodes,
        variables=3,
        seconds={graphs.CONVERTED: convert, graphs.PEER: peer},
        stages={"import": 3.0, "read": 0.1},
        load_seconds={graphs.CONVERTED: 0.1, graphs.PEER: None},
        graph_bytes={graphs.CONVERTED: 2048},
        errors=errors or {},
    )


@pytest.mark.parametrize(
    ("row", "reached"),
    [
        ((100, 0.8, 1.0), [True, None]),
        ((100, 0.9, 1.0), [False, None]),
        ((100, 0.9, None), [None, None]),
        ((1_000, 0.6, 1.0), [False, None]),
        ((20_000, 10.0, 20.0), [True, True]),
        ((20_001, 11.0, 22.0), [True, False]),
    ],
)
def test_goals_of_graphs(row, reached):
    assert [goal.reached for goal in _graph_row(*row).goals] == reached


def _measured(v1, converted, worst=0.0):
    seconds = {use.V1: v1, use.CONVERTED: converted}
    return use.Measured(seconds, {use.CONVERTED: worst}, {use.HUB: "no gradient"})


def test_goals_of_use():
    row = use.Row("net", _measured(1.0, 1.04), _measured(1.0, 1.2, worst=0.5))
    assert [goal.reached for goal in row.goals] == [True, False, False]
    nothing = use.Measured({}, {}, {})
    assert [g.reached for g in use.Row("net", nothing, nothing, "why").goals] == [None] * 3


@pytest.mark.parametrize(
    ("case", "wall", "reached"),
    [
        ("wrong path", 0.4, [True, None]),
        ("wrong path", 0.6, [False, None]),
        (start.INSPECT, 4.7, [None, True]),
        (start.INSPECT, 4.9, [None, False]),
        (start.IMPORT, 4.0, [None, None]),
    ],
)
def test_goals_of_the_start(case, wall, reached):
    row = start.Row(case, {"wall": wall, "cpu": 0.1}, import_seconds=4.0)
    assert [goal.reached for goal in row.goals] == reached
    assert f"| {case} | {wall:.2f} | 0.10 |" in tables.start_table([row]).to_markdown()


def test_limits_that_differ_are_all_in_the_title():
    rows = [_graph_row(100, 1.0, 2.0), _graph_row(5000, 1.0, 2.0)]
    assert "seconds / hub.load + save ≤ 0.5 or 0.8" in tables.graph_tables(rows)[0].columns


# Comparing.


MACHINE = {"cpu": "x", "cores": 2, "memory_gib": 24, "system": "Linux", "date": "2026-11-01"}


def test_runs_are_compared_row_by_row():
    before = {"machine": MACHINE, "graphs": [_graph_row(100, 2.0, 4.0).to_json()]}
    now = {"graphs": [_graph_row(n, 1.0, None).to_json() for n in (100, 1000)]}
    assert compare.compare(now, before, "graphs").rows == (
        ("deep net, 100", "convert, seconds", "2.000", "1.000", "0.50"),
        ("deep net, 100", "convert, load seconds", "0.100", "0.100", "1.00"),
    )
    before = {"machine": MACHINE, "weights": [one.to_json() for one in weights.judge([_row(1)])]}
    rows = compare.compare(before, before, "weights").rows
    assert ("1", "convert, median seconds", "4.000", "4.000", "1.00") in rows
    before = {"machine": MACHINE, "use": [use.Row("n", *[_measured(1.0, 1.5)] * 2).to_json()]}
    rows = compare.compare(before, before, "use").rows
    assert ("n", "converted, step seconds", "1.500", "1.500", "1.00") in rows


def test_machines_of_another_class_are_told_apart():
    assert compare.differs({**MACHINE, "date": "2026-11-02"}, MACHINE) == []
    assert compare.differs({**MACHINE, "cores": 4}, MACHINE) == ["cores"]


def test_ratios_need_both_numbers():
    assert (ratio(3.0, 2.0), ratio(None, 2.0), ratio(3.0, None), ratio(3.0, 0.0)) == (
        1.5, None, None, None,
    )  # fmt: skip


# Tables.


def test_tables_show_values_goals_and_remarks():
    judged = weights.judge([_row(1), _row(2048, errors={weights.PEER: "no memory"})])
    text = tables.weights_table(judged).to_markdown()
    assert "| 2 GiB | 0.50 | 4.00 | - | - | - | - |" in text
    assert "0.00 yes" in text
    assert "- 2 GiB, hub.load + save: no memory" in text
    rows = [_graph_row(100, 1.0, 2.0), _graph_row(20_000, 30.0, None, {graphs.PEER: "why"})]
    first, second = tables.graph_tables(rows)
    assert "20,000 nodes, deep net" in first.to_markdown()
    assert "0.50 yes" in first.to_markdown()
    assert "30.00 NO" in first.to_markdown()
    assert second.columns == ("graph", "import", "read")
    error = use.Row("other", *[use.Measured({}, {}, {})] * 2, error="no toolchain")
    shown = tables.use_table([use.Row("net", _measured(1.0, 1.0), _measured(1.0, 1.2)), error])
    assert shown.remarks == (
        "other: no toolchain",
        "net, forward, hub.load: no gradient",
        "net, step, hub.load: no gradient",
    )
    tables.print_tables([first, second, shown])


def test_a_goal_marks_itself():
    assert [Goal("x", 1.0, v).mark for v in (None, 0.5, 1.5)] == ["-", "yes", "NO"]
