"""Graphs, functions and serialized graphs, whatever their names are."""

import pytest
from hostile_models import PLACES, add_function, add_node, add_string
from tensorflow.core.framework import graph_pb2


def _without_holders(report):
    """The findings but for ops that hold a graph, which is looked at as well."""
    return [finding for finding in report.findings if finding.op != "DatasetFromGraph"]


@pytest.mark.parametrize(
    ("place", "function", "within"),
    [
        ("signature", None, ()),
        ("function", "inner", ()),
        ("two functions", "innermost", ()),
        ("gradient", "backward", ()),
        ("unused function", "unused", ()),
        ("nested graph", None, ("data",)),
        ("three nested graphs", None, ("data", "inside", "inside")),
    ],
)
def test_it_says_where_an_op_is(place, function, within, inspect_changed):
    report = inspect_changed(PLACES[place][0], "PyFunc")
    (finding,) = _without_holders(report)
    assert (finding.graph, finding.function, finding.within) == ((), function, within)
    assert report.nested_graphs == len(within)


def test_it_finds_an_op_in_a_function_of_a_nested_graph(inspect_changed):
    def change(meta_graph):
        graph_def = graph_pb2.GraphDef()
        add_node(graph_def.node, "call", "PartitionedCall", f="inner")
        add_node(graph_def.node, "dataset", "_Retval", "call")
        add_node(add_function(graph_def, "inner").node_def, "evil", "PyFunc")
        add_string(meta_graph.graph_def.node, "graph", graph_def.SerializeToString())
        add_node(meta_graph.graph_def.node, "pass", "Identity", "graph")
        add_node(meta_graph.graph_def.node, "data", "DatasetFromGraph", "pass")

    (finding,) = _without_holders(inspect_changed(change))
    assert (finding.function, finding.within, finding.node) == ("inner", ("data",), "evil")


def test_two_nodes_of_one_name_has_two_findings(inspect_changed):
    def change(meta_graph):
        for _ in range(2):
            add_node(meta_graph.graph_def.node, "evil", "PyFunc")

    assert len(inspect_changed(change).findings) == 2


def test_functions_of_one_name_are_both_looked_at(inspect_changed):
    def change(meta_graph):
        for op in ("NoOp", "PyFunc"):
            add_node(add_function(meta_graph.graph_def, "twice").node_def, "evil", op)

    assert [f.op for f in inspect_changed(change).findings] == ["PyFunc"]


@pytest.mark.parametrize(
    ("value", "reason"), [(b"\xff\xff", "cannot be read"), (None, "is computed")]
)
def test_a_serialized_graph_that_cannot_be_checked(value, reason, inspect_changed):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        if value is None:
            add_node(nodes, "graph", "Placeholder")
        else:
            add_string(nodes, "graph", value)
        add_node(nodes, "data", "DatasetFromGraph", "graph")
        meta_graph.signature_def["default"].outputs["more"].name = "data:0"

    (finding,) = inspect_changed(change).findings
    assert (finding.severity, finding.op) == ("high", "DatasetFromGraph")
    assert reason in finding.reason


def test_graphs_nested_too_deeply(inspect_changed):
    def change(meta_graph):
        add, _ = PLACES["three nested graphs"]
        add.func(meta_graph, "PyFunc", depth=20)

    finding, *others = inspect_changed(change).findings
    assert {(f.severity, f.op) for f in others} == {("medium", "DatasetFromGraph")}
    assert (finding.severity, finding.op) == ("high", "DatasetFromGraph")
    assert "too many to check" in finding.reason
