"""Static shapes: tuples with None for an unknown size, or None when the rank is unknown."""

from __future__ import annotations

from tensorflow.core.framework import tensor_shape_pb2

_UNKNOWN_RANK = "[...]"


def read_shape(proto: tensor_shape_pb2.TensorShapeProto) -> tuple[int | None, ...] | None:
    """Reads a `TensorShapeProto`; sizes below 0 are unknown."""
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else int(dim.size) for dim in proto.dim)


def write_shape(shape: tuple[int | None, ...] | None) -> tensor_shape_pb2.TensorShapeProto:
    """Writes a `TensorShapeProto`, in which the size -1 stands for an unknown one."""
    if shape is None:
        return tensor_shape_pb2.TensorShapeProto(unknown_rank=True)
    proto = tensor_shape_pb2.TensorShapeProto()
    for size in shape:
        proto.dim.add(size=-1 if size is None else size)
    return proto


def format_shape(shape: tuple[int | None, ...] | None) -> str:
    """Prints a static shape: `[2,?]`, or `[...]` when the rank is unknown."""
    if shape is None:
        return _UNKNOWN_RANK
    return "[" + ",".join("?" if size is None else str(size) for size in shape) + "]"


def parse_shape(text: str) -> tuple[int | None, ...] | None:
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
