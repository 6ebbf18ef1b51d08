import pytest

from converter import errors
from converter.ir.graph import TensorRef
from converter.passes.functionalize_control_flow.guards import (
    ALWAYS,
    Join,
    guard_of_result,
    member_of,
)

_P, _Q = TensorRef("p"), TensorRef("q")
_ARGS = "x = _Arg()\np = _Arg()\nq = _Arg()\n"


@pytest.fixture
def guards(steps):
    return lambda text: steps(text).guards


# Conditionals.


def test_a_switch_sets_a_condition_and_a_merge_ends_it(guards):
    found = guards(
        _ARGS
        + """
        s = Switch(x, p)
        a = Neg(s)
        b = Exp(s:1)
        m = Merge[T=float](a, b)
        y = Neg(m)
        """
    )
    assert found.of["s"] == ALWAYS
    assert found.of["a"] == {(_P, False)}
    assert found.of["b"] == {(_P, True)}
    assert found.of["m"] == found.of["y"] == ALWAYS
    assert found.joins == {"m": Join(_P, TensorRef("b"), TensorRef("a"), true_index=1)}
    assert found.live_inputs == {}


def test_a_value_that_passes_a_conditional_by(guards):
    found = guards(_ARGS + "s = Switch(x, p)\nm = Merge[T=float](s:1, s)")
    assert found.joins["m"] == Join(_P, TensorRef("s", 1), TensorRef("s"), true_index=0)


def test_a_node_runs_under_the_conditions_of_all_its_inputs_and_of_what_it_waits_for(guards):
    found = guards(
        _ARGS
        + """
        s = Switch(x, p)
        t = Switch(x, q)
        pivot = Identity[T=float](t)
        both = Add(s:1, t:1)
        waits = Neg(s:1, ^pivot)
        after = NoOp(^waits)
        """
    )
    assert found.of["both"] == {(_P, True), (_Q, True)}
    assert found.of["waits"] == found.of["after"] == {(_P, True), (_Q, False)}


def test_waiting_for_a_switch_is_waiting_for_neither_side(guards):
    assert guards(_ARGS + "s = Switch(x, p)\nn = NoOp(^s)").of["n"] == ALWAYS


def test_predicates_are_told_apart_by_what_they_are_copies_of(guards):
    found = guards(
        _ARGS
        + """
        pp = Switch(p, p)
        pivot = Identity[T=bool](pp:1)
        id = Identity[T=bool](p)
        s = Switch(x, id)
        y = Neg(s:1, ^pivot)
        """
    )
    assert found.of["y"] == {(_P, True)}


def test_conditionals_in_conditionals(guards):
    found = guards(
        _ARGS
        + """
        s = Switch(x, p)
        q/in = Switch(q, p)
        t = Switch(s:1, q/in:1)
        a = Neg(t)
        b = Exp(t:1)
        inner = Merge[T=float](a, b)
        m = Merge[T=float](s, inner)
        """
    )
    assert found.of["t"] == found.of["inner"] == {(_P, True)}
    assert found.of["b"] == {(_P, True), (_Q, True)}
    assert found.joins["inner"].predicate == _Q
    assert found.joins["m"].predicate == _P
    assert found.of["m"] == ALWAYS


def test_the_same_predicate_inside_of_its_own_side_leaves_one_input(guards):
    found = guards(
        _ARGS
        + """
        s = Switch(x, p)
        t = Switch(s:1, p)
        a = Neg(t)
        b = Exp(t:1)
        inner = Merge[T=float](a, b)
        m = Merge[T=float](s, inner)
        """
    )
    assert found.of["a"] is None
    assert found.of["b"] == found.of["inner"] == {(_P, True)}
    assert found.live_inputs == {"inner": TensorRef("b")}
    assert list(found.joins) == ["m"]


def test_what_needs_both_sides_never_runs(guards):
    found = guards(
        _ARGS + "s = Switch(x, p)\ny = Add(s, s:1)\nz = Neg(y)\nn = NoOp(^z)\nm = Merge(y, z)"
    )
    assert [found.of[name] for name in "yznm"] == [None] * 4


def test_a_predicate_that_is_one_of_two_equal_values_is_followed_through_the_merge(guards):
    found = guards(
        _ARGS
        + """
        q/in = Switch(q, p)
        t = Switch(q/in:1, p)
        again = Merge[T=bool](t, t:1)
        s = Switch(x, again)
        y = Neg(s:1)
        """
    )
    assert found.live_inputs["again"] == TensorRef("t", 1)
    assert (_Q, True) in found.of["y"]


# Loops.


def test_the_body_of_a_loop_runs_under_its_condition(guards, counting):
    found = guards(counting)
    more = TensorRef("more")
    assert found.of["i"] == found.of["less"] == found.of["one"] == ALWAYS
    assert found.of["plus"] == found.of["i/next"] == {(more, True)}
    assert found.of["f",] == found.of["last"] == ALWAYS


def test_a_loop_in_a_conditional_runs_under_the_conditions_of_what_enters(guards, counting):
    text = counting.replace("(zero)", "(zero/in:1)")
    found = guards(text + "p = _Arg()\nzero/in = Switch(zero, p)")
    assert found.of["f",] == found.of["last"] == {(_P, True)}
    assert found.of["plus"] == {(TensorRef("more"), True)}


def test_a_loop_with_an_enter_that_never_runs_never_runs(guards, counting):
    text = counting.replace("(zero)", "(zero/in:1)").replace("(n)", "(n/in)")
    text += "p = _Arg()\nzero/in = Switch(zero, p)\nn/in = Switch(n, p)"
    found = guards(text)
    assert found.of["f",] is None
    assert found.of["last"] is None


def test_what_holds_around_a_loop_is_known_inside(guards, counting):
    text = counting.replace("(zero)", "(zero/in:1)").replace("(plus)", "(m)")
    text += """
        p = _Arg()
        zero/in = Switch(zero, p)
        p/enter = Enter[frame_name="f", is_constant=true](p)
        s = Switch(plus, p/enter)
        a = Neg(s)
        b = Exp(s:1)
        m = Merge[T=int32](a, b)
    """
    found = guards(text)
    assert found.of["a"] is None
    assert found.live_inputs == {"m": TensorRef("b")}
    assert found.of["b"] == {(TensorRef("more"), True)}


def test_a_unit_of_a_frame_is_a_node_or_a_whole_loop():
    frames = {"a": (), "b": ("f",), "c": ("f", "g")}
    assert member_of((), "a", frames) == "a"
    assert member_of((), "c", frames) == ("f",)
    assert member_of(("f",), "c", frames) == ("f", "g")
    assert member_of(("f",), "a", frames) is None


# Ends of loops.

_OTHER = """
    q = _Arg()
    q/enter = Enter[frame_name="f"](q)
    other = Switch(i, q/enter)
"""


@pytest.mark.parametrize(
    "change",
    [
        ("Exit(i/switch)", "Exit(i/switch:1)"),  # what goes on, not what leaves
        ("Exit(i/switch)", "Exit(i)"),  # in each iteration
        ("Exit(i/switch)", "Exit(other)"),  # under another condition than the loop's
        ("Exit(i/switch)", "Exit(n/enter)"),  # whether the loop ends or not
    ],
)
def test_an_exit_that_does_not_leave_when_the_loop_ends_is_refused(change, guards, counting):
    with pytest.raises(errors.UnsupportedOpError, match="exactly when its loop ends") as caught:
        guards(counting.replace(*change) + _OTHER)
    assert caught.value.node == "last"


@pytest.mark.parametrize(
    "change",
    [
        ("NextIteration(plus)", "NextIteration(other:1)"),  # under another condition
        ("NextIteration(plus)", "NextIteration(plus, ^if)"),  # under one more
        ("Add(i/switch:1, one)", "Add(i/switch, one)"),  # when the loop ends
        ("Add(i/switch:1, one)", "Add(i, one)"),  # without end
    ],
)
def test_a_next_iteration_that_does_not_run_when_the_loop_goes_on_is_refused(
    change, guards, counting
):
    text = counting.replace(*change) + _OTHER + "if = Identity[T=int32](other)"
    with pytest.raises(errors.UnsupportedOpError, match="exactly when its loop goes on") as caught:
        guards(text)
    assert caught.value.node == "i/next"


def test_a_value_of_outside_goes_on_without_waiting_for_the_condition(guards, counting):
    text = counting.replace("NextIteration(plus)", "NextIteration(n/copy)")
    found = guards(text + "n/copy = Identity[T=int32](n/enter)")
    assert found.of["i/next"] == ALWAYS
    with pytest.raises(errors.UnsupportedOpError, match="exactly when its loop goes on"):
        guards(text + "n/copy = Neg(n/enter)")


# Results.


def test_the_guard_of_a_result_counts_the_side_of_a_switch(guards, steps):
    text = _ARGS + "s = Switch(x, p)\ny = Neg(s)\nt = Switch(y, q)\ndead = Add(s, s:1)"
    nodes, found = steps(text).nodes, guards(text)
    expected = {
        "x": ALWAYS,
        "s": {(_P, False)},
        "s:1": {(_P, True)},
        "y": {(_P, False)},
        "t:1": {(_P, False), (_Q, True)},
        "dead": None,
    }
    for name, guard in expected.items():
        assert guard_of_result(found, nodes, TensorRef.parse(name)) == guard


# Merges with few inputs that run.


@pytest.mark.parametrize("inputs", ["s:1", "s:1, s:1", "s:1, dead", "dead, s:1, dead"])
def test_a_merge_with_one_input_that_runs_is_that_input(inputs, guards):
    text = f"s = Switch(x, p)\ndead = Add(s, s:1)\nm = Merge[T=float]({inputs})"
    found = guards(_ARGS + text)
    assert found.live_inputs == {"m": TensorRef("s", 1)}
    assert found.of["m"] == {(_P, True)}


def test_a_merge_without_inputs_never_runs(guards):
    assert guards("m = Merge[T=float]()").of["m"] is None


# Refusals.


@pytest.mark.parametrize(
    "inputs",
    [
        "x, p",  # both always
        "s:1, t:1",  # under two predicates
        "s:1, x",  # under one, and always
        "s:1, both",  # one implies the other
    ],
)
def test_a_merge_of_values_that_do_not_exclude_each_other_is_refused(inputs, guards):
    text = "s = Switch(x, p)\nt = Switch(x, q)\nboth = Add(s:1, t:1)\nm/e = Merge[T=float]"
    with pytest.raises(errors.UnsupportedOpError, match="do not exclude each other") as caught:
        guards(f"{_ARGS}{text}({inputs})")
    assert caught.value.node == "m/e"


def test_a_merge_of_three_values_is_refused(guards):
    text = "s = Switch(x, p)\nt = Switch(s:1, q)\nm/e = Merge[T=float](s, t, t:1)"
    with pytest.raises(errors.UnsupportedOpError, match="a Merge joins 3 values") as caught:
        guards(_ARGS + text)
    assert caught.value.node == "m/e"


def test_a_loop_that_needs_what_it_gives_is_refused(guards, counting):
    text = counting + 'bad = Neg(last)\ne = Enter[frame_name="f"](bad)\ny = Add(e, plus)'
    with pytest.raises(errors.FormatError, match="a loop needs one of its own outputs"):
        guards(text)


def test_what_waits_for_both_sides_of_a_conditional_is_refused(steps):
    text = """
        x = _Arg()
        p = _Arg()
        s = Switch(x, p)
        a = Neg(s)
        b = Neg(s:1)
        t = ControlTrigger(^a, ^b)
    """
    with pytest.raises(errors.UnsupportedOpError, match="gradient of a conditional in") as caught:
        steps(text)
    assert caught.value.node == "t"


def test_what_waits_for_one_side_is_on_it(steps):
    text = "x = _Arg()\np = _Arg()\ns = Switch(x, p)\na = Neg(s)\nt = ControlTrigger(^a)"
    guards = steps(text).guards
    assert guards.of["t"] == guards.of["a"]
