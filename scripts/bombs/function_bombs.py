"""Modules whose functions multiply: each runs the next one twice, so `levels` make 2^levels."""

from __future__ import annotations

from typing import Any

from tensorflow.core.framework import types_pb2

KINDS = (
    "call", "PartitionedCall", "StatefulPartitionedCall", "If", "StatelessIf", "Case",
    "StatelessCase", "While", "StatelessWhile",
)  # fmt: skip
_ONE_NODE_HAS_BOTH = ("If", "StatelessIf", "Case", "StatelessCase")
_FLOAT, _BOOL, _INT32 = types_pb2.DT_FLOAT, types_pb2.DT_BOOL, types_pb2.DT_INT32


def add_bomb(meta_graph: Any, kind: str, levels: int) -> None:
    """Adds functions, and lets the signature `default` return what the outermost makes.

    Args:
      meta_graph: A MetaGraphDef whose signature `default` has the float output `default`.
      kind: One of `KINDS`: what runs the next function.
      levels: The number of functions.
    """
    library = meta_graph.graph_def.library
    if "While" in kind:
        never = _add_function(library, "never", _BOOL)
        _add_constant(never.node_def, "no", _BOOL)
        never.ret["out"] = "no:output:0"
    leaf = _add_function(library, "f0", _FLOAT)
    leaf.node_def.add(name="neg", op="Neg", input=["x"]).attr["T"].type = _FLOAT
    leaf.ret["out"] = "neg:y:0"
    for level in range(1, levels + 1):
        function, ref = _add_function(library, f"f{level}", _FLOAT), "x"
        for number in range(1 if kind in _ONE_NODE_HAS_BOTH else 2):
            node = _add_call(function.node_def, f"c{number}", kind, f"f{level - 1}")
            _feed(node, function.node_def, ref, ":output:0")
            ref = f"{node.name}:{'out' if kind == 'call' else 'output'}:0"
        function.ret["out"] = ref
    output = meta_graph.signature_def["default"].outputs["default"]
    node = _add_call(meta_graph.graph_def.node, "bomb", kind, f"f{levels}")
    _feed(node, meta_graph.graph_def.node, output.name, "")
    output.name = "bomb:0"


def _add_function(library: Any, name: str, dtype: int) -> Any:
    function = library.function.add()
    function.signature.name = name
    function.signature.input_arg.add(name="x", type=_FLOAT)
    function.signature.output_arg.add(name="out", type=dtype)
    return function


def _add_constant(nodes: Any, name: str, dtype: int) -> None:
    node = nodes.add(name=name, op="Const")
    node.attr["dtype"].type = dtype
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    tensor.tensor_shape.SetInParent()
    (tensor.bool_val if dtype == _BOOL else tensor.int_val).append(0)


def _add_call(nodes: Any, name: str, kind: str, callee: str) -> Any:
    node = nodes.add(name=name, op=callee if kind == "call" else kind)
    attrs = node.attr
    if kind == "call":
        return node
    for key in ("T",) if "While" in kind else ("Tin", "Tout"):
        attrs[key].list.type.append(_FLOAT)
    if "If" in kind:
        attrs["Tcond"].type = _BOOL
        attrs["then_branch"].func.name = attrs["else_branch"].func.name = callee
    elif "Case" in kind:
        for _ in range(2):
            attrs["branches"].list.func.add(name=callee)
    elif "While" in kind:
        attrs["cond"].func.name, attrs["body"].func.name = "never", callee
    else:
        attrs["f"].func.name = callee
    return node


def _feed(node: Any, nodes: Any, ref: str, port: str) -> None:
    """Gives a call its inputs; a branch first takes what chooses."""
    if node.op in _ONE_NODE_HAS_BOTH:
        _add_constant(nodes, f"{node.name}_p", _BOOL if "If" in node.op else _INT32)
        node.input.append(f"{node.name}_p{port}")
    node.input.append(ref)
