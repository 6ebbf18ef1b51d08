"""Graphs as text, for tests, docstrings and dumps.

    x = _Arg[T=float]()
    w = VarHandleOp[dtype=float, shape=[2,3]]()
    w/read = ReadVariableOp[dtype=float](w, ^init)
    y = MatMul[T=float, transpose_a=false](x, w/read)
    return y
    target update

One node a line: name, op, attributes, inputs (`^` before control inputs, `:1` for another
output than the first). `return` lists results and `target` the ops that run for their effect.
Arguments are the `_Arg` nodes, in order. Attributes are types (`float`), numbers, `true` and
`false`, quoted strings, shapes (`[2,?]`, `[...]` for an unknown rank); what has no short form
stands as protobuf text in braces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from google.protobuf import text_format
from tensorflow.core.framework import attr_value_pb2, types_pb2

from converter.ir.attributes import read_shape
from converter.ir.graph import ARG_OP, AttrValue, Graph, Node, TensorRef

_NODE = re.compile(r"(?P<name>\S+) = (?P<op>[\w>]+)(?:\[(?P<attrs>.*)\])?\((?P<inputs>[^()]*)\)$")
# Protobuf text in braces holds quoted strings, in which anything may stand.
_ATTR = re.compile(
    r"\s*(?P<key>\w+)="
    r"(?P<value>\{(?:\"(?:\\.|[^\"\\])*\"|[^\"])*?\}|\"[^\"]*\"|\[[^\]]*\]|[^,\s]+)"
    r"\s*(?:,|$)"
)
_FLOAT = re.compile(r"-?[\d.]+(e[+-]?\d+)?|-?inf|nan")


def format_graph(graph: Graph) -> str:
    """Prints `graph` so that `parse_graph` reads it back."""
    lines = [format_node(node) for node in graph.nodes.values()]
    if graph.results:
        lines.append("return " + ", ".join(format_ref(ref) for ref in graph.results))
    if graph.targets:
        lines.append("target " + ", ".join(graph.targets))
    return "\n".join(lines) + "\n"


def format_node(node: Node) -> str:
    """Prints a node: `name = Op[attr=value](input, ^control)`."""
    attrs = ", ".join(f"{key}={_format_attr(node.attrs[key])}" for key in sorted(node.attrs))
    inputs = [format_ref(ref) for ref in node.inputs] + [f"^{name}" for name in node.control_inputs]
    return f"{node.name} = {node.op}{f'[{attrs}]' if attrs else ''}({', '.join(inputs)})"


def format_ref(ref: TensorRef) -> str:
    """Prints a tensor: `node`, or `node:1` for another output than the first."""
    return str(ref) if ref.index else ref.node


def _format_attr(value: AttrValue) -> str:
    kind = value.WhichOneof("value")
    if kind == "type" and value.type in types_pb2.DataType.values():
        return str(types_pb2.DataType.Name(value.type))[3:].lower()
    if kind == "b":
        return "true" if value.b else "false"
    if kind in ("i", "f"):
        return repr(getattr(value, kind))
    if kind == "s" and re.fullmatch(rb"[ -~]*", value.s) and b'"' not in value.s:
        return f'"{value.s.decode()}"'
    if kind == "shape" and not any(dim.name for dim in value.shape.dim):
        return format_shape(read_shape(value.shape))
    text = text_format.MessageToString(value, as_one_line=True)
    return "{" + text + "}"


def format_shape(shape: tuple[int | None, ...] | None) -> str:
    """Prints a static shape: `[2,?]`, or `[...]` when the rank is unknown."""
    if shape is None:
        return "[...]"
    return "[" + ",".join("?" if size is None else str(size) for size in shape) + "]"


def parse_graph(text: str) -> Graph:
    """Reads what `format_graph` prints. Indentation, blank lines and `#` comments are ignored.

    Raises:
      ValueError: if a line is neither a node, nor `return`, nor `target`, or an attribute has
        none of the forms above.
    """
    nodes: dict[str, Node] = {}
    results: tuple[TensorRef, ...] = ()
    targets: tuple[str, ...] = ()
    for line in (raw.strip() for raw in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("return "):
            results = tuple(TensorRef.parse(name) for name in _split(line[len("return ") :]))
        elif line.startswith("target "):
            targets = tuple(_split(line[len("target ") :]))
        else:
            node = _parse_node(line)
            nodes[node.name] = node
    args = tuple(node.name for node in nodes.values() if node.op == ARG_OP)
    return Graph(nodes=nodes, args=args, results=results, targets=targets)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _parse_node(line: str) -> Node:
    match = _NODE.match(line)
    if match is None:
        raise ValueError(f"expected 'name = Op[attr=value](input, ^control)', found {line!r}")
    inputs = _split(match["inputs"])
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
        attrs[match["key"]] = _parse_attr(match["value"])
        position = match.end()
    return attrs


def _parse_attr(text: str) -> AttrValue:
    value = attr_value_pb2.AttrValue()
    if text.startswith("{"):
        text_format.Parse(text[1:-1], value)
    elif text.startswith('"'):
        value.s = text[1:-1].encode()
    elif text.startswith("["):
        _parse_shape(text[1:-1], value.shape)
    elif text in ("true", "false"):
        value.b = text == "true"
    elif re.fullmatch(r"-?\d+", text):
        value.i = int(text)
    elif _FLOAT.fullmatch(text):
        value.f = float(text)
    else:
        value.type = types_pb2.DataType.Value(f"DT_{text.upper()}")
    return value


def _parse_shape(text: str, proto: object) -> None:
    proto.SetInParent()  # type: ignore[attr-defined]
    if text == "...":
        proto.unknown_rank = True  # type: ignore[attr-defined]
        return
    for size in _split(text):
        proto.dim.add(size=-1 if size == "?" else int(size))  # type: ignore[attr-defined]


def dtype_name(dtype: int) -> str:
    """The name of a `DataType` number as TensorFlow's Python API spells it: `float32`."""
    names = {1: "float32", 2: "float64", 18: "complex128", 8: "complex64", 19: "float16"}
    return names.get(dtype) or str(types_pb2.DataType.Name(dtype))[3:].lower()
