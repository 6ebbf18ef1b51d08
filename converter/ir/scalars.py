"""Scalars that stand in a graph as constants."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from tensorflow.core.framework import types_pb2

from converter.ir.graph import Node

# For each `DataType`, the field of TensorProto that holds its values and how `struct` reads the
# bytes of one: little-endian, as in `tensor_content` (source: tensor.proto).
_LAYOUTS: Mapping[int, tuple[str, str]] = {
    types_pb2.DT_BFLOAT16: ("half_val", "<H"),
    types_pb2.DT_BOOL: ("bool_val", "<?"),
    types_pb2.DT_DOUBLE: ("double_val", "<d"),
    types_pb2.DT_FLOAT: ("float_val", "<f"),
    types_pb2.DT_HALF: ("half_val", "<e"),
    types_pb2.DT_INT16: ("int_val", "<h"),
    types_pb2.DT_INT32: ("int_val", "<i"),
    types_pb2.DT_INT64: ("int64_val", "<q"),
    types_pb2.DT_INT8: ("int_val", "<b"),
    types_pb2.DT_UINT16: ("int_val", "<H"),
    types_pb2.DT_UINT32: ("uint32_val", "<I"),
    types_pb2.DT_UINT64: ("uint64_val", "<Q"),
    types_pb2.DT_UINT8: ("int_val", "<B"),
}


def read_scalar(node: Node) -> bool | int | float | str | None:
    """Returns the value of a scalar Const as a Python value, or None where it has none.

    Python floats hold every value of half, bfloat16, float and double exactly. Complex and
    quantized numbers have no Python value here, nor have strings that are not UTF-8.
    """
    if node.op != "Const" or "value" not in node.attrs:
        return None
    tensor = node.attrs["value"].tensor
    if tensor.tensor_shape.unknown_rank or tensor.tensor_shape.dim:
        return None
    if tensor.dtype == types_pb2.DT_STRING:
        return _read_string(tensor.string_val)
    if tensor.dtype not in _LAYOUTS:
        return None
    field, layout = _LAYOUTS[tensor.dtype]
    try:
        (value,) = struct.unpack(layout, tensor.tensor_content or _pack(tensor, field, layout))
    except (struct.error, ValueError):  # Of another size or number of values, or out of range.
        return None
    if tensor.dtype == types_pb2.DT_BFLOAT16:  # The upper half of a float.
        (value,) = struct.unpack("<f", struct.pack("<I", value << 16))
    assert isinstance(value, bool | int | float)
    return value


def _pack(tensor: Any, field: str, layout: str) -> bytes:
    """The bytes of the value in a field of a TensorProto; a field without values means zero."""
    (value,) = getattr(tensor, field) or (0,)
    return struct.pack("<H" if field == "half_val" else layout, value)


def _read_string(values: Any) -> str | None:
    if len(values) > 1:
        return None
    try:
        return b"".join(values).decode()
    except UnicodeDecodeError:
        return None
