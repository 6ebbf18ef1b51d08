import pytest
from tensorflow.core.framework import attr_value_pb2, graph_pb2

from converter.ir.graph import Node, TensorRef
from converter.safety.serialized_graphs import find_graph, list_graphs


def _graph():
    graph_def = graph_pb2.GraphDef()
    graph_def.node.add(name="a", op="RangeDataset", input=["b:1", "^c"])
    function = graph_def.library.function.add()
    function.signature.name = "f"
    function.node_def.add(name="d", op="ReadFile", input=["x:out:0"])
    return graph_def


def _given(*values, through=False):
    value = attr_value_pb2.AttrValue()
    value.tensor.string_val.extend(values)
    nodes = {
        "c": Node("c", "Const", attrs={"value": value}),
        "i": Node("i", "Identity", (TensorRef("c"),)),
        "d": Node("d", "DatasetFromGraph", (TensorRef("i" if through else "c"),)),
    }
    return find_graph(nodes["d"], nodes)


@pytest.mark.parametrize("through", [False, True])
def test_a_constant_holds_a_graph(through):
    assert _given(_graph().SerializeToString(), through=through) == _graph()


@pytest.mark.parametrize("values", [(), (b"\xff\xff",), (b"", b"")])
def test_bytes_that_are_no_graph(values):
    assert _given(*values) is None


@pytest.mark.parametrize("source", ["Placeholder", "StringJoin", "Const"])
def test_a_computed_graph(source):
    nodes = {"c": Node("c", source), "d": Node("d", "DatasetFromGraph", (TensorRef("c"),))}
    assert find_graph(nodes["d"], nodes) is None


def test_a_node_without_inputs():
    assert find_graph(Node("d", "DatasetFromGraph"), {}) is None


def test_all_nodes_are_listed_with_their_sources():
    (main,), (inner,) = list_graphs(_graph())
    assert main.inputs == (TensorRef("b"), TensorRef("^c"))
    assert (inner.op, inner.inputs) == ("ReadFile", (TensorRef("x"),))
