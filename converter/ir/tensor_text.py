"""Tensors as text: `int32(5)`, `float[2]{1.0, 2.0}`, `string[2]("a", "b")`.

A type, a shape unless it is a scalar, and values. Braces hold the elements of `tensor_content`,
the packed form of a TensorProto. Parentheses hold the values of a list such as `float_val`, of
which the last one fills up the shape: `float[64](0.0)` is 64 zeros. Source: tensor.proto.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import text_encoding
from tensorflow.core.framework import tensor_pb2, types_pb2

from converter.ir.attributes import read_shape
from converter.ir.shape_text import format_shape, parse_shape, write_shape

TENSOR = re.compile(
    r"(?P<dtype>[a-z]\w*)(?P<shape>\[[\d,]*\])?"
    r"(?:\{(?P<packed>[^{}]*)\}|\((?P<listed>(?:\"(?:\\.|[^\"\\])*\"|[^\"()])*)\))"
)
_VALUE = re.compile(r'\s*("(?:\\.|[^"\\])*"|[^,"]+?)\s*(?:,|$)')

# The field that lists the values of each type.
_LISTS = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT8: "int_val",
    types_pb2.DT_INT16: "int_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_UINT8: "int_val",
    types_pb2.DT_UINT16: "int_val",
    types_pb2.DT_UINT32: "uint32_val",
    types_pb2.DT_UINT64: "uint64_val",
    types_pb2.DT_BOOL: "bool_val",
    types_pb2.DT_HALF: "half_val",
    types_pb2.DT_BFLOAT16: "half_val",
    types_pb2.DT_COMPLEX64: "scomplex_val",
    types_pb2.DT_COMPLEX128: "dcomplex_val",
    types_pb2.DT_STRING: "string_val",
}


def format_tensor(tensor: tensor_pb2.TensorProto, max_values: int) -> str | None:
    """Prints a tensor; None if it has no short form, or more than `max_values` values.

    A tensor in an unusual encoding (two lists filled, a type without values, ...) may be printed
    as another one: `parse_tensor` tells.
    """
    if tensor.dtype not in _LISTS or tensor.tensor_shape.unknown_rank:
        return None
    head = format_head(tensor)
    if tensor.tensor_content:
        packed = _unpack(tensor)
        if packed is None or len(packed) > max_values:
            return None
        return f"{head}{{{', '.join(map(_format_value, packed))}}}"
    if len(getattr(tensor, _LISTS[tensor.dtype])) > 2 * max_values:
        return None
    return f"{head}({', '.join(map(_format_value, _listed(tensor)))})"


def format_head(tensor: tensor_pb2.TensorProto) -> str:
    """Prints the type and shape of a tensor: `float[2,3]`, or `float` for a scalar."""
    name = types_pb2.DataType.Name(tensor.dtype).removeprefix("DT_").lower()
    shape = read_shape(tensor.tensor_shape)
    return name if shape == () else f"{name}{format_shape(shape)}"


def _unpack(tensor: tensor_pb2.TensorProto) -> np.ndarray[Any, np.dtype[Any]] | None:
    dtype = _numpy_dtype(tensor.dtype)
    if dtype.hasobject or len(tensor.tensor_content) % dtype.itemsize:
        return None
    return np.frombuffer(tensor.tensor_content, dtype)


def _listed(tensor: tensor_pb2.TensorProto) -> Iterable[Any]:
    values = getattr(tensor, _LISTS[tensor.dtype])
    if tensor.dtype in (types_pb2.DT_HALF, types_pb2.DT_BFLOAT16):
        bits = np.array([value % 2**16 for value in values], np.uint16)
        return bits.view(_numpy_dtype(tensor.dtype))
    if tensor.dtype in (types_pb2.DT_COMPLEX64, types_pb2.DT_COMPLEX128):
        part = np.float32 if tensor.dtype == types_pb2.DT_COMPLEX64 else np.float64
        even = values[: len(values) // 2 * 2]
        return np.array(even, part).view(_numpy_dtype(tensor.dtype))
    if tensor.dtype == types_pb2.DT_FLOAT:
        return np.array(values, np.float32)
    return list(values)


def _numpy_dtype(dtype: int) -> np.dtype[Any]:
    return np.dtype(tf.dtypes.as_dtype(dtype).as_numpy_dtype)


def _format_value(value: Any) -> str:
    if isinstance(value, bytes):
        return f'"{text_encoding.CEscape(value, as_utf8=False)}"'
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return str(value).strip("()")


def parse_tensor(text: str) -> tensor_pb2.TensorProto:
    """Reads what `format_tensor` prints.

    Raises:
      ValueError: if `text` is not a tensor, or a value does not fit the type.
    """
    match = TENSOR.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a tensor such as 'float[2]{{1.0, 2.0}}', found {text!r}")
    dtype = types_pb2.DataType.Value(f"DT_{match['dtype'].upper()}")
    tensor = tensor_pb2.TensorProto(
        dtype=dtype, tensor_shape=write_shape(parse_shape(match["shape"] or "[]"))
    )
    if dtype not in _LISTS:
        raise ValueError(f"tensors of type {match['dtype']!r} have no short form")
    if match["packed"] is None:
        _list_values(tensor, _parse_values(match["listed"]))
    elif dtype == types_pb2.DT_STRING:
        raise ValueError(f"strings are listed in parentheses, found {text!r}")
    else:
        values = [_parse_value(value, dtype) for value in _parse_values(match["packed"])]
        tensor.tensor_content = np.array(values, _numpy_dtype(dtype)).tobytes()
    return tensor


def _list_values(tensor: tensor_pb2.TensorProto, texts: Sequence[str]) -> None:
    values: Sequence[Any] = [_parse_value(text, tensor.dtype) for text in texts]
    if tensor.dtype in (types_pb2.DT_HALF, types_pb2.DT_BFLOAT16):
        values = np.array(values, _numpy_dtype(tensor.dtype)).view(np.uint16).tolist()
    elif tensor.dtype in (types_pb2.DT_COMPLEX64, types_pb2.DT_COMPLEX128):
        values = [part for value in values for part in (value.real, value.imag)]
    getattr(tensor, _LISTS[tensor.dtype]).extend(values)


def _parse_values(text: str) -> list[str]:
    values, position = [], 0
    while position < len(text):
        match = _VALUE.match(text, position)
        if match is None:
            raise ValueError(f"expected values between commas, found {text[position:]!r}")
        values.append(match[1])
        position = match.end()
    return values


def _parse_value(text: str, dtype: int) -> Any:
    if dtype == types_pb2.DT_STRING:
        if not text.startswith('"'):
            raise ValueError(f"expected a quoted string, found {text!r}")
        return text_encoding.CUnescape(text[1:-1])
    if dtype == types_pb2.DT_BOOL:
        if text not in ("true", "false"):
            raise ValueError(f"expected true or false, found {text!r}")
        return text == "true"
    numpy_dtype = _numpy_dtype(dtype)
    if numpy_dtype.kind == "c":
        return complex(text)
    return _parse_integer(text, numpy_dtype) if numpy_dtype.kind in "iu" else float(text)


def _parse_integer(text: str, dtype: np.dtype[Any]) -> int:
    """Reads an integer; NumPy 1 would wrap one that is too large."""
    number, limits = int(text), np.iinfo(dtype)
    if not limits.min <= number <= limits.max:
        raise ValueError(f"{number} does not fit in {dtype}")
    return number
