"""SavedModels with one op that could do harm, in every place that a SavedModel has for one.

The nodes have no attributes but those that matter here: no TensorFlow ever sees them.
"""

import functools

import pytest
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import saved_model_pb2

from converter.safety.judge import inspect_saved_model

DT_STRING = 7
# Of every class of the table that does not convert, with its severity where it runs.
OPS = {
    "PyFunc": "high",
    "EagerPyFunc": "high",
    "XlaCallModule": "high",
    "ReadFile": "high",
    "MatchingFiles": "high",
    "TextLineDataset": "high",
    "ImmutableConst": "high",
    "WriteFile": "high",
    "DebugIdentityV2": "high",
    "CacheDataset": "high",
    "RpcClient": "high",
    "DataServiceDatasetV2": "high",
    "Abort": "medium",
    "FIFOQueueV2": "medium",
    "_FusedMatMul": "medium",
    "NoSuchOp": "medium",
}


def add_node(nodes, name, op, *inputs, **functions):
    """Adds a node to a GraphDef's or FunctionDef's list."""
    node = nodes.add(name=name, op=op)
    node.input.extend(inputs)
    for key, function in functions.items():
        node.attr[key].func.name = function
    return node


def add_string(nodes, name, value):
    """Adds a constant string scalar."""
    node = nodes.add(name=name, op="Const")
    node.attr["dtype"].type = DT_STRING
    node.attr["value"].tensor.dtype = DT_STRING
    node.attr["value"].tensor.string_val.append(value)


def add_function(graph_def, name, *args):
    """Adds an empty function, and returns it."""
    function = graph_def.library.function.add()
    function.signature.name = name
    for arg in args:
        function.signature.input_arg.add(name=arg, type=DT_STRING)
    return function


def _fill(nodes, op):
    add_string(nodes, "path", b"/etc/passwd")
    add_node(nodes, "evil", op, "path")


def _offer(meta_graph, node):
    """Has the signature return a node."""
    meta_graph.signature_def["default"].outputs["more"].name = f"{node}:0"


def _in_signature(meta_graph, op):
    _fill(meta_graph.graph_def.node, op)
    _offer(meta_graph, "evil")


def _behind_control_input(meta_graph, op):
    _fill(meta_graph.graph_def.node, op)
    add_node(meta_graph.graph_def.node, "result", "NoOp", "^evil")
    _offer(meta_graph, "result")


def _in_function(meta_graph, op, name="inner"):
    _fill(add_function(meta_graph.graph_def, name).node_def, op)
    add_node(meta_graph.graph_def.node, "call", "PartitionedCall", f=name)
    _offer(meta_graph, "call")


def _in_function_by_name(meta_graph, op):
    _fill(add_function(meta_graph.graph_def, "Inner").node_def, op)
    add_node(meta_graph.graph_def.node, "call", "Inner")
    _offer(meta_graph, "call")


def _in_two_functions(meta_graph, op):
    _in_function(meta_graph, op, name="innermost")
    outer = add_function(meta_graph.graph_def, "outer")
    add_node(outer.node_def, "branch", "If", then_branch="innermost")
    meta_graph.graph_def.node[-1].attr["f"].func.name = "outer"


def _in_initializer(meta_graph, op):
    _fill(meta_graph.graph_def.node, op)
    meta_graph.collection_def["table_initializer"].node_list.value.append("evil")


def _in_init_signature(meta_graph, op):
    _fill(meta_graph.graph_def.node, op)
    meta_graph.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name = "evil"


def _in_object(meta_graph, op, method="run"):
    _fill(add_function(meta_graph.graph_def, "inner").node_def, op)
    objects = meta_graph.object_graph_def
    objects.concrete_functions["inner"].SetInParent()
    root = objects.nodes.add()
    root.resource.SetInParent()
    root.children.add(node_id=1, local_name=method)
    objects.nodes.add().function.concrete_functions.append("inner")


def _in_gradient(meta_graph, op):
    _fill(add_function(meta_graph.graph_def, "backward").node_def, op)
    meta_graph.graph_def.library.gradient.add(function_name="f", gradient_func="backward")


def _in_update_op(meta_graph, op):
    _fill(meta_graph.graph_def.node, op)
    meta_graph.collection_def["update_ops"].node_list.value.append("evil")


def _in_restore(meta_graph, op):
    _fill(meta_graph.graph_def.node, op)
    meta_graph.saver_def.restore_op_name = "evil"


def _nested(meta_graph, op, depth=1):
    graph_def = graph_pb2.GraphDef()
    _fill(graph_def.node, op)
    for _ in range(depth - 1):
        outer = graph_pb2.GraphDef()
        add_string(outer.node, "graph", graph_def.SerializeToString())
        add_node(outer.node, "inside", "DatasetFromGraph", "graph")
        graph_def = outer
    add_string(meta_graph.graph_def.node, "graph", graph_def.SerializeToString())
    add_node(meta_graph.graph_def.node, "data", "DatasetFromGraph", "graph")
    _offer(meta_graph, "data")


def _nowhere(meta_graph, op):
    nodes = meta_graph.graph_def.node
    add_node(nodes, "fed", "Placeholder")  # So that TensorFlow does not evaluate it on import.
    add_node(nodes, "evil", op, "fed")


def _in_unused_function(meta_graph, op):
    function = add_function(meta_graph.graph_def, "unused", "arg")
    add_node(function.node_def, "evil", op, "arg")


# The function that adds an op, and what runs it there besides TensorFlow's evaluation on import.
PLACES = {
    "signature": (_in_signature, ["call"]),
    "control input": (_behind_control_input, ["call"]),
    "function": (_in_function, ["call"]),
    "function by name": (_in_function_by_name, ["call"]),
    "two functions": (_in_two_functions, ["call"]),
    "initializer": (_in_initializer, ["load"]),
    "init signature": (_in_init_signature, ["load"]),
    "method": (_in_object, ["call"]),
    "resource": (functools.partial(_in_object, method="_initialize"), ["load"]),
    "gradient": (_in_gradient, ["training"]),
    "update op": (_in_update_op, ["training"]),
    "restore op": (_in_restore, ["load"]),
    "nested graph": (_nested, ["call"]),
    "three nested graphs": (functools.partial(_nested, depth=3), ["call"]),
    "nowhere": (_nowhere, []),
    "unused function": (_in_unused_function, []),
}


@pytest.fixture(scope="session")
def inspect_changed():
    """`inspect_changed(change, *arguments)` judges a SavedModel, empty but for the change."""

    def inspect(change, *arguments):
        saved_model = saved_model_pb2.SavedModel()
        change(saved_model.meta_graphs.add(), *arguments)
        return inspect_saved_model(saved_model)

    return inspect
