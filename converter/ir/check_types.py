"""Checks nodes as TensorFlow does when it imports a graph, before anything is imported.

It compares them with the registered OpDefs (source: ValidateNodeDef in node_def_util.cc,
ValidateAttrValue in attr_value_util.cc, CheckOpDeprecation in op_def_util.cc).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from tensorflow.core.framework import types_pb2

from converter import errors
from converter.ir import attributes, op_facts
from converter.ir.attributes import INFERRED_SHAPES, Shape
from converter.ir.graph import (
    ARG_OP,
    ASSET_OP,
    BOUND_OPS,
    CUSTOM_GRADIENT_OP,
    TABLE_OP,
    VARIABLE_OP,
    VARIABLE_VALUE_OP,
    AttrValue,
    Graph,
    Node,
    Program,
    TensorRef,
)
from converter.ir.shape_text import format_shape
from converter.ir.text import dtype_name

# The field of an AttrValue for each type of attribute that an OpDef declares.
_FIELDS: Mapping[str, str] = {
    "bool": "b", "float": "f", "func": "func", "int": "i", "shape": "shape", "string": "s",
    "tensor": "tensor", "type": "type",
}  # fmt: skip
_KNOWN_DTYPES = frozenset(types_pb2.DataType.values())
_HANDLES = frozenset({VARIABLE_OP, TABLE_OP})


def check_types(graph: Graph, program: Program) -> None:
    """Checks the attributes of all nodes, and the dtypes of all edges.

    Args:
      graph: A graph that `check_graph` accepts.
      program: The graph variant, for its variables.

    Raises:
      FormatError: if the op of a node has no such attribute, an attribute has the wrong type or
        a value that the op does not accept, or an input has the wrong dtype.
      UnsupportedOpError: if TensorFlow has removed an op for graphs of that version.
    """
    for node in graph.nodes.values():
        if _is_registered(node):
            _check_attrs(node)
            _check_constant(node)
            _check_available(node, graph.producer)
    variables = {spec.name: spec.dtype for spec in program.variables.values()}
    for node in graph.nodes.values():
        if _is_registered(node):
            _check_inputs(node, graph, variables)


def check_results(graph: Graph, dtypes: Sequence[int], functions: Mapping[str, Any]) -> None:
    """Checks that the results of a graph have the dtypes that a signature promises.

    Args:
      graph: A graph that `check_graph` accepts.
      dtypes: A `DataType` for each result.
      functions: The library of its program.

    Raises:
      FormatError: if a result has another one.
    """
    for ref, wanted in zip(graph.results, dtypes, strict=True):
        node = graph.nodes[ref.node]
        found = (
            op_facts.output_dtype(node, ref.index, functions[node.op].signature)
            if node.op in functions
            else _find_dtype(ref, graph, {})
        )
        if found is not None and found != wanted:
            raise errors.FormatError(
                f"an output of a signature has dtype {dtype_name(found)}, but the signature says"
                f" {dtype_name(wanted)}",
                node=ref.node,
            )


def check_result_shapes(graph: Graph, shapes: Sequence[Shape]) -> None:
    """Checks the shapes that a signature promises against those that the exporter wrote to nodes.

    TensorFlow 2 takes the promise for the truth where it infers less, and gradients fail then.

    Args:
      graph: A graph that `check_graph` accepts.
      shapes: The promised shape of each result.

    Raises:
      FormatError: if a result has another one.
    """
    for ref, promised in zip(graph.results, shapes, strict=True):
        node = graph.nodes[ref.node]
        written = node.attrs[INFERRED_SHAPES].list.shape if INFERRED_SHAPES in node.attrs else ()
        found = attributes.read_shape(written[ref.index]) if ref.index < len(written) else None
        if not _are_compatible(found, promised):
            raise errors.FormatError(
                f"an output of a signature has shape {format_shape(found)}, but the signature says"
                f" {format_shape(promised)}",
                node=ref.node,
            )


def _are_compatible(one: Shape, other: Shape) -> bool:
    if one is None or other is None:
        return True
    sizes = zip(one, other, strict=False)
    return len(one) == len(other) and all(a is None or b is None or a == b for a, b in sizes)


def _is_registered(node: Node) -> bool:
    """Whether TensorFlow knows the op: it is neither a pseudo-op nor a library function."""
    is_ours = node.op in BOUND_OPS or node.op == CUSTOM_GRADIENT_OP
    return not is_ours and op_facts.find_op_def(node.op) is not None


@functools.cache
def _attr_defs(op: str) -> Mapping[str, Any]:
    return {attr.name: attr for attr in op_facts.find_op_def(op).attr}  # type: ignore[union-attr]


def _check_attrs(node: Node) -> None:
    known = _attr_defs(node.op)
    for name, value in node.attrs.items():
        if name.startswith("_"):
            continue  # TensorFlow's own annotations, which no OpDef lists.
        if name not in known:
            raise errors.FormatError(f"op {node.op!r} has no attribute {name!r}", node=node.name)
        problem = _find_problem(known[name], value)
        if problem:
            raise errors.FormatError(
                f"attribute {name!r} of op {node.op!r} {problem}", node=node.name
            )


def _check_constant(node: Node) -> None:
    """Checks a Const: TensorFlow (2.15 and 2.21) aborts the process where its dtypes differ."""
    if node.op != "Const":
        return
    held, said = node.attrs["value"].tensor.dtype, node.attrs["dtype"].type
    if held != said:
        raise errors.FormatError(
            f"a Const of dtype {dtype_name(said)} holds a value of dtype {dtype_name(held)}",
            node=node.name,
        )


def _find_problem(attr: Any, value: AttrValue) -> str | None:
    """Describes what is wrong with the value of an attribute; None if nothing is."""
    kind, is_list = attr.type, attr.type.startswith("list(")
    field = _FIELDS.get(kind.removeprefix("list(").removesuffix(")"))
    if field is None:
        return None  # `any`: no registered op has such an attribute.
    found = value.WhichOneof("value")
    if found != ("list" if is_list else field):
        return f"holds {found}, expected {kind}"
    if is_list and any(f.name != field for f, _ in value.list.ListFields()):
        return f"holds values that do not belong in a {kind}"
    values = getattr(value.list, field) if is_list else [getattr(value, field)]
    if attr.has_minimum and (len(values) if is_list else value.i) < attr.minimum:
        return f"is below its minimum of {attr.minimum}"
    if field == "type":
        return _find_wrong_dtype(attr.allowed_values.list.type, values)
    if field == "s" and attr.allowed_values.list.s:
        wrong = [v for v in values if v not in attr.allowed_values.list.s]
        return f"has the value {wrong[0].decode(errors='replace')!r}" if wrong else None
    return None


def _find_wrong_dtype(allowed: Any, dtypes: Any) -> str | None:
    for dtype in dtypes:
        if dtype % op_facts.REF_OFFSET not in _KNOWN_DTYPES or dtype not in _KNOWN_DTYPES:
            return f"has the unknown dtype {dtype}"
        if allowed and dtype not in allowed:
            return f"has the dtype {dtype_name(dtype)}, which the op does not accept"
    return None


def _check_available(node: Node, producer: int) -> None:
    removed = op_facts.find_op_def(node.op).deprecation  # type: ignore[union-attr]
    if removed.version and producer >= removed.version:
        raise errors.UnsupportedOpError(
            f"TensorFlow removed op {node.op!r} from graphs of version {removed.version} on, and"
            f" this graph has version {producer}: {removed.explanation}",
            node=node.name,
        )


def _check_inputs(node: Node, graph: Graph, variables: Mapping[str, int]) -> None:
    op_def = op_facts.find_op_def(node.op)
    assert op_def is not None
    position = 0
    for arg in op_def.input_arg:
        for wanted in op_facts.arg_dtypes(arg, op_def, node.attrs):
            found = _find_dtype(node.inputs[position], graph, variables)
            if found is not None and found != wanted % op_facts.REF_OFFSET:
                raise errors.FormatError(
                    f"input {position} of op {node.op!r} has dtype {dtype_name(found)},"
                    f" expected {dtype_name(wanted % op_facts.REF_OFFSET)}",
                    node=node.name,
                )
            position += 1


def _find_dtype(ref: TensorRef, graph: Graph, variables: Mapping[str, int]) -> int | None:
    """The `DataType` of a tensor, without the mark for refs; None where only a call tells it."""
    node = graph.nodes[ref.node]
    if node.op in _HANDLES:
        return op_facts.DT_RESOURCE
    if node.op == ASSET_OP:
        return op_facts.DT_STRING
    if node.op == VARIABLE_VALUE_OP:
        return variables[attributes.get_key(node)]
    if node.op == ARG_OP:
        dtype = node.attrs["T"].type if "T" in node.attrs else None
    elif _is_registered(node):
        dtype = op_facts.output_dtype(node, ref.index)
    else:
        dtype = None
    return None if dtype is None else dtype % op_facts.REF_OFFSET
