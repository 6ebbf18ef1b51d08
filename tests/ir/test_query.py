import pytest

from converter import errors
from converter.ir import query
from converter.ir.graph import TensorRef
from converter.ir.text import parse_graph

_DIAMOND = """
    d = Add(b, c)
    b = Neg(a)
    c = Neg(a, ^side)
    side = NoOp()
    a = _Arg()
    unused = Neg(a)
    return d
"""
_LOOP = """
    start = Const()
    enter = Enter(start)
    merge = Merge(enter, next)
    next = NextIteration(body)
    body = Neg(merge)
"""


# Order.


def test_topological_order_puts_inputs_first_and_keeps_the_given_order_otherwise():
    order = query.topological_order(parse_graph(_DIAMOND).nodes)
    assert order == ["side", "a", "b", "c", "d", "unused"]


def test_topological_order_is_the_given_one_if_that_is_one():
    graph = parse_graph("c = Const()\na = Const()\nb = Neg(a)\nd = Neg(c)")
    assert query.topological_order(graph.nodes) == ["c", "a", "b", "d"]


@pytest.mark.parametrize("prefix", ["", "Ref"])
def test_back_edges_of_v1_loops_do_not_count(prefix):
    nodes = parse_graph(_LOOP.replace("NextIteration", f"{prefix}NextIteration")).nodes
    assert query.topological_order(nodes) == ["start", "enter", "merge", "body", "next"]


def test_a_back_edge_over_control_does_not_count():
    nodes = parse_graph("a = NoOp(^next)\nnext = NextIteration(b)\nb = Neg(c, ^a)\nc = Const()")
    assert query.topological_order(nodes.nodes) == ["a", "c", "b", "next"]


@pytest.mark.parametrize(
    "text",
    ["a = Neg(b)\nb = Neg(a)", "a = Neg(a)", "c = Const()\na = NoOp(^b)\nb = Neg(c, ^a)"],
)
def test_a_cycle_is_refused_with_a_node_of_it(text):
    with pytest.raises(errors.FormatError, match="cycle that is not a V1 loop") as caught:
        query.topological_order(parse_graph(text).nodes)
    assert caught.value.node == "a"


def test_a_node_used_twice_by_another_is_counted_once():
    nodes = parse_graph("b = Add(a, a, ^a)\na = Const()").nodes
    assert query.topological_order(nodes) == ["a", "b"]


# Reachability.


def test_reachable_follows_data_and_control_edges():
    nodes = parse_graph(_DIAMOND).nodes
    assert query.reachable(nodes, ["d"]) == {"a", "b", "c", "d", "side"}


def test_reachable_follows_control_inputs_of_control_inputs():
    nodes = parse_graph("x = NoOp(^y)\ny = NoOp(^z)\nz = NoOp()\nw = NoOp()").nodes
    assert query.reachable(nodes, ["x"]) == {"x", "y", "z"}


def test_reachable_stops_at_cut_tensors_and_not_at_their_siblings():
    nodes = parse_graph("s = Split(a)\na = Const()\nx = Neg(s:0)\ny = Add(s:0, s:1)").nodes
    cut = {TensorRef("s", 0)}.__contains__
    assert query.reachable(nodes, ["x"], is_cut=cut) == {"x"}
    assert query.reachable(nodes, ["y"], is_cut=cut) == {"y", "s", "a"}


def test_reachable_refuses_an_edge_to_nowhere():
    with pytest.raises(errors.FormatError, match="refers to node 'gone'"):
        query.reachable(parse_graph("x = Neg(gone)").nodes, ["x"])


def test_reachable_ends_on_loops():
    assert query.reachable(parse_graph(_LOOP).nodes, ["next"]) == {
        "start", "enter", "merge", "next", "body",
    }  # fmt: skip


# drop_dead.


def test_drop_dead_keeps_what_results_and_targets_need_and_arguments():
    graph = parse_graph(
        "x = _Arg()\nb = Const()\nc = Neg(b)\nd = Neg(b)\ne = NoOp()\nreturn c\ntarget e"
    )
    assert list(query.drop_dead(graph).nodes) == ["x", "b", "c", "e"]


def test_drop_dead_does_nothing_because_all_is_alive():
    graph = parse_graph("x = _Arg()\nunused = _Arg()\ny = Neg(x)\nreturn y")
    assert query.drop_dead(graph) is graph


# Names and renamings.


def test_get_node_names_what_is_missing():
    nodes = parse_graph("x = Const()").nodes
    assert query.get_node(nodes, "x").op == "Const"
    with pytest.raises(errors.FormatError, match=r"node 'y', which it does not contain.*damaged"):
        query.get_node(nodes, "y")


def test_unique_name_is_the_first_free_one():
    assert query.unique_name("x", {"y"}) == "x"
    assert query.unique_name("x", {"x"}) == "x_1"
    assert query.unique_name("x", {"x", "x_1", "x_2"}) == "x_3"


def test_resolve_follows_chains_of_renamings():
    a, b, c, d = (TensorRef(name) for name in "abcd")
    assert query.resolve((a, d), {a: b, b: c}) == (c, d)


def test_map_nodes_returns_the_same_graph_because_no_node_changes():
    graph = parse_graph("a = NoOp()\nb = NoOp(^a)\ntarget b")
    assert query.map_nodes(graph, lambda node: node) is graph
    assert query.map_nodes(graph, lambda node: query.not_after(node, {"c"})) is graph
    assert query.map_nodes(graph, lambda node: query.without_attr(node, "T")) is graph


def test_map_nodes_replaces_the_nodes_that_change():
    graph = parse_graph("a = NoOp()\nb = NoOp[k=1](^a)\ntarget b")
    changed = query.map_nodes(graph, lambda node: query.not_after(node, {"a"}))
    assert changed.nodes["b"].control_inputs == ()
    assert changed.nodes["a"] is graph.nodes["a"]
    assert query.without_attr(graph.nodes["b"], "k").attrs == {}
