import pytest

from converter import errors
from converter.ir.graph import TensorRef
from converter.ir.text import format_graph, parse_graph
from converter.passes import prune_unreachable as module
from converter.passes.prune_unreachable import (
    Feed,
    needing_placeholders,
    prune_unreachable,
)

_FLOAT = 1


@pytest.fixture
def prune(make_program):
    """`prune(text, feeds)` cuts what `text` returns and targets out of a program of its nodes."""

    def run(text, feeds):
        graph = parse_graph(text)
        fed = {TensorRef.parse(ref): Feed(name, _FLOAT) for ref, name in feeds.items()}
        return prune_unreachable(make_program(text), fed, graph.results, graph.targets)

    return run


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    program = make_program(format_graph(before))
    feeds = {TensorRef("x"): Feed("inputs", _FLOAT)}
    assert prune_unreachable(program, feeds, [TensorRef("y")]) == after


def test_it_does_nothing_but_cut_because_all_is_needed(prune):
    text = "c = Const[dtype=float]()\ny = Neg[T=float](c)\nreturn y\n"
    graph = prune(text, {})
    assert format_graph(graph) == text


def test_arguments_come_in_the_order_of_the_feeds(prune):
    graph = prune(
        "a = Placeholder()\nb = Placeholder()\ny = Sub(a, b)\nreturn y", {"b": "q", "a": "p"}
    )
    assert graph.args == ("q", "p")
    assert graph.nodes["y"].inputs == (TensorRef("p"), TensorRef("q"))


def test_an_argument_that_nothing_uses_stays(prune):
    graph = prune("a = Placeholder()\nc = Const()\nreturn c", {"a": "a"})
    assert graph.args == ("a",)


@pytest.mark.parametrize("fed", ["Const", "Fill", "PlaceholderWithDefault"])
def test_any_tensor_may_be_fed(fed, prune, as_text):
    graph = prune(f"d = Const()\nx = {fed}(d)\ny = Neg(x)\nreturn y", {"x": "x"})
    assert format_graph(graph) == as_text("x = _Arg[T=float]()\ny = Neg(x)\nreturn y")


def test_one_output_of_several_is_fed(prune, as_text):
    text = "a = Const()\ns = Split(a)\ny = Sub(s:0, s:1)\nreturn y"
    assert format_graph(prune(text, {"s:1": "x"})) == as_text(
        "x = _Arg[T=float]()\na = Const()\ns = Split(a)\ny = Sub(s, x)\nreturn y"
    )


def test_a_result_that_is_fed_is_the_argument(prune, as_text):
    graph = prune("a = Placeholder()\nb = Neg(a)\nreturn a, b, a", {"a": "in"})
    assert format_graph(graph) == as_text("in = _Arg[T=float]()\nb = Neg(in)\nreturn in, b, in")


def test_a_control_edge_from_a_fed_placeholder_is_dropped(prune):
    graph = prune(
        "a = Placeholder()\nc = Const(^a)\nn = NoOp(^c)\ny = Neg(a, ^n)\nreturn y", {"a": "a"}
    )
    assert graph.nodes["c"].control_inputs == ()
    assert graph.nodes["y"].control_inputs == ("n",)


def test_a_control_edge_from_a_fed_op_with_an_effect_is_kept(prune):
    text = "s = Const()\nr = RandomUniform(s)\ny = Neg(r, ^r)\nreturn y"
    graph = prune(text, {"r": "noise"})
    assert graph.nodes["y"].inputs == (TensorRef("noise"),)
    assert graph.nodes["y"].control_inputs == ("r",)
    assert "s" in graph.nodes


def test_control_inputs_of_control_inputs_count(prune):
    graph = prune("a = NoOp()\nb = NoOp(^a)\nc = NoOp(^b)\ny = Const(^c)\nreturn y", {})
    assert set(graph.nodes) == {"a", "b", "c", "y"}


def test_targets_and_what_they_need_are_kept(prune):
    graph = prune("c = Const()\nd = Const()\nu = Neg(d)\nreturn c\ntarget u", {})
    assert set(graph.nodes) == {"c", "d", "u"}
    assert graph.targets == ("u",)


def test_an_argument_named_like_another_node_gets_another_name(prune):
    text = "a = Placeholder()\nx = Const()\ny = Add(a, x)\nreturn y"
    graph = prune(text, {"a": "x"})
    assert graph.args == ("x_1",)
    assert graph.nodes["y"].inputs == (TensorRef("x_1"), TensorRef("x"))


def test_arguments_named_like_other_placeholders(prune):
    # A signature may call placeholder `a` by the name `b`, and `b` by the name `a`.
    graph = prune(
        "a = Placeholder()\nb = Placeholder()\ny = Sub(a, b)\nreturn y", {"a": "b", "b": "a"}
    )
    assert graph.args == ("b", "a")
    assert graph.nodes["y"].inputs == (TensorRef("b"), TensorRef("a"))


def test_arguments_of_one_name_stay_apart(prune):
    # A sparse input `x` has the components `x`, `x_1` and `x_2`; another input may be `x_1`.
    graph = prune(
        "a = Placeholder()\nb = Placeholder()\ny = Sub(a, b)\nreturn y", {"a": "x_1", "b": "x_1"}
    )
    assert len(set(graph.args)) == 2
    assert graph.nodes["y"].inputs == tuple(TensorRef(name) for name in graph.args)


@pytest.mark.parametrize("op", ["Placeholder", "PlaceholderV2"])
def test_a_placeholder_that_is_not_fed_is_named(op, prune):
    with pytest.raises(errors.ConversionError) as caught:
        prune(f"a = Placeholder()\nin/b = {op}()\ny = Add(a, in/b)\nreturn y", {"a": "a"})
    assert caught.value.node == "in/b"
    assert caught.value.remedy


def test_a_placeholder_with_a_default_need_not_be_fed(prune):
    graph = prune("d = Const()\nx = PlaceholderWithDefault(d)\nreturn x", {})
    assert set(graph.nodes) == {"d", "x"}


@pytest.mark.parametrize(
    ("text", "feeds"),
    [
        ("y = Neg(gone)\nreturn y", {}),
        ("y = Const()\nreturn gone", {}),
        ("y = Const()\nreturn y", {"gone": "x"}),
        ("y = Const()\nreturn y\ntarget gone", {}),
    ],
)
def test_an_edge_to_nowhere_is_refused(text, feeds, prune):
    with pytest.raises(errors.FormatError, match="refers to node 'gone'"):
        prune(text, feeds)


def test_the_producer_is_kept(make_program):
    program = make_program("c = Const()", producer=134)
    assert prune_unreachable(program, {}, [TensorRef("c")]).producer == 134


def test_needing_placeholders(make_program):
    program = make_program(
        """
        a = Placeholder()
        b = Placeholder()
        c = Const()
        from_a = Neg(a)
        after_b = Neg(c, ^b)
        both = Add(from_a, after_b)
        free = Neg(c)
        """
    )
    assert needing_placeholders(program, {}) == {"a", "b", "from_a", "after_b", "both"}
    fed_a = {TensorRef("a"): Feed("a", _FLOAT)}
    assert {"after_b", "both", "b"} <= needing_placeholders(program, fed_a)
    assert "from_a" not in needing_placeholders(program, fed_a)
    fed = {**fed_a, TensorRef("b"): Feed("b", _FLOAT)}
    assert not needing_placeholders(program, fed) & {"from_a", "after_b", "both", "free"}
    cut = {TensorRef("from_a"): Feed("h", _FLOAT)}
    assert "both" in needing_placeholders(program, cut)


def test_control_edge_from_a_fed_op_behind_an_effect_is_kept(make_program):
    program = make_program("""
        v = VariableV2[dtype=float, shape=[]]()
        one = Const[dtype=float, value={tensor { dtype: DT_FLOAT float_val: 1.0 }}]()
        add = AssignAdd[T=float](v, one)
        fed = Identity[T=float](add)
        y = Neg[T=float](one, ^fed)
    """)
    feeds = {TensorRef("fed"): Feed("x", 1)}
    graph = prune_unreachable(program, feeds, [TensorRef("y")])
    assert {"add", "fed"} <= set(graph.nodes)
    assert graph.nodes["y"].control_inputs == ("fed",)


def test_control_edge_from_a_fed_op_without_effects_is_dropped(make_program):
    program = make_program("""
        one = Const[dtype=float, value={tensor { dtype: DT_FLOAT float_val: 1.0 }}]()
        fed = Identity[T=float](one)
        y = Neg[T=float](one, ^fed)
    """)
    feeds = {TensorRef("fed"): Feed("x", 1)}
    graph = prune_unreachable(program, feeds, [TensorRef("y")])
    assert "fed" not in graph.nodes
    assert graph.nodes["y"].control_inputs == ()
