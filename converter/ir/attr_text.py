"""Attribute values as text.

Types (`float`), numbers, `true` and `false`, quoted strings, shapes (`[2,?]`, `[...]` for an
unknown rank), lists of these (`(1, 2)`) and tensors (see `tensor_text.py`) have a short form. Other
values, such as functions, stand as protobuf text in braces; the few that neither form gives back
exactly (a NaN with a payload, unknown fields) as `serialized{"..."}`, the bytes of the message.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np
from google.protobuf import message, text_encoding, text_format
from tensorflow.core.framework import attr_value_pb2, types_pb2

from converter.ir.attributes import read_shape
from converter.ir.graph import AttrValue
from converter.ir.shape_text import format_shape, parse_shape, write_shape
from converter.ir.tensor_text import TENSOR, format_head, format_tensor, parse_tensor

# Strings may hold any characters, brackets and commas among them.
_STRING = r"\"(?:\\.|[^\"\\])*\""
ATTR_VALUE = (
    rf"(?:\w+(?:\[[^\]]*\])?)?\{{(?:{_STRING}|[^\"])*?\}}"
    rf"|(?:\w+(?:\[[^\]]*\])?)?\((?:{_STRING}|[^\"()])*\)"
    rf"|{_STRING}|\[[^\]]*\]|[^,\s]+"
)
_ELEMENT = re.compile(rf"\s*({_STRING}|\[[^\]]*\]|[^,\s]+)\s*(?:,|$)")
_FLOAT = re.compile(r"-?[\d.]+(e[+-]?\d+)?|-?inf|nan")
_SERIALIZED = re.compile(rf"serialized\{{({_STRING})\}}")
_ABBREVIATED = re.compile(r"(?:\w+(?:\[[^\]]*\])?)?\{\.\.\. .*\}")

# Tensors of more values stand as protobuf text, and what takes more bytes is abbreviated.
_MAX_VALUES = 64
_MAX_BYTES = 128


def format_attr(value: AttrValue, *, abbreviate: bool = False) -> str:
    """Prints a value.

    Args:
      value: The value.
      abbreviate: Whether to print large values as their size and the first 16 digits of the
        SHA-256 of the message, for people; `parse_attr` refuses that. Without it, `parse_attr`
        returns an equal message.
    """
    if abbreviate and value.ByteSize() > _MAX_BYTES:
        return _abbreviate(value)
    protobuf_text = f"{{{text_format.MessageToString(value, as_one_line=True)}}}"
    for text in (_format_short(value), protobuf_text):
        if text is not None and _reads_back(text, value):
            return text
    return f'serialized{{"{text_encoding.CEscape(value.SerializeToString(), as_utf8=False)}"}}'


def _format_short(value: AttrValue) -> str | None:
    kind = value.WhichOneof("value")
    if kind == "type" and value.type in types_pb2.DataType.values():
        return types_pb2.DataType.Name(value.type).removeprefix("DT_").lower()
    if kind == "b":
        return "true" if value.b else "false"
    if kind == "i":
        return str(value.i)
    if kind == "f":
        return str(np.float32(value.f))
    if kind == "s":
        return f'"{text_encoding.CEscape(value.s, as_utf8=False)}"'
    if kind == "shape":
        return format_shape(read_shape(value.shape))
    if kind == "list":
        return _format_list(value)
    return format_tensor(value.tensor, _MAX_VALUES) if kind == "tensor" else None


def _format_list(value: AttrValue) -> str | None:
    elements = [
        _format_short(attr_value_pb2.AttrValue(**{field.name: element}))
        for field, elements in value.list.ListFields()
        if field.name not in ("func", "tensor")
        for element in elements
    ]
    return f"({', '.join(text or '' for text in elements)})"


def _reads_back(text: str, value: AttrValue) -> bool:
    """Whether `text` is another spelling of just these bytes; NaN makes `==` useless."""
    try:
        again = parse_attr(text)
    except ValueError:
        return False
    wanted: bytes = value.SerializeToString(deterministic=True)
    return bool(again.SerializeToString(deterministic=True) == wanted)


def _abbreviate(value: AttrValue) -> str:
    message = value.SerializeToString(deterministic=True)
    head = format_head(value.tensor) if value.HasField("tensor") else ""
    return f"{head}{{... {len(message)} bytes, sha256 {hashlib.sha256(message).hexdigest()[:16]}}}"


def parse_attr(text: str) -> AttrValue:
    """Reads what `format_attr` prints.

    Raises:
      ValueError: if `text` has none of the forms, or is abbreviated.
    """
    value = attr_value_pb2.AttrValue()
    if _ABBREVIATED.fullmatch(text):
        raise ValueError(f"{text!r} is abbreviated: only exact values can be read")
    serialized = _SERIALIZED.fullmatch(text)
    if serialized:
        _parse_serialized(text_encoding.CUnescape(serialized[1][1:-1]), value)
    elif text.startswith("{") and text.endswith("}"):
        _parse_protobuf(text[1:-1], value)
    elif text.startswith("(") and text.endswith(")"):
        _parse_list(text[1:-1], value)
    elif TENSOR.fullmatch(text):
        value.tensor.CopyFrom(parse_tensor(text))
    elif text.startswith('"'):
        value.s = text_encoding.CUnescape(text[1:-1])
    elif text.startswith("["):
        value.shape.CopyFrom(write_shape(parse_shape(text)))
    else:
        _parse_word(text, value)
    return value


def _parse_serialized(data: bytes, value: AttrValue) -> None:
    try:
        value.ParseFromString(data)
    except message.DecodeError as error:
        raise ValueError(f"expected an attribute value as bytes, {error}") from error


def _parse_protobuf(text: str, value: AttrValue) -> None:
    try:
        text_format.Parse(text, value)
    except text_format.ParseError as error:
        raise ValueError(f"expected an attribute value as protobuf text, {error}") from error


def _parse_list(text: str, value: AttrValue) -> None:
    value.list.SetInParent()
    position = 0
    while position < len(text):
        match = _ELEMENT.match(text, position)
        if match is None:
            raise ValueError(f"expected values between commas, found {text[position:]!r}")
        element = parse_attr(match[1])
        kind = element.WhichOneof("value")
        if kind not in value.list.DESCRIPTOR.fields_by_name:
            raise ValueError(f"expected a value that a list can hold, found {match[1]!r}")
        getattr(value.list, kind).extend([getattr(element, kind)])
        position = match.end()


def _parse_word(text: str, value: AttrValue) -> None:
    if text in ("true", "false"):
        value.b = text == "true"
    elif re.fullmatch(r"-?\d+", text):
        value.i = int(text)
    elif _FLOAT.fullmatch(text):
        value.f = float(text)
    else:
        value.type = types_pb2.DataType.Value(f"DT_{text.upper()}")
