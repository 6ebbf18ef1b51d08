"""Bounds what TensorFlow computes while it imports a graph as a file has it, before all passes."""

from __future__ import annotations

from collections.abc import Mapping

from converter.ir import attributes, op_facts, query
from converter.ir.attributes import Shape
from converter.ir.graph import BOUND_OPS, Node, Nodes
from converter.ir.region import Region
from converter.safety.allowed_ops import NONE, AllowedOps
from converter.safety.bounds import check_bounds

# Ops whose outputs have a static shape, and no value before somebody feeds or reads one.
_SHAPED: Mapping[str, str] = {
    "Placeholder": "shape",
    "PlaceholderV2": "shape",
    "PlaceholderWithDefault": "shape",
    "Variable": "shape",
    "VariableV2": "shape",
}


def check_graph_bounds(nodes: Nodes, producer: int, allowed: AllowedOps = NONE) -> None:
    """Checks that what TensorFlow computes while it imports a graph stays small.

    Args:
      nodes: The nodes of a graph, or of a function, by name.
      producer: The GraphDef version of the TensorFlow that built it.
      allowed: The ops that the user lets through.

    Raises:
      UnsafeModuleError: if it does not.
      FormatError: if the graph is damaged.
    """
    found = {name: _static_shape(node, nodes) for name, node in nodes.items()}
    shapes = {name: shape for name, shape in found.items() if shape is not None}
    items = [
        nodes[name]
        for name in query.topological_order(nodes)
        if name not in shapes and _may_be_evaluated(nodes[name])
    ]
    region = Region(tuple(shapes), tuple(items), ())
    check_bounds(region, list(shapes.values()), {}, producer, allowed)


def _static_shape(node: Node, nodes: Nodes) -> Shape:
    if node.op in _SHAPED:
        return attributes.find_shape(node, _SHAPED[node.op])
    if node.op == "ReadVariableOp" and node.inputs:
        handle = nodes.get(node.inputs[0].node)
        if handle is not None and handle.op == "VarHandleOp":
            return attributes.find_shape(handle, "shape")
    return None


def _may_be_evaluated(node: Node) -> bool:
    """Whether TensorFlow's evaluation of constants goes through a node.

    It goes through no control flow, and calls no functions: it has no library of them (source:
    core/common_runtime/eval_const_tensor.cc).
    """
    if node.op in op_facts.V1_CONTROL_FLOW or node.op in BOUND_OPS:
        return False
    if op_facts.find_op_def(node.op) is None:
        return False
    if len(node.inputs) != op_facts.input_count(node):
        return False  # TensorFlow does not import it.
    return not any(v.HasField("func") or v.list.func for v in node.attrs.values())
