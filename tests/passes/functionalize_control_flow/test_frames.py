import pytest

from converter import errors
from converter.ir.text import parse_graph
from converter.passes.functionalize_control_flow.frames import (
    ROOT,
    LoopVariable,
    V1Loop,
    find_frames,
    find_loops,
    is_around,
)


def _frames(text):
    return find_frames(parse_graph(text).nodes)


def _loops(text):
    nodes = parse_graph(text).nodes
    return find_loops(nodes, find_frames(nodes))


# Frames.


def test_what_is_in_no_loop_is_at_the_root():
    assert _frames("x = _Arg()\ny = Neg(x)") == {"x": ROOT, "y": ROOT}


def test_an_enter_leads_into_its_frame_and_an_exit_out_of_it(counting):
    frames = _frames(counting)
    inside = {"i/enter", "n/enter", "i", "less", "more", "i/switch", "one", "plus", "i/next"}
    assert {name for name, frame in frames.items() if frame == ("f",)} == inside
    assert {name for name, frame in frames.items() if frame == ROOT} == {"n", "zero", "last"}


def test_frames_in_frames():
    frames = _frames(
        """
        x = _Arg()
        a = Enter[frame_name="outer"](x)
        b = Enter[frame_name="inner"](a)
        c = Exit(b)
        d = Exit(c)
        """
    )
    assert frames["a"] == ("outer",)
    assert frames["b"] == ("outer", "inner")
    assert frames["c"] == ("outer",)
    assert frames["d"] == ROOT


def test_one_frame_name_in_two_places_is_two_frames():
    frames = _frames(
        """
        x = _Arg()
        a = Enter[frame_name="f"](x)
        b = Enter[frame_name="f"](a)
        """
    )
    assert frames["b"] == ("f", "f")


def test_a_constant_is_in_the_frame_of_what_it_waits_for(counting):
    assert _frames(counting)["one"] == ("f",)
    assert _frames(counting.replace("Const[dtype=float](^i/switch)", "_Arg()"))["one"] == ROOT


def test_a_node_with_an_input_of_an_outer_frame_is_in_the_inner_one(counting):
    assert _frames(counting + "y = Mul(zero, plus)")["y"] == ("f",)


def test_the_order_of_the_graph_does_not_matter(counting):
    backwards = "\n".join(reversed(counting.splitlines()))
    assert _frames(backwards) == _frames(counting)


def test_an_exit_outside_of_a_loop_is_refused():
    with pytest.raises(errors.FormatError, match="an Exit is outside of all loops") as caught:
        _frames("x = _Arg()\ny = Exit(x)")
    assert caught.value.node == "y"


def test_inputs_of_two_loops_are_refused():
    text = """
        x = _Arg()
        a = Enter[frame_name="f"](x)
        b = Enter[frame_name="g"](x)
        y = Add(a, b)
    """
    with pytest.raises(errors.FormatError, match="inputs of two different loops") as caught:
        _frames(text)
    assert caught.value.node == "y"


def test_waiting_for_two_loops_is_refused():
    text = """
        x = _Arg()
        a = Enter[frame_name="f"](x)
        b = Enter[frame_name="g"](x)
        y = Neg(a, ^b)
    """
    with pytest.raises(errors.FormatError, match="inputs of two different loops"):
        _frames(text)


def test_a_next_iteration_of_another_loop_is_refused():
    text = """
        x = _Arg()
        a = Enter[frame_name="f"](x)
        b = Enter[frame_name="g"](x)
        m = Merge[T=float](a, n)
        n = NextIteration(b)
    """
    with pytest.raises(errors.FormatError, match="leads to another loop") as caught:
        _frames(text)
    assert caught.value.node == "n"


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (ROOT, ROOT, True),
        (ROOT, ("f",), True),
        (("f",), ("f", "g"), True),
        (("f", "g"), ("f",), False),
        (("g",), ("f", "g"), False),
    ],
)
def test_a_frame_is_around_itself_and_those_inside(outer, inner, expected):
    assert is_around(outer, inner) is expected


# Loops.


def test_the_parts_of_a_loop(counting):
    variable = LoopVariable("i", "i/enter", "i/next", 3, None)
    assert _loops(counting) == {("f",): V1Loop(("f",), "more", {"i": variable}, 10)}


def test_no_loops():
    assert _loops("x = _Arg()\ny = Neg(x)") == {}


def test_the_inputs_of_a_variable_may_have_any_order(counting):
    text = counting.replace("(i/enter, i/next)", "(i/next, i/enter)")
    variable = _loops(text)["f",].variables["i"]
    assert (variable.enter, variable.back) == ("i/enter", "i/next")


def test_a_merge_of_a_conditional_is_no_variable(counting):
    text = counting + "s = Switch(plus, less)\nm = Merge[T=int32](s, s:1)"
    assert list(_loops(text)["f",].variables) == ["i"]


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ("list { shape { dim { size: 2 } dim { size: -1 } } shape { } }", (2, None)),
        ("list { shape { } shape { } }", ()),
        ("list { shape { unknown_rank: true } shape { } }", None),
        ("list { }", None),
    ],
)
def test_the_shape_that_the_exporter_found_is_the_invariant(shapes, expected, counting):
    text = counting.replace("Merge[T=int32]", f"Merge[T=int32, _output_shapes={{{shapes}}}]")
    assert _loops(text)["f",].variables["i"].shape == expected


def test_a_ref_is_a_variable_of_its_values(counting):
    text = counting.replace("Merge[T=int32]", "Merge[T=int32_ref]")
    assert _loops(text)["f",].variables["i"].dtype == 3


def test_parallel_iterations_are_kept(counting):
    text = counting.replace('"f"', '"f", parallel_iterations=1')
    assert _loops(text)["f",].parallel_iterations == 1


@pytest.mark.parametrize("count", [0, 2])
def test_a_frame_has_one_condition(count, counting):
    text = counting.replace("LoopCond(less)", "Identity[T=bool](less)")
    text += "".join(f"more_{number} = LoopCond(less)\n" for number in range(count))
    with pytest.raises(errors.UnsupportedOpError, match=f"has {count} LoopCond nodes"):
        _loops(text)


def test_a_frame_around_another_needs_a_condition_even_if_it_holds_nothing_else(counting):
    text = counting.replace("zero = Const[dtype=float]()", "").replace("(zero)", "(n/outer)")
    text = text.replace("(n)", "(n/outer)") + 'n/outer = Enter[frame_name="outer"](n)'
    with pytest.raises(errors.UnsupportedOpError, match="has 0 LoopCond nodes") as caught:
        _loops(text)
    assert caught.value.node == "n/outer"


def test_a_loop_that_carries_nothing_is_refused():
    text = 'p = _Arg()\ne = Enter[frame_name="f"](p)\nmore = LoopCond(e)'
    with pytest.raises(errors.UnsupportedOpError, match="carries no values") as caught:
        _loops(text)
    assert caught.value.node == "more"


@pytest.mark.parametrize(
    "inputs",
    [
        "i/enter, i/next, i/next_1",  # two values for the next iteration
        "i/enter, n/enter, i/next",  # two initial values
        "less, i/next",  # none
        "i/enter, less, i/next",  # something else besides
    ],
)
def test_a_variable_joins_one_enter_and_one_next_iteration(inputs, counting):
    text = counting.replace("less = Less(i, n/enter)", "less = Less(n/enter, n/enter)")
    text = text.replace("(i/enter, i/next)", f"({inputs})") + "i/next_1 = NextIteration(plus)"
    with pytest.raises(errors.UnsupportedOpError, match="must join one Enter and one") as caught:
        _loops(text)
    assert caught.value.node == "i"


@pytest.mark.parametrize(
    "line",
    ["back = Neg(i/next)", "back = Switch(i/next, p)", "back = Neg(p, ^i/next)"],
)
def test_a_next_iteration_that_leads_to_something_else_is_refused(line, counting):
    with pytest.raises(errors.FormatError, match="leads to no Merge") as caught:
        _loops(f'{counting}\nq = _Arg()\np = Enter[frame_name="f"](q)\n{line}')
    assert caught.value.node == "i/next"


@pytest.mark.parametrize(
    "text",
    [
        "s = Neg(n)\nn = NextIteration(s)",
        "p = _Arg()\ns = Switch(n, p)\nn = NextIteration(s:1)",
        "x = _Arg()\ns = Merge[T=float](x, n)\nn = NextIteration(s)",
    ],
)
def test_a_circle_outside_of_all_loops_is_refused(text):
    with pytest.raises(errors.FormatError, match="leads to no Merge") as caught:
        _loops(text)
    assert caught.value.node == "n"
