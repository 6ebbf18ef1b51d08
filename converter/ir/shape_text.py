"""Static shapes as text and as protos."""

from __future__ import annotations

from tensorflow.core.framework import tensor_shape_pb2

from converter.ir.attributes import Shape

_UNKNOWN_RANK = "[...]"


def write_shape(shape: Shape) -> tensor_shape_pb2.TensorShapeProto:
    """Writes a `TensorShapeProto`, in which the size -1 stands for an unknown one."""
    if shape is None:
        return tensor_shape_pb2.TensorShapeProto(unknown_rank=True)
    proto = tensor_shape_pb2.TensorShapeProto()
    for size in shape:
        proto.dim.add(size=-1 if size is None else size)
    return proto


def format_shape(shape: Shape) -> str:
    """Prints a static shape: `[2,?]`, or `[...]` when the rank is unknown."""
    if shape is None:
        return _UNKNOWN_RANK
    return "[" + ",".join("?" if size is None else str(size) for size in shape) + "]"


def parse_shape(text: str) -> Shape:
    """Reads what `format_shape` prints; spaces are ignored.

    Raises:
      ValueError: if `text` is not a shape.
    """
    if text == _UNKNOWN_RANK:
        return None
    if not text.startswith("[") or not text.endswith("]"):
        raise ValueError(f"expected a shape such as '[2,?]', found {text!r}")
    sizes = (size.strip() for size in text[1:-1].split(",") if size.strip())
    return tuple(None if size == "?" else int(size) for size in sizes)
