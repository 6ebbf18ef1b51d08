"""Attributes of nodes: TensorFlow's `AttrValue` messages, built and read.

Source: attr_value.proto and tensor_shape.proto of tensorflow/core/framework.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tensorflow.core.framework import attr_value_pb2, tensor_pb2, tensor_shape_pb2

from converter import errors
from converter.ir import op_facts
from converter.ir.graph import AttrValue, Node

Shape = tuple[int | None, ...] | None  # None for an unknown size, or for an unknown rank.

# What the exporter's TensorFlow inferred. It no longer fits where a pass changed an op.
INFERRED_SHAPES = "_output_shapes"


# Building.


def type_attr(dtype: int) -> AttrValue:
    """An attribute that holds a `DataType`."""
    return attr_value_pb2.AttrValue(type=dtype)


def string_attr(text: str | bytes) -> AttrValue:
    """An attribute that holds a string."""
    return attr_value_pb2.AttrValue(s=text.encode() if isinstance(text, str) else text)


def int_attr(number: int) -> AttrValue:
    """An attribute that holds a number."""
    return attr_value_pb2.AttrValue(i=number)


def bool_attr(value: bool) -> AttrValue:
    """An attribute that holds true or false."""
    return attr_value_pb2.AttrValue(b=value)


def shapes_attr(shapes: Sequence[Any]) -> AttrValue:
    """An attribute that holds a list of `TensorShapeProto` messages."""
    return attr_value_pb2.AttrValue(list=attr_value_pb2.AttrValue.ListValue(shape=shapes))


def scalar_shapes_attr(count: int) -> AttrValue:
    """An attribute that holds the shape of a scalar `count` times."""
    return shapes_attr([tensor_shape_pb2.TensorShapeProto()] * count)


def shape_attr(shape: Any) -> AttrValue:
    """An attribute that holds a `TensorShapeProto`."""
    return attr_value_pb2.AttrValue(shape=shape)


def tensor_attr(tensor: Any) -> AttrValue:
    """An attribute that holds a `TensorProto`."""
    return attr_value_pb2.AttrValue(tensor=tensor)


def int_scalar_attr(number: int) -> AttrValue:
    """An attribute that holds an int32 scalar tensor, the value of a Const."""
    tensor = tensor_pb2.TensorProto(dtype=op_facts.DT_INT32, int_val=[number])
    tensor.tensor_shape.SetInParent()
    return attr_value_pb2.AttrValue(tensor=tensor)


def int_vector_attr(numbers: Sequence[int], dtype: int = op_facts.DT_INT32) -> AttrValue:
    """An attribute that holds an int32 or int64 vector, the value of a Const."""
    tensor = tensor_pb2.TensorProto(dtype=dtype)
    tensor.tensor_shape.dim.add(size=len(numbers))
    (tensor.int64_val if dtype == op_facts.DT_INT64 else tensor.int_val).extend(numbers)
    return attr_value_pb2.AttrValue(tensor=tensor)


# Reading.


def get_dtype(node: Node, name: str) -> int:
    """The `DataType` in a type attribute, without TensorFlow's mark for refs.

    Raises:
      FormatError: if the node has no such attribute.
    """
    return int(_get(node, name).type) % op_facts.REF_OFFSET


def get_dtypes(node: Node, name: str) -> tuple[int, ...]:
    """The `DataType` numbers in an attribute that lists types, without the mark for refs.

    Raises:
      FormatError: if the node has no such attribute.
    """
    return tuple(int(dtype) % op_facts.REF_OFFSET for dtype in _get(node, name).list.type)


def _get(node: Node, attr: str) -> AttrValue:
    if attr not in node.attrs:
        raise errors.FormatError(f"op {node.op!r} lacks attribute {attr!r}", node=node.name)
    return node.attrs[attr]


def get_key(node: Node) -> str:
    """The variable, table, asset or function that a pseudo-op names."""
    return str(node.attrs["key"].s.decode())


def find_bool(node: Node, name: str, default: bool = False) -> bool:
    """The value of a bool attribute, or `default` if the node has no such attribute."""
    return bool(node.attrs[name].b) if name in node.attrs else default


def find_int(node: Node, name: str, default: int = 0) -> int:
    """The value of an int attribute, or `default` if the node has no such attribute."""
    return int(node.attrs[name].i) if name in node.attrs else default


def find_string(node: Node, name: str) -> str | None:
    """The value of a string attribute, with bytes replaced that are not UTF-8; None without it."""
    return str(node.attrs[name].s.decode(errors="replace")) if name in node.attrs else None


def find_shape(node: Node, name: str) -> Shape:
    """The static shape in an attribute; None if the node has no such attribute."""
    return read_shape(node.attrs[name].shape) if name in node.attrs else None


def read_shape(proto: Any) -> Shape:
    """Reads a `TensorShapeProto`: None for an unknown size, or for an unknown rank."""
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else int(dim.size) for dim in proto.dim)


def functions_in(value: AttrValue) -> Sequence[Any]:
    """The `NameAttrList` messages in an attribute that holds a function or lists some."""
    return [value.func] if value.HasField("func") else value.list.func


# Choosing.


def without(attrs: Mapping[str, AttrValue], *names: str) -> dict[str, AttrValue]:
    """All attributes but those called `names`."""
    return {name: value for name, value in attrs.items() if name not in names}


def only(attrs: Mapping[str, AttrValue], names: Collection[str]) -> dict[str, AttrValue]:
    """The attributes that are called one of `names`."""
    return {name: value for name, value in attrs.items() if name in names}
