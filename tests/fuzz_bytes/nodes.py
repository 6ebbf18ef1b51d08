"""Graphs made of bytes: small constants, and ops whose sizes the converter follows."""

import functools
from typing import Any

from tensorflow.core.framework import attr_value_pb2, tensor_pb2, types_pb2

from converter.ir import attributes, op_facts
from converter.ir.check import check_graph
from converter.ir.check_types import check_types
from converter.ir.graph import Graph, Node, Program, TensorRef
from converter.ir.region import Region
from converter.safety.bounds import check_bounds
from converter.safety.shape_rules import RULES, RULES_OF_SEVERAL

# Some with rules for strings, variants and what shrinks; the last ones have no rule at all.
_OPS = (
    *sorted({*RULES, *RULES_OF_SEVERAL} - {"Const"}), "AsString", "DecodeCompressed",
    "EmptyTensorList", "ReduceJoin", "RegexReplace", "StaticRegexReplace", "StringFormat",
    "StringJoin", "StringNGrams", "TensorListReserve", "UnsortedSegmentJoin", "Where", "UniqueV2",
    "Pad", "OneHot", "LinSpace", "Cumsum", "ScatterNd", "SparseToDense", "EncodeBase64",
    "StringSplitV2",
)  # fmt: skip
_DTYPES = (
    types_pb2.DT_INT32, types_pb2.DT_INT64, types_pb2.DT_FLOAT, types_pb2.DT_BOOL,
    types_pb2.DT_STRING, types_pb2.DT_DOUBLE, types_pb2.DT_UINT8, types_pb2.DT_COMPLEX64,
)  # fmt: skip
_NUMBERS = (0, 1, 2, 3, 4, -1, -2, 7, 1000, 1025, 1 << 20, 1 << 31, -(1 << 31), (1 << 63) - 1)
_FLOATS = (0.0, 1.0, -1.0, 0.5, 3.4e38, float("inf"), float("-inf"), float("nan"), 1e-40)
_FIELDS = {
    types_pb2.DT_INT32: "int_val", types_pb2.DT_INT64: "int64_val", types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_BOOL: "bool_val", types_pb2.DT_STRING: "string_val", types_pb2.DT_UINT8: "int_val",
    types_pb2.DT_DOUBLE: "double_val", types_pb2.DT_COMPLEX64: "scomplex_val",
}  # fmt: skip
_MOST_NODES = 16
_PRODUCER = 134  # TensorFlow 1.15


class Source:
    """Choices made by bytes; the first of all where they have run out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._next = 0

    @property
    def is_empty(self) -> bool:
        """Whether all bytes are used."""
        return self._next >= len(self._data)

    def below(self, count: int) -> int:
        """A number from 0 on, of one byte."""
        value = 0 if self.is_empty else self._data[self._next]
        self._next += 1
        return value % count

    def choose(self, items: Any) -> Any:
        """One of some."""
        return items[self.below(len(items))]


def build(data: bytes) -> Graph:
    """Builds a graph; nearly all of its nodes fit their OpDefs."""
    source, nodes = Source(data), {}
    outputs: list[tuple[TensorRef, int]] = []
    while not source.is_empty and len(nodes) < _MOST_NODES:
        name = f"n{len(nodes)}"
        node = _constant(name, source) if source.below(3) == 0 else _op(name, source, outputs)
        nodes[name] = node
        gives = op_facts.dtypes(node)[1]
        outputs += [(TensorRef(name, i), dtype) for i, dtype in enumerate(gives[:4])]
    return Graph(nodes=nodes, args=(), results=(), producer=_PRODUCER)


def _constant(name: str, source: Source) -> Node:
    dtype = source.choose(_DTYPES)
    tensor = tensor_pb2.TensorProto(dtype=dtype)
    sizes = [
        source.choose(_NUMBERS[:6] if source.below(4) else _NUMBERS) for _ in range(source.below(4))
    ]
    tensor.tensor_shape.SetInParent()
    for size in sizes:
        tensor.tensor_shape.dim.add(size=size)
    getattr(tensor, _FIELDS[dtype]).extend(_value(dtype, source) for _ in range(source.below(5)))
    attrs = {"dtype": attributes.type_attr(dtype), "value": attributes.tensor_attr(tensor)}
    return Node(name, "Const", attrs=attrs)


def _value(dtype: int, source: Source) -> Any:
    if dtype == types_pb2.DT_STRING:
        return b"ab%" * source.below(50)
    if dtype in (types_pb2.DT_FLOAT, types_pb2.DT_DOUBLE, types_pb2.DT_COMPLEX64):
        return source.choose(_FLOATS)
    if dtype == types_pb2.DT_BOOL:
        return bool(source.below(2))
    number = source.choose(_NUMBERS)
    return number if dtype == types_pb2.DT_INT64 else (number + (1 << 31)) % (1 << 32) - (1 << 31)


def _op(name: str, source: Source, outputs: list[tuple[TensorRef, int]]) -> Node:
    op = source.choose(_registered())
    op_def = op_facts.find_op_def(op)
    present = list(dict.fromkeys(dtype for _, dtype in outputs))
    attrs = {
        attr.name: _attribute(attr, source, present)
        for attr in op_def.attr
        if source.below(8) or not attr.HasField("default_value")
    }
    inputs = []
    for dtype in op_facts.dtypes(Node(name, op, attrs=attrs))[0][:8]:
        fitting = [ref for ref, found in outputs if found == dtype]
        inputs.append(source.choose(fitting) if fitting else TensorRef("n0"))
    return Node(name, op, tuple(inputs), attrs=attrs)


@functools.cache
def _registered() -> list[str]:
    return [op for op in _OPS if op_facts.find_op_def(op) is not None]


def _attribute(attr: Any, source: Source, present: list[int]) -> Any:
    """A value of the type that an OpDef declares; a dtype that an input has, if there is one."""
    value = attr_value_pb2.AttrValue()
    if attr.type == "type":
        allowed = list(attr.allowed_values.list.type) or _DTYPES
        value.type = source.choose([dtype for dtype in present if dtype in allowed] or allowed)
    elif attr.type == "int":
        value.i = source.choose((1, 2, 3) if source.below(4) else _NUMBERS)
        is_count = attr.has_minimum and attr.minimum >= 0
        value.i = min(max(value.i, attr.minimum), 8) if is_count else value.i
    elif attr.type == "list(type)":
        value.list.type.extend(
            source.choose(present or _DTYPES) for _ in range(1 + source.below(3))
        )
    elif attr.type == "list(int)":
        value.list.i.extend(source.choose(_NUMBERS) for _ in range(source.below(4)))
    elif attr.type == "string":
        value.s = source.choose(list(attr.allowed_values.list.s) or (b"", b"a", b"%s" * 9))
    elif attr.type == "bool":
        value.b = bool(source.below(2))
    elif attr.type == "float":
        value.f = source.choose(_FLOATS)
    elif attr.type == "shape":
        value.shape.unknown_rank = True
    else:
        value.CopyFrom(attr.default_value)
    return value


def bound(data: bytes) -> None:
    """Checks the sizes of what a graph would compute, once it fits TensorFlow's OpDefs."""
    graph = build(data)
    check_graph(graph)
    check_types(graph, _PROGRAM)
    check_bounds(Region((), tuple(graph.nodes.values()), ()), producer=_PRODUCER)


def seeds() -> list[bytes]:
    """Bytes for each op, after constants of all dtypes, by which inputs it takes of them."""
    constants = b"".join(
        bytes([0, dtype, len(sizes), *(part for size in sizes for part in (1, size)), 2, 1, 2])
        for dtype in range(len(_DTYPES))
        for sizes in ((), (2,), (2, 2))[: 1 + (dtype < 5)]
    )
    ops = range(len(_registered()))
    return [constants + bytes([1, op]) + bytes([at] * 12) for op in ops for at in (1, 3, 4)]


_PROGRAM = Program(frozenset(), {}, {}, {}, {}, {}, {}, {}, (), (), {})
