import pytest

from converter.ir.graph import TensorRef
from converter.ir.text import parse_graph
from converter.passes.functional_ops import place_body as module
from converter.passes.functional_ops.place_body import Scopes, has_v1_loops, in_its_loop, place_body


def _nodes(text):
    return parse_graph(text).nodes.values()


def test_the_example_of_the_docstring(docstring_example):
    before, after = docstring_example(module)
    placed = place_body(before, "call", [TensorRef("a")], ["start"])
    assert placed.nodes == after.nodes
    assert placed.results == after.results
    assert not placed.targets


def test_arguments_are_replaced_wherever_they_are():
    body = parse_graph(
        """
        x = _Arg()
        y = _Arg()
        s = PrintV2(y, ^x)
        return y, x, s
        target s
        """
    )
    placed = place_body(body, "c", [TensorRef("a", 1), TensorRef("b")])
    assert placed.results == (TensorRef("b"), TensorRef("a", 1), TensorRef("c/s"))
    assert placed.targets == ("c/s",)
    assert placed.nodes == parse_graph("c/s = PrintV2(b)").nodes


@pytest.mark.parametrize("op", ["Enter", "RefEnter"])
def test_frames_are_renamed_like_nodes(op):
    body = parse_graph(f'x = _Arg()\ne = {op}[T=float, frame_name="f"](x)\nreturn e')
    (enter,) = place_body(body, "c", [TensorRef("a")]).nodes.values()
    assert enter.attrs["frame_name"].s == b"c/f"
    assert body.nodes["e"].attrs["frame_name"].s == b"f"


def test_an_enter_without_its_frame_is_left_to_the_check():
    body = parse_graph("x = _Arg()\ne = Enter[T=float](x)\nreturn e")
    (enter,) = place_body(body, "c", [TensorRef("a")]).nodes.values()
    assert "frame_name" not in enter.attrs


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("a = NoOp()", "a"),
        ("a/b = NoOp()", "a_1"),
        ("a/b/c = NoOp()\na_1/b = NoOp()", "a_2"),
        ("ab/c = NoOp()\na_1 = NoOp()\nb/a = NoOp()", "a"),
        ('b = Enter[frame_name="a"]()', "a_1"),
        ('b = Enter[frame_name="a/c"]()', "a_1"),
        ('b = NoOp[frame_name="a"]()', "a"),
        ("b = Enter()", "a"),
    ],
)
def test_a_scope_is_no_prefix_of_other_names(text, scope):
    assert Scopes(_nodes(text)).open("a") == scope


def test_a_frame_whose_name_is_no_text_is_no_reason_to_fail():
    nodes = parse_graph('a/b = NoOp()\nc = Enter[frame_name="f"]()').nodes
    nodes["c"].attrs["frame_name"].s = b"\xff"
    assert Scopes(nodes.values()).open("a") == "a_1"


def test_a_scope_is_given_once():
    scopes = Scopes(_nodes("a/b = NoOp()\na_1 = NoOp()"))
    assert [scopes.open("a"), scopes.open("a_1")] == ["a_1", "a_1_1"]


@pytest.mark.parametrize(
    ("call", "controls"),
    [
        ("c = f(e)", ("e",)),
        ("c = f(a, e, b)", ("e",)),
        ("c = f(e, ^b)", ("b",)),
        ("c = f(a)", ()),
        ("c = f()", ()),
    ],
)
def test_a_call_is_in_the_loop_that_its_inputs_are_in(call, controls):
    graph = parse_graph(f"a = _Arg()\nb = NoOp()\ne = Enter(a)\n{call}")
    assert in_its_loop(graph.nodes["c"], graph).control_inputs == controls


def test_v1_loops_are_known_by_how_they_are_entered():
    assert has_v1_loops(parse_graph("a = RefEnter()"))
    assert not has_v1_loops(parse_graph("a = Switch()\nb = Merge(a, a:1)"))
