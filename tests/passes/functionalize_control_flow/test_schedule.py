import pytest

from converter import errors
from converter.ir.graph import TensorRef
from converter.passes.functionalize_control_flow.schedule import PlannedItem, schedule

_P, _Q = TensorRef("p"), TensorRef("q")


def _plain(root, position, *needs, first=True):
    return PlannedItem(root, (root,), frozenset(needs), position, None, True, first)


def _loop(name, position, *needs, first=True):
    return PlannedItem((name,), ((name,),), frozenset(needs), position, None, False, first)


def _branch(root, position, *needs, predicate=_P, first=True):
    return PlannedItem(root, (root,), frozenset(needs), position, predicate, False, first)


def _order(*work):
    return [[part.root for part in group] for group in schedule(work)]


def test_nothing():
    assert _order() == []


def test_plain_nodes_follow_what_they_need_and_else_the_order_of_the_graph():
    assert _order(_plain("c", 2), _plain("a", 0, "b"), _plain("b", 1)) == [["b"], ["a"], ["c"]]


def test_plain_nodes_come_before_others_that_are_ready():
    work = [_loop("f", 0), _plain("a", 1), _branch("m", 2), _plain("b", 3, "a")]
    assert _order(*work) == [["a"], ["b"], [("f",)], ["m"]]


def test_what_needs_a_loop_comes_after_it():
    work = [_plain("a", 0, ("f",)), _loop("f", 1), _plain("b", 2)]
    assert _order(*work) == [["b"], [("f",)], ["a"]]


def test_others_keep_the_order_of_the_graph():
    assert _order(_loop("g", 1), _loop("f", 0), _branch("m", 2)) == [[("f",)], [("g",)], ["m"]]


def test_conditionals_of_one_predicate_that_are_ready_together_are_one():
    work = [_branch("m", 0), _branch("n", 1, predicate=_Q), _branch("o", 2)]
    assert _order(*work) == [["m", "o"], ["n"]]


def test_conditionals_that_need_each_other_are_not_joined():
    assert _order(_branch("m", 0), _branch("n", 1, "m")) == [["m"], ["n"]]
    between = [_branch("m", 0), _plain("a", 1, "m"), _branch("n", 2, "a")]
    assert _order(*between) == [["m"], ["a"], ["n"]]


def test_a_conditional_that_is_ready_later_is_not_waited_for():
    work = [_branch("m", 0), _branch("n", 1, ("f",)), _loop("f", 2), _plain("a", 3, "m")]
    assert _order(*work) == [["m"], [("f",)], ["a"], ["n"]]


def test_what_the_results_need_comes_before_what_runs_for_its_effect():
    work = [_plain("u", 0, first=False), _loop("f", 1), _plain("a", 2, ("f",))]
    assert _order(*work) == [[("f",)], ["a"], ["u"]]


def test_effects_may_need_what_the_results_need():
    work = [_plain("u", 0, "a", "t", first=False), _plain("t", 1, first=False), _plain("a", 2)]
    assert _order(*work) == [["a"], ["t"], ["u"]]


def test_conditionals_are_not_joined_across_results_and_effects():
    assert _order(_branch("m", 0), _branch("u", 1, first=False)) == [["m"], ["u"]]


@pytest.mark.parametrize(
    ("work", "node"),
    [
        ([_branch("m", 1, "a"), _plain("a", 2, "m")], "m"),
        ([_plain("a", 1, ("f",)), _loop("f", 0, "a")], "f"),
        ([_branch("u", 0, "t", first=False), _plain("t", 1, "u", first=False)], "u"),
    ],
)
def test_a_conditional_that_needs_its_own_outputs_is_refused(work, node):
    with pytest.raises(errors.UnsupportedOpError, match="depends on its own outputs") as caught:
        _order(*work)
    assert caught.value.node == node


def test_what_could_run_runs_before_the_refusal():
    scheduled = schedule([_plain("a", 0), _branch("m", 1, "b"), _plain("b", 2, "m")])
    assert [part.root for part in next(scheduled)] == ["a"]
    with pytest.raises(errors.UnsupportedOpError):
        next(scheduled)
