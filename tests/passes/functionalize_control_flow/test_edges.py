import pytest

from converter import errors
from converter.ir.graph import TensorRef
from converter.ir.text import format_node
from converter.passes.functionalize_control_flow.edges import ResolvedRef

_ARGS = 'x = _Arg()\np = _Arg()\nw = _Variable[key="w"]()\nv = _Variable[key="v"]()\n'
_READ = "r = ReadVariableOp[dtype=float](w)\n"
_ACT = "u = AssignAddVariableOp[dtype=float](w, x)\n"


@pytest.fixture
def resolve(steps):
    """`resolve(text, "m:1")` is the tensor that takes its place in the nested form."""
    return lambda text, name: steps(text).edges.resolve(TensorRef.parse(name))


@pytest.fixture
def rewire(steps):
    """`rewire(text, "y")` is that node with its inputs in the nested form, as text."""

    def run(text, name):
        found = steps(text)
        return format_node(found.edges.rewire(found.nodes[name]))

    return run


# Tensors.


@pytest.mark.parametrize("name", ["s", "s:1", "t", "e", "only"])
def test_nodes_that_only_steer_are_names_of_what_they_pass_on(name, resolve):
    text = """
        s = Switch(x, p)
        t = Switch(s:1, p)
        e = LoopCond(t:1)
        only = Merge[T=float](t:1)
    """
    assert resolve(_ARGS + text, name) == ResolvedRef(TensorRef("x"))


def test_identities_of_values_stay_and_those_of_handles_vanish(resolve):
    text = _ARGS + "a = Identity[T=float](x)\nb = Identity[T=resource](w)"
    assert resolve(text, "a").ref == TensorRef("a")
    assert resolve(text, "b").ref == TensorRef("w")


def test_merges_that_end_a_conditional_keep_their_name(resolve):
    text = _ARGS + "s = Switch(x, p)\nm = Merge[T=float](s, s:1)"
    assert resolve(text, "m").ref == TensorRef("m")
    assert resolve(text, "m:1").ref == TensorRef("m", 1)


def test_a_loop_is_known_by_its_variables_and_their_first_exits(resolve, counting):
    text = counting + "again = Exit(i/switch)"
    assert resolve(text, "i/switch:1").ref == TensorRef("i")
    assert resolve(text, "i").ref == TensorRef("i")
    assert resolve(text, "n/enter").ref == TensorRef("n")
    assert resolve(text, "last").ref == TensorRef("last")
    assert resolve(text, "again").ref == TensorRef("last")
    assert resolve(text, "i/next").ref == TensorRef("plus")


def test_the_exit_of_a_value_that_the_loop_does_not_change_is_that_value(resolve, counting):
    text = counting + "s = Switch(n/enter, more)\nout = Exit(s)"
    assert resolve(text, "out").ref == TensorRef("n")


def test_exits_by_variable(steps, counting):
    assert steps(counting).edges.exit_of("i") == TensorRef("last")
    assert steps(counting.replace("last = Exit", "last = Neg")).edges.exit_of("i") is None


def test_an_exit_of_what_the_loop_does_not_carry_is_refused(steps, counting):
    text = counting + "r = Neg(i)\ns = Switch(r, more)\no/ut = Exit(s)"
    with pytest.raises(errors.UnsupportedOpError, match="returns 'r:0', which it") as caught:
        steps(text)
    assert caught.value.node == "o/ut"


@pytest.mark.parametrize("merge", ["i", "m"])
def test_the_number_of_an_input_that_always_is_the_same_is_refused(merge, resolve, counting):
    with pytest.raises(errors.UnsupportedOpError, match="output 'value_index' of a") as caught:
        resolve(counting + "m = Merge[T=int32](n)", f"{merge}:1")
    assert caught.value.node == merge


# Handles.


def test_a_handle_is_not_carried(steps, resolve, counting):
    text = (
        counting
        + """
        w = _Variable[key="w"]()
        w/enter = Enter[frame_name="f"](w)
        h = Merge[T=resource](w/enter, w/next)
        h/switch = Switch(h, more)
        w/next = NextIteration(h/switch:1)
    """
    )
    found = steps(text)
    variables = found.loops["f",].variables
    assert found.edges.carries(variables["i"])
    assert not found.edges.carries(variables["h"])
    assert resolve(text, "h").ref == resolve(text, "h/switch:1").ref == TensorRef("w")


_HANDLE = """
    w = _Variable[key="w"]()
    w/enter = Enter[frame_name="f"](w)
    h = Merge[T=resource](w/enter, w/next)
    h/switch = Switch(h, more)
    w/next = NextIteration(h/switch:1)
    out = Exit[T=resource](h/switch)
"""


def test_the_handle_that_a_loop_gives_is_that_of_around(resolve, counting):
    assert resolve(counting + _HANDLE, "out") == ResolvedRef(TensorRef("w"))


def test_a_user_of_the_handle_of_a_loop_with_an_effect_waits_for_the_loop(resolve, counting):
    acting = counting + _HANDLE + "u = AssignAddVariableOp[dtype=int32](h/switch:1, plus)"
    assert resolve(acting, "out") == ResolvedRef(TensorRef("w"), ("last",))
    assert resolve(acting, "h/switch:1") == ResolvedRef(TensorRef("w"))


def test_a_loop_whose_other_exits_nobody_has_is_known_by_that_of_a_handle(steps, counting):
    text = counting.replace("last = Exit(i/switch)", "") + _HANDLE
    acting = text + "u = AssignAddVariableOp[dtype=int32](h/switch:1, plus)"
    edges = steps(acting).edges
    assert edges.exit_of("i") == TensorRef("out")
    assert edges.resolve(TensorRef("out")) == ResolvedRef(TensorRef("w"), ("out",))


def test_a_loop_that_carries_only_a_handle_is_refused(steps):
    text = 'more = LoopCond(p/enter)\np/enter = Enter[frame_name="f"](p)\np = _Arg()\n'
    with pytest.raises(errors.UnsupportedOpError, match="carries no values") as caught:
        steps(text + _HANDLE)
    assert caught.value.node == "out"


def test_a_handle_that_stays_the_same(steps, counting):
    found = steps(counting + _HANDLE)
    found.edges.check_handle(found.loops["f",].variables["h"])


@pytest.mark.parametrize("after", ["v/enter", "v/switch:1"])
def test_a_handle_that_becomes_another_is_refused(after, steps, counting):
    other = """
        v = _Variable[key="v"]()
        v/enter = Enter[frame_name="f", is_constant=true](v)
        v/switch = Switch(v/enter, more)
    """
    found = steps(counting + _HANDLE.replace("(h/switch:1)", f"({after})") + other)
    with pytest.raises(errors.UnsupportedOpError, match="another variable, table or") as caught:
        found.edges.check_handle(found.loops["f",].variables["h"])
    assert caught.value.node == "h"


def test_a_merge_of_one_handle_is_that_handle(resolve):
    text = (
        _ARGS
        + """
        s = Switch(w, p)
        id = Identity[T=resource](s:1)
        m = Merge[T=resource](s, id)
    """
    )
    assert resolve(text, "m").ref == TensorRef("w")


def test_a_merge_of_two_handles_is_refused(resolve):
    text = _ARGS + "s = Switch(w, p)\nt = Switch(v, p)\nm/e = Merge[T=resource](s, t:1)"
    with pytest.raises(errors.UnsupportedOpError, match="chooses between variables") as caught:
        resolve(text, "m/e")
    assert caught.value.node == "m/e"


# Control edges.


def test_waiting_for_what_cannot_be_seen_is_dropped(rewire):
    text = _ARGS + "s = Switch(p, p)\npivot = Identity[T=bool](s:1)\nk = Const(^pivot, ^s, ^x)"
    assert rewire(text, "k") == "k = Const()"


@pytest.mark.parametrize("acting", [_READ.replace("r =", "u ="), _ACT, "u = NoOp(^r)\n" + _READ])
def test_waiting_for_an_effect_or_a_read_or_what_follows_one_stays(acting, rewire):
    assert rewire(_ARGS + acting + "y = Neg(x, ^u)", "y") == "y = Neg(x, ^u)"


def test_waiting_for_a_node_that_steers_is_waiting_for_what_it_waits_for(rewire):
    text = _ARGS + _ACT + "i = Switch(x, p, ^u)\nj = Switch(i:1, p)\ny = Neg(x, ^j)"
    assert rewire(text, "y") == "y = Neg(x, ^u)"


def test_what_a_node_on_the_way_waits_for_is_waited_for(rewire):
    text = _ARGS + _ACT + "s = Switch(x, p, ^u)\ny = Neg(s:1)"
    assert rewire(text, "y") == "y = Neg(x, ^u)"


def test_what_decides_on_the_way_is_waited_for_if_it_can_be_seen(rewire):
    text = _ARGS + "r = ReadVariableOp[dtype=bool](w)\ns = Switch(x, r)\ny = Neg(s:1)"
    assert rewire(text, "y") == "y = Neg(x, ^r)"


def test_a_wait_is_listed_once(rewire):
    text = _ARGS + _ACT + "s = Switch(x, p, ^u)\ny = Add(s:1, s:1, ^u)"
    assert rewire(text, "y") == "y = Add(x, x, ^u)"


def test_waiting_for_a_conditional_with_an_effect_stays(rewire):
    text = (
        _ARGS
        + """
        s = Switch(x, p)
        h = Switch(w, p)
        u = AssignAddVariableOp[dtype=float](h:1, s:1)
        a = Neg(s:1, ^u)
        m = Merge[T=float](s, a)
        y = Exp(x, ^m)
    """
    )
    assert rewire(text, "y") == "y = Exp(x, ^m)"
    without = text.replace(", ^u", "")
    assert rewire(without, "y") == "y = Exp(x)"


def test_waiting_for_a_merge_of_one_input_is_waiting_for_that_alone(rewire):
    text = """
        s = Switch(x, p)
        t = Switch(s:1, p)
        dead = Neg(t, ^r)
        live = Exp(t:1, ^u)
        m = Merge[T=float](dead, live)
        y = Exp(x, ^m)
    """
    assert rewire(_ARGS + _ACT + _READ + text, "y") == "y = Exp(x, ^live)"


def test_waiting_for_a_loop_with_an_effect_is_waiting_for_its_first_exit(rewire, counting):
    text = (
        counting
        + """
        w = _Variable[key="w"]()
        w/enter = Enter[frame_name="f", is_constant=true](w)
        again = Exit(i/switch)
        y = Exp(n, ^again)
    """
    )
    acting = text + "u = AssignAddVariableOp[dtype=int32](w/enter, plus)"
    assert rewire(text, "y") == "y = Exp(n)"
    assert rewire(acting, "y") == "y = Exp(n, ^last)"


def test_a_back_edge_has_nothing_to_wait_for(rewire, counting):
    text = (
        counting.replace("Const[dtype=float](^i/switch)", "Const(^i, ^i/switch, ^more)")
        + """
        w = _Variable[key="w"]()
        w/enter = Enter[frame_name="f", is_constant=true](w)
        u = AssignAddVariableOp[dtype=int32](w/enter, plus)
    """
    )
    text = text.replace("NextIteration(plus)", "NextIteration(plus, ^u)")
    assert rewire(text, "one") == "one = Const()"


def test_a_node_that_needs_no_change_is_the_same_object(steps):
    found = steps(_ARGS + _ACT + "y = Neg(x, ^u)")
    assert found.edges.rewire(found.nodes["y"]) is found.nodes["y"]


# Targets.


def test_targets_are_nodes_that_stay(steps):
    text = (
        _ARGS
        + _ACT
        + """
        s = Switch(x, p, ^u)
        m = Merge[T=float](s, s:1)
        n = NoOp(^m)
    """
    )
    edges = steps(text).edges
    assert list(edges.targets(["u", "n", "m"])) == ["u", "n", "m"]
    assert list(edges.targets(["s"])) == ["u"]


def test_ordered_is_what_has_an_effect_or_follows_one(steps):
    edges = steps(_ARGS + _ACT + "y = Neg(x)\nz = Neg(y, ^u)").edges
    assert [name for name in "xwuyz" if edges.dependencies([name])] == ["u", "z"]
