"""Graphs as text, for tests, docstrings, and `tf1hub debug passes`.

    x = _Arg[T=float]()
    two = Const[dtype=float, value=float(2.0)]()
    w = VarHandleOp[dtype=float, shape=[2,3]]()
    w/read = ReadVariableOp[dtype=float](w, ^init)
    y = MatMul[T=float, transpose_a=false](x, w/read)
    z = Mul[T=float](y, two)
    return z
    target update

One node a line: name, op, attributes (see `attr_text.py`), inputs (`^` before control inputs, `:1`
for another output than the first). `return` lists results and `target` the ops that run for their
effect. Arguments are the `_Arg` nodes, in order. Devices are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tensorflow.core.framework import types_pb2

from converter.ir.attr_text import ATTR_VALUE, format_attr, parse_attr
from converter.ir.graph import ARG_OP, AttrValue, Graph, Node, TensorRef

_NODE = re.compile(r"(?P<name>\S+) = (?P<op>[\w>]+)(?:\[(?P<attrs>.*)\])?\((?P<inputs>[^()]*)\)$")
_ATTR = re.compile(rf"\s*(?P<key>\w+)=(?P<value>{ATTR_VALUE})\s*(?:,|$)")


def format_graph(graph: Graph, *, abbreviate: bool = False) -> str:
    """Prints `graph` so that `parse_graph` reads it back, unless large values are abbreviated."""
    lines = [format_node(node, abbreviate=abbreviate) for node in graph.nodes.values()]
    if graph.results:
        lines.append("return " + ", ".join(map(format_ref, graph.results)))
    if graph.targets:
        lines.append("target " + ", ".join(graph.targets))
    return "\n".join(lines) + "\n"


def format_node(node: Node, *, abbreviate: bool = False) -> str:
    """Prints a node: `name = Op[attr=value](input, ^control)`."""
    attrs = ", ".join(
        f"{key}={format_attr(node.attrs[key], abbreviate=abbreviate)}" for key in sorted(node.attrs)
    )
    inputs = [*map(format_ref, node.inputs), *(f"^{name}" for name in node.control_inputs)]
    return f"{node.name} = {node.op}{f'[{attrs}]' if attrs else ''}({', '.join(inputs)})"


def format_ref(ref: TensorRef) -> str:
    """Prints a tensor: `node`, or `node:1` for another output than the first."""
    return str(ref) if ref.index else ref.node


def parse_graph(text: str) -> Graph:
    """Reads what `format_graph` prints. Indentation, blank lines and `#` comments are ignored.

    Raises:
      ValueError: if a line is not a node, `return` or `target`, or an attribute is in no known
        form or abbreviated.
    """
    nodes: dict[str, Node] = {}
    results: tuple[TensorRef, ...] = ()
    targets: tuple[str, ...] = ()
    for line in (raw.strip() for raw in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("return "):
            results = tuple(map(TensorRef.parse, split(line.removeprefix("return "))))
        elif line.startswith("target "):
            targets = tuple(split(line.removeprefix("target ")))
        else:
            node = parse_node(line)
            nodes[node.name] = node
    args = tuple(node.name for node in nodes.values() if node.op == ARG_OP)
    return Graph(nodes=nodes, args=args, results=results, targets=targets)


def split(text: str) -> list[str]:
    """Splits names at commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def parse_node(line: str) -> Node:
    """Reads what `format_node` prints.

    Raises:
      ValueError: if `line` is not a node.
    """
    match = _NODE.match(line)
    if match is None:
        raise ValueError(f"expected 'name = Op[attr=value](input, ^control)', found {line!r}")
    inputs = split(match["inputs"])
    return Node(
        name=match["name"],
        op=match["op"],
        inputs=tuple(TensorRef.parse(name) for name in inputs if not name.startswith("^")),
        control_inputs=tuple(name[1:] for name in inputs if name.startswith("^")),
        attrs=_parse_attrs(match["attrs"] or ""),
    )


def _parse_attrs(text: str) -> Mapping[str, AttrValue]:
    attrs: dict[str, AttrValue] = {}
    position = 0
    while position < len(text):
        match = _ATTR.match(text, position)
        if match is None:
            raise ValueError(f"expected 'attr=value', found {text[position:]!r}")
        attrs[match["key"]] = parse_attr(match["value"])
        position = match.end()
    return attrs


def dtype_name(dtype: int) -> str:
    """The name of a `DataType` number as TensorFlow's Python API spells it: `float32`.

    A number that is no type, which a damaged file may have, is its own name.
    """
    names = {1: "float32", 2: "float64", 18: "complex128", 8: "complex64", 19: "float16"}
    if dtype not in types_pb2.DataType.values():
        return str(dtype)
    return names.get(dtype) or str(types_pb2.DataType.Name(dtype))[3:].lower()
