from tensorflow.core.framework import graph_pb2

from converter.parity.function_library import calls, find_callers


def _library(**functions):
    """`f=("Op", "g")`: function f has a node with that op, which takes function g in a list."""
    graph_def = graph_pb2.GraphDef()
    for name, (op, callee) in functions.items():
        function = graph_def.library.function.add()
        function.signature.name = name
        node = function.node_def.add(name="n", op=op)
        if callee:
            node.attr["branches"].list.func.add().name = callee
    return graph_def


def test_functions_that_call_an_op_through_others():
    graph_def = _library(f=("Case", "g"), g=("h", ""), h=("Draw", ""), other=("Neg", ""))
    assert find_callers(graph_def, {"Draw"}) == {"Draw", "h", "g", "f"}


def test_functions_that_call_each_other():
    assert find_callers(_library(f=("g", ""), g=("f", "")), {"Draw"}) == {"Draw"}


def test_a_node_calls_by_its_op_and_by_its_attributes():
    node = graph_pb2.GraphDef().node.add(name="n", op="If")
    node.attr["then_branch"].func.name = "f"
    assert calls(node, {"f"})
    assert calls(node, {"If"})
    assert not calls(node, {"g"})
