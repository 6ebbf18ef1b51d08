"""Translates GraphDef and FunctionDef to nodes, and nodes to GraphDef.

Sources: graph.proto, node_def.proto, function.proto of tensorflow/core/framework.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tensorflow.core.framework import attr_value_pb2, graph_pb2

from converter import errors
from converter.ir import op_facts, op_packages
from converter.ir.attributes import INFERRED_SHAPES, functions_in
from converter.ir.graph import (
    ARG_OP,
    PSEUDO_OPS,
    AttrValue,
    FunctionDef,
    Graph,
    Node,
    TensorRef,
)


def nodes_from_graph_def(graph_def: graph_pb2.GraphDef) -> dict[str, Node]:
    """Reads the nodes of a GraphDef, in its order.

    Raises:
      FormatError: if two nodes have one name, or an input is not a tensor name.
      UnsafeModuleError: if an op has the name of a pseudo-op.
    """
    nodes: dict[str, Node] = {}
    for node_def in graph_def.node:
        if node_def.name in nodes:
            raise errors.FormatError("two nodes have the same name", node=node_def.name)
        check_no_pseudo_op(node_def)
        nodes[node_def.name] = _read_node(node_def, TensorRef.parse)
    return nodes


def check_no_pseudo_op(node_def: Any) -> None:
    """Checks that a node of a file does not pass for one that a pass made, which is trusted.

    Raises:
      UnsafeModuleError: if it does.
    """
    if node_def.op in PSEUDO_OPS:
        raise errors.UnsafeModuleError(
            f"op {node_def.op!r} has a name that the converter uses for its own purposes",
            node=node_def.name,
        )


def _read_node(node_def: Any, parse_input: Any) -> Node:
    try:
        inputs = tuple(parse_input(name) for name in node_def.input if not name.startswith("^"))
    except ValueError as error:
        raise errors.FormatError(f"an input is damaged: {error}", node=node_def.name) from error
    return Node(
        name=node_def.name,
        op=node_def.op,
        inputs=inputs,
        control_inputs=tuple(name[1:] for name in node_def.input if name.startswith("^")),
        attrs=dict(node_def.attr),
        device=node_def.device,
    )


def graph_from_function_def(
    function_def: FunctionDef,
    library: Mapping[str, FunctionDef],
    attrs: Mapping[str, AttrValue],
) -> Graph:
    """Reads the body of a library function.

    Args:
      function_def: The function.
      library: All functions; a body may call others, whose outputs it names.
      attrs: The attributes of the call, which stand in for `placeholder` attributes.

    Returns:
      The body. Its targets are the ops that TensorFlow runs whether or not a result needs
      them: the control outputs, and every stateful op.

    Raises:
      FormatError: if the body refers to something that it does not contain.
      UnsupportedOpError: if an op of the body is not registered.
    """
    reader = _FunctionReader(function_def, library, attrs)
    return reader.read()


class _FunctionReader:
    """Translates a FunctionDef's input names, which count outputs per argument of the op."""

    def __init__(
        self,
        function_def: FunctionDef,
        library: Mapping[str, FunctionDef],
        attrs: Mapping[str, AttrValue],
    ) -> None:
        self._def = function_def
        self._library = library
        self._attrs = attrs
        self._node_defs = {node_def.name: node_def for node_def in function_def.node_def}
        self._arg_names: dict[str, list[str]] = {}

    def read(self) -> Graph:
        nodes: dict[str, Node] = {}
        for arg in self._def.signature.input_arg:
            for node in self._arg_nodes(arg):
                nodes[node.name] = node
        args = tuple(nodes)
        for node_def in self._def.node_def:
            if node_def.name in nodes:
                raise errors.FormatError("two nodes have the same name", node=node_def.name)
            node = _read_node(node_def, self._parse_input)
            attrs = {key: self._bind_attr(value) for key, value in node.attrs.items()}
            nodes[node.name] = Node(node.name, node.op, node.inputs, node.control_inputs, attrs)
        try:
            results = tuple(self._results())
        except ValueError as error:
            raise errors.FormatError(
                f"function {self._def.signature.name!r} is damaged: {error}"
            ) from error
        targets = [*self._def.control_ret.values()]
        targets += [name for name, node in nodes.items() if self._is_stateful(node.op)]
        return Graph(nodes, args, results, tuple(dict.fromkeys(targets)))

    def _results(self) -> Iterator[TensorRef]:
        for arg in self._def.signature.output_arg:
            for offset in range(op_facts.arg_length(arg, self._def.signature, self._attrs)):
                yield self._parse_input(self._def.ret.get(arg.name, ""), offset)

    def _arg_nodes(self, arg: Any) -> list[Node]:
        length = op_facts.arg_length(arg, self._def.signature, self._attrs)
        names = [arg.name] if length == 1 else [f"{arg.name}.{i}" for i in range(length)]
        self._arg_names[arg.name] = names
        return [Node(name, ARG_OP) for name in names]

    def _bind_attr(self, value: AttrValue) -> AttrValue:
        if functions_in(value):
            return self._bind_functions(value)
        if value.WhichOneof("value") != "placeholder":
            return value
        if value.placeholder not in self._attrs:
            raise errors.FormatError(
                f"function {self._def.signature.name!r} needs attribute {value.placeholder!r},"
                " which its caller does not set"
            )
        return self._attrs[value.placeholder]

    def _bind_functions(self, value: AttrValue) -> AttrValue:
        """Binds the attributes that the body passes to other functions."""
        bound = attr_value_pb2.AttrValue()
        bound.CopyFrom(value)
        for function in functions_in(bound):
            for inner in function.attr.values():
                inner.CopyFrom(self._bind_attr(inner))
        return bound

    def _is_stateful(self, op: str) -> bool:
        if op in self._library:
            return bool(self._library[op].signature.is_stateful)
        return op_facts.has_effect(op)

    def _parse_input(self, name: str, extra: int = 0) -> TensorRef:
        """Translates `arg`, `arg:1` or `node:output_arg:1` to a flat output number."""
        ref = TensorRef.parse(name)
        index = ref.index + extra
        node, colon, output_arg = ref.node.partition(":")
        if not colon and index < len(self._arg_names.get(node, ())):
            return TensorRef(self._arg_names[node][index])
        if not colon or node not in self._node_defs:
            raise ValueError(f"{name!r} is not a tensor of function {self._def.signature.name!r}")
        return TensorRef(node, self._output_offset(self._node_defs[node], output_arg) + index)

    def _output_offset(self, node_def: Any, output_arg: str) -> int:
        op_def = (
            self._library[node_def.op].signature
            if node_def.op in self._library
            else op_facts.find_op_def(node_def.op)
        )
        if op_def is None:
            raise op_packages.unregistered_op_error(node_def.op, node_def.name)
        offset = 0
        for arg in op_def.output_arg:
            if arg.name == output_arg:
                return offset
            offset += op_facts.arg_length(arg, op_def, node_def.attr)
        raise ValueError(f"op {node_def.op!r} has no output {output_arg!r}")


def graph_def_from_nodes(nodes: Iterable[Node], producer: int) -> graph_pb2.GraphDef:
    """Writes nodes as a GraphDef that `tf.import_graph_def` takes."""
    graph_def = graph_pb2.GraphDef()
    graph_def.versions.producer = producer
    for node in nodes:
        node_def = graph_def.node.add(name=node.name, op=node.op)
        node_def.input.extend(str(ref) for ref in node.inputs)
        node_def.input.extend(f"^{name}" for name in node.control_inputs)
        for key, value in node.attrs.items():
            if key != INFERRED_SHAPES:
                node_def.attr[key].CopyFrom(value)
    return graph_def
