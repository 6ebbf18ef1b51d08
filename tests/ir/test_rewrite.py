import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter import errors
from converter.ir import check
from converter.ir.graph import Graph, Node, TensorRef
from converter.ir.rewrite import GraphEditor
from converter.ir.text import format_graph, parse_graph
from converter.ir.uses import Uses

_GRAPH = parse_graph(
    """
    x = _Arg[T=float]()
    a = Neg[T=float](x)
    b = Exp[T=float](a, ^a)
    c = Add[T=float](a, b)
    return c, a
    target b
    """
)


def _text(graph):
    return [line.strip() for line in format_graph(graph).splitlines()]


def test_a_graph_that_is_not_edited_comes_out_as_the_same_object():
    editor = GraphEditor(_GRAPH)
    assert editor.finish() is _GRAPH
    assert editor.finish(drop_dead=True) is _GRAPH


def test_edits_that_change_nothing_give_the_same_object():
    editor = GraphEditor(_GRAPH)
    editor.replace(dataclasses.replace(_GRAPH.nodes["a"], op="Exp"))
    editor.replace(dataclasses.replace(_GRAPH.nodes["a"]))
    editor.replace_uses({TensorRef("gone"): TensorRef("x")})
    extra = editor.insert_before("a", Node("extra", "NoOp"))
    editor.erase(extra.node)
    assert editor.finish() is _GRAPH


def test_a_node_that_is_replaced_keeps_its_place_and_its_users():
    editor = GraphEditor(_GRAPH)
    editor.replace(Node("a", "Sign", (TensorRef("x"),)))
    graph = editor.finish()
    assert _text(graph)[1:3] == ["a = Sign(x)", "b = Exp[T=float](a, ^a)"]
    assert graph.nodes["c"] is _GRAPH.nodes["c"]
    assert _GRAPH.nodes["a"].op == "Neg"


def test_nodes_are_inserted_in_the_order_of_the_calls():
    editor = GraphEditor(_GRAPH)
    first = editor.insert_before("b", Node("first", "NoOp"))
    editor.insert_before("b", Node("second", "NoOp"))
    editor.insert_before("second", Node("between", "NoOp"))
    editor.insert_before(None, Node("last", "NoOp"))
    editor.insert_before("last", Node("but_last", "NoOp"))
    assert first == TensorRef("first")
    expected = ["x", "a", "first", "between", "second", "b", "c", "but_last", "last"]
    assert list(editor.finish().nodes) == expected
    assert set(editor.finish(drop_dead=True).nodes) == set(_GRAPH.nodes)


def test_a_node_is_inserted_by_a_fresh_name():
    editor = GraphEditor(_GRAPH)
    ref = editor.insert_fresh("c", Node("a", "NoOp"))
    assert ref == TensorRef("a_1")
    assert list(editor.finish().nodes) == ["x", "a", "b", "a_1", "c"]
    assert editor.insert_fresh("c", Node("free", "NoOp")) == TensorRef("free")


def test_what_was_inserted_before_a_node_stays_when_it_is_erased():
    editor = GraphEditor(parse_graph("a = NoOp()\nb = NoOp()"))
    editor.insert_before("b", Node("new", "NoOp"))
    editor.erase("b")
    assert list(editor.finish().nodes) == ["a", "new"]


def test_uses_move_to_another_tensor_and_so_do_results():
    editor = GraphEditor(_GRAPH)
    x, a, b = (TensorRef(name) for name in "xab")
    editor.replace_uses({b: a, a: x})
    assert _text(editor.finish()) == [
        "x = _Arg[T=float]()",
        "a = Neg[T=float](x)",
        "b = Exp[T=float](x, ^a)",
        "c = Add[T=float](x, x)",
        "return c, x",
        "target b",
    ]


def test_inserted_nodes_take_part_in_replacements():
    editor = GraphEditor(_GRAPH)
    editor.insert_before("c", Node("new", "Neg", (TensorRef("b"),)))
    editor.replace_uses({TensorRef("b"): TensorRef("a")})
    assert editor.nodes["new"].inputs == (TensorRef("a"),)


@pytest.mark.parametrize("name", ["x", "a", "b", "c"])
def test_a_node_that_is_needed_is_not_erased(name):
    editor = GraphEditor(_GRAPH)
    with pytest.raises(errors.InternalError, match=f"node '{name}' cannot be erased"):
        editor.erase(name)
    assert editor.finish() is _GRAPH


def test_fresh_names_are_not_given_twice():
    editor = GraphEditor(_GRAPH)
    assert [editor.fresh("new"), editor.fresh("new"), editor.fresh("a")] == ["new", "new_1", "a_1"]
    editor.insert_before(None, Node("other", "NoOp"))
    editor.erase("other")
    assert editor.fresh("other") == "other_1"


def test_two_nodes_never_have_one_name():
    editor = GraphEditor(_GRAPH)
    with pytest.raises(errors.InternalError, match="second node 'a'"):
        editor.insert_before("b", Node("a", "NoOp"))
    with pytest.raises(errors.InternalError, match="second node 'a'"):
        editor.insert_before(None, Node("a", "NoOp"))


def test_nodes_that_are_not_there_are_named():
    editor = GraphEditor(_GRAPH)
    for edit in (editor.replace, lambda node: editor.insert_before(node.name, node)):
        with pytest.raises(errors.FormatError, match="node 'gone'"):
            edit(Node("gone", "NoOp"))
    with pytest.raises(errors.FormatError, match="node 'gone'"):
        editor.erase("gone")


# Random edits, beside a list of nodes that is searched for every edit.


class _Model:
    """A graph as a list, each node of which needs earlier ones only."""

    def __init__(self, graph):
        self.nodes = list(graph.nodes.values())
        self.results = graph.results

    def index(self, name):
        return [node.name for node in self.nodes].index(name)

    def tensors(self, end):
        """The tensors that the nodes before number `end` give."""
        outputs = {"Unpack": 2, "NoOp": 0}
        return [
            TensorRef(node.name, i)
            for node in self.nodes[:end]
            for i in range(outputs.get(node.op, 1))
        ]

    def replace_uses(self, old, new):
        for i, node in enumerate(self.nodes):
            inputs = tuple(new if ref == old else ref for ref in node.inputs)
            self.nodes[i] = dataclasses.replace(node, inputs=inputs)
        self.results = tuple(new if ref == old else ref for ref in self.results)

    def is_used(self, name):
        users = any(name in node.input_nodes() for node in self.nodes)
        return users or name in [ref.node for ref in self.results] or name in ("x", "t")


@st.composite
def _nodes(draw, name, tensors, controls, ops=("Neg", "AddN", "Unpack", "NoOp")):
    op = draw(st.sampled_from(ops))
    count = {"Neg": 1, "AddN": draw(st.integers(1, 3)), "Unpack": 1, "NoOp": 0}[op]
    inputs = tuple(draw(st.sampled_from(tensors)) for _ in range(count))
    waits = draw(st.lists(st.sampled_from(controls), max_size=2, unique=True))
    attrs = {
        "Neg": "T=float", "AddN": f"N={count}, T=float", "Unpack": "T=float, num=2", "NoOp": "",
    }[op]  # fmt: skip
    return parse_graph(
        f"{name} = {op}[{attrs}]({', '.join([*map(str, inputs), *(f'^{w}' for w in waits)])})"
    ).nodes[name]


@st.composite
def _graphs(draw):
    model = _Model(parse_graph("x = _Arg[T=float]()"))
    for i in range(draw(st.integers(0, 6))):
        controls = [node.name for node in model.nodes]
        model.nodes.append(draw(_nodes(f"n{i}", model.tensors(None), controls)))
    model.nodes.append(draw(_nodes("t", model.tensors(None), ["x"])))
    results = draw(st.lists(st.sampled_from(model.tensors(None)), max_size=3))
    nodes = {node.name: node for node in model.nodes}
    return Graph(nodes, args=("x",), results=tuple(results), targets=("t",))


def _edit(data, editor, model):
    """Makes one random edit of both."""
    kinds = ["insert", "append", "replace", "replace_uses", "erase"]
    kind = data.draw(st.sampled_from(kinds))
    at = data.draw(st.integers(1, len(model.nodes) - 1))
    anchor = model.nodes[at]
    before = [node.name for node in model.nodes[:at]]
    if kind in ("insert", "append"):
        end = at if kind == "insert" else len(model.nodes)
        controls = [node.name for node in model.nodes[:end]]
        node = data.draw(_nodes(editor.fresh("new"), model.tensors(end), controls))
        ref = editor.insert_before(anchor.name if kind == "insert" else None, node)
        assert ref == TensorRef(node.name)
        model.nodes.insert(end, node)
    elif kind == "replace":
        ops = (anchor.op,) if anchor.op in ("Unpack", "NoOp") else ("Neg", "AddN")
        node = data.draw(_nodes(anchor.name, model.tensors(at), before, ops))
        editor.replace(node)
        model.nodes[at] = node
    elif kind == "replace_uses":
        old = data.draw(st.sampled_from(model.tensors(None)))
        new = data.draw(st.sampled_from(model.tensors(model.index(old.node)) or [old]))
        if old != new:
            editor.replace_uses({old: new})
            model.replace_uses(old, new)
    elif model.is_used(anchor.name):
        with pytest.raises(errors.InternalError):
            editor.erase(anchor.name)
    else:
        editor.erase(anchor.name)
        del model.nodes[at]


def _check_uses(editor):
    expected = Uses(editor.nodes.values())
    for node in editor.nodes.values():
        assert set(editor.users(node.name)) == set(expected.users(node.name))
        for index in range(2):
            ref = TensorRef(node.name, index)
            assert set(editor.uses(ref)) == set(expected.of(ref))


@given(_graphs(), st.data())
def test_random_edits_do_what_a_search_of_all_nodes_would_do(graph, data):
    editor, model = GraphEditor(graph), _Model(graph)
    asks_often = data.draw(st.booleans())
    for _ in range(data.draw(st.integers(0, 8))):
        if len(model.nodes) > 1:
            _edit(data, editor, model)
        if asks_often:
            _check_uses(editor)
    _check_uses(editor)
    edited = editor.finish()
    check.check_graph(edited)
    assert list(edited.nodes.values()) == model.nodes
    assert edited.results == model.results
    assert (edited is graph) == (model.nodes == list(graph.nodes.values())
                                 and model.results == graph.results)  # fmt: skip
