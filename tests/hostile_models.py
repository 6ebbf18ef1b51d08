"""SavedModels with one op that could do harm, in every place that a SavedModel has for one.

Given the name of an op, a place gets nodes without the attributes that TensorFlow would ask for:
enough for what only reads protos. Given a `Payload`, the graph is one that TensorFlow takes.
"""

import dataclasses
import functools
from typing import Any

import pytest
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import saved_model_pb2

from converter.ir import op_facts
from converter.safety.judge import inspect_saved_model

DT_FLOAT, DT_STRING, DT_INT64 = 1, 7, op_facts.DT_INT64
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


@dataclasses.dataclass(frozen=True)
class Payload:
    """An op that could do harm, with the nodes that it needs.

    Attributes:
      nodes: NodeDefs; those of them that are not the op have one output. The op is node `evil`.
      result: A node whose first output is a float scalar that depends on the op.
      functions: The FunctionDefs that attributes name.
    """

    nodes: tuple[Any, ...]
    result: str = "evil"
    functions: tuple[Any, ...] = ()


def add_node(nodes, name, op, *inputs, **functions):
    """Adds a node to a GraphDef's or FunctionDef's list."""
    node = nodes.add(name=name, op=op)
    node.input.extend(inputs)
    for key, function in functions.items():
        node.attr[key].func.name = function
    return node


def set_types(node, **types):
    """Sets attributes that are types, or lists of types; returns the node."""
    for key, value in types.items():
        if isinstance(value, list):
            node.attr[key].list.type.extend(value)
        else:
            node.attr[key].type = value
    return node


def add_value(nodes, name, dtype, field, value):
    """Adds a constant scalar."""
    node = set_types(nodes.add(name=name, op="Const"), dtype=dtype)
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    tensor.tensor_shape.SetInParent()
    getattr(tensor, field).append(value)
    return node


def add_string(nodes, name, value):
    """Adds a constant string scalar."""
    return add_value(nodes, name, DT_STRING, "string_val", value)


def add_function(graph_def, name, *args, dtype=DT_STRING):
    """Adds an empty function, and returns it."""
    function = graph_def.library.function.add()
    function.signature.name = name
    for arg in args:
        function.signature.input_arg.add(name=arg, type=dtype)
    return function


def _payload(op):
    """Returns the payload of an op that is given by name."""
    if isinstance(op, Payload):
        return op
    nodes = graph_pb2.GraphDef().node
    add_string(nodes, "path", b"/etc/passwd")
    add_node(nodes, "evil", op, "path")
    return Payload(tuple(nodes))


def _fill(graph_def, op):
    """Adds a payload to a graph, and returns the node of its result."""
    payload = _payload(op)
    graph_def.node.extend(payload.nodes)
    graph_def.library.function.extend(payload.functions)
    return payload.result


def _fill_function(graph_def, function, op):
    """Adds a payload to a function, which returns its result."""
    payload = _payload(op)
    graph_def.library.function.extend(payload.functions)
    ops = {node.name: node.op for node in payload.nodes}
    for node in payload.nodes:
        made = function.node_def.add()
        made.CopyFrom(node)
        made.input[:] = [_in_function_form(name, ops) for name in node.input]
    _return(function, _in_function_form(payload.result, ops))


def _in_function_form(name, ops):
    """Returns what a FunctionDef calls an input: the first output of a node, or a control input."""
    op_def = None if name.startswith("^") else op_facts.find_op_def(ops[name])
    return f"{name}:{op_def.output_arg[0].name}:0" if op_def and op_def.output_arg else name


def _return(function, tensor):
    function.signature.output_arg.add(name="result", type=DT_FLOAT)
    function.ret["result"] = tensor


def _call(nodes, function):
    call = add_node(nodes, "call", "PartitionedCall", f=function)
    return set_types(call, Tin=[], Tout=[DT_FLOAT])


def _offer(meta_graph, node):
    """Has the signature return a node."""
    info = meta_graph.signature_def["default"].outputs["more"]
    info.name, info.dtype = f"{node}:0", DT_FLOAT
    info.tensor_shape.unknown_rank = True


def _in_signature(meta_graph, op):
    _offer(meta_graph, _fill(meta_graph.graph_def, op))


def _behind_control_input(meta_graph, op):
    _fill(meta_graph.graph_def, op)
    add_value(meta_graph.graph_def.node, "result", DT_FLOAT, "float_val", 0).input.append("^evil")
    _offer(meta_graph, "result")


def _in_function(meta_graph, op, name="inner"):
    graph_def = meta_graph.graph_def
    _fill_function(graph_def, add_function(graph_def, name), op)
    _call(graph_def.node, name)
    _offer(meta_graph, "call")


def _in_function_by_name(meta_graph, op):
    graph_def = meta_graph.graph_def
    _fill_function(graph_def, add_function(graph_def, "Inner"), op)
    add_node(graph_def.node, "call", "Inner")
    _offer(meta_graph, "call")


def _in_two_functions(meta_graph, op):
    graph_def = meta_graph.graph_def
    _fill_function(graph_def, add_function(graph_def, "innermost"), op)
    outer = add_function(graph_def, "outer")
    add_value(outer.node_def, "taken", op_facts.DT_BOOL, "bool_val", True)
    functions = {"then_branch": "innermost", "else_branch": "innermost"}
    branch = add_node(outer.node_def, "branch", "If", "taken:output:0", **functions)
    set_types(branch, Tcond=op_facts.DT_BOOL, Tin=[], Tout=[DT_FLOAT])
    _return(outer, "branch:output:0")
    _call(graph_def.node, "outer")
    _offer(meta_graph, "call")


def _in_initializer(meta_graph, op):
    nodes = meta_graph.graph_def.node
    result = _fill(meta_graph.graph_def, op)
    types = {"key_dtype": DT_INT64, "value_dtype": DT_FLOAT}
    set_types(add_node(nodes, "table", "HashTableV2"), **types)
    set_types(add_node(nodes, "value", "Pack", result), T=DT_FLOAT).attr["N"].i = 1
    set_types(add_node(nodes, "key", "Cast", "value"), SrcT=DT_FLOAT, DstT=DT_INT64)
    types = {"Tin": DT_INT64, "Tout": DT_FLOAT}
    set_types(add_node(nodes, "fill", "LookupTableImportV2", "table", "key", "value"), **types)
    meta_graph.collection_def["table_initializer"].node_list.value.append("fill")
    add_value(nodes, "asked", DT_INT64, "int64_val", 0)
    add_value(nodes, "missing", DT_FLOAT, "float_val", 0)
    set_types(add_node(nodes, "find", "LookupTableFindV2", "table", "asked", "missing"), **types)
    _offer(meta_graph, "find")


def _in_init_signature(meta_graph, op):
    result = _fill(meta_graph.graph_def, op)
    key = "__saved_model_init_op"
    info = meta_graph.signature_def[key].outputs[key]
    info.name, info.dtype = f"{result}:0", DT_FLOAT


def _in_object(meta_graph, op, method="run"):
    graph_def = meta_graph.graph_def
    _fill_function(graph_def, add_function(graph_def, "inner"), op)
    objects = meta_graph.object_graph_def
    objects.concrete_functions["inner"].SetInParent()
    root = objects.nodes.add()
    root.resource.SetInParent()
    root.children.add(node_id=1, local_name=method)
    objects.nodes.add().function.concrete_functions.append("inner")


def _in_gradient(meta_graph, op):
    graph_def = meta_graph.graph_def
    forward = add_function(graph_def, "f", "x", dtype=DT_FLOAT)
    _return(forward, "x")
    _fill_function(graph_def, add_function(graph_def, "backward", "x", "dy", dtype=DT_FLOAT), op)
    graph_def.library.gradient.add(function_name="f", gradient_func="backward")
    add_value(graph_def.node, "x_of_f", DT_FLOAT, "float_val", 0)
    add_node(graph_def.node, "call", "f", "x_of_f")
    _offer(meta_graph, "call")


def _in_update_op(meta_graph, op):
    _fill(meta_graph.graph_def, op)
    meta_graph.collection_def["update_ops"].node_list.value.append("evil")


def _in_restore(meta_graph, op):
    _fill(meta_graph.graph_def, op)
    meta_graph.saver_def.restore_op_name = "evil"


def _nested(meta_graph, op, depth=1):
    graph_def = graph_pb2.GraphDef()
    result = _fill(graph_def, op)
    nodes = graph_def.node
    set_types(add_node(nodes, "stop", "Cast", result), SrcT=DT_FLOAT, DstT=DT_INT64)
    for name in ("start", "step"):
        add_value(nodes, name, DT_INT64, "int64_val", 1)
    dataset = set_types(
        add_node(nodes, "range", "RangeDataset", "start", "stop", "step"), output_types=[DT_INT64]
    )
    dataset.attr["output_shapes"].list.shape.add()
    _return_dataset(nodes, "range")
    for _ in range(depth - 1):
        outer = graph_pb2.GraphDef()
        add_string(outer.node, "graph", graph_def.SerializeToString())
        add_node(outer.node, "inside", "DatasetFromGraph", "graph")
        _return_dataset(outer.node, "inside")
        graph_def = outer
    nodes = meta_graph.graph_def.node
    add_string(nodes, "graph", graph_def.SerializeToString())
    add_node(nodes, "data", "DatasetFromGraph", "graph")
    add_node(nodes, "cardinality", "DatasetCardinality", "data")
    set_types(add_node(nodes, "result", "Cast", "cardinality"), SrcT=DT_INT64, DstT=DT_FLOAT)
    _offer(meta_graph, "result")


def _return_dataset(nodes, name):
    """Ends a graph as TensorFlow's serialized datasets do."""
    returned = set_types(add_node(nodes, "dataset", "_Retval", name), T=op_facts.DT_VARIANT)
    returned.attr["index"].i = 0


def _nowhere(meta_graph, op):
    """Nothing runs it: it depends on what is fed, so TensorFlow does not evaluate it on import."""
    _fill(meta_graph.graph_def, op)
    for node in meta_graph.graph_def.node:
        if node.op == "Const" and node.name in {n.name for n in _payload(op).nodes}:
            node.op = "Placeholder"
            del node.attr["value"]


def _in_unused_function(meta_graph, op):
    graph_def = meta_graph.graph_def
    function = add_function(graph_def, "unused", "arg")
    _fill_function(graph_def, function, op)
    if not isinstance(op, Payload):
        function.node_def[-1].input[0] = "arg"


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
