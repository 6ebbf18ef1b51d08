"""Const nodes: their values, read from the proto, and new ones."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
import tensorflow as tf

from converter.ir import aliases
from converter.ir.attributes import int_scalar_attr, read_shape, type_attr
from converter.ir.graph import Node, Nodes, TensorRef
from converter.ir.op_facts import DT_INT32

# A few bytes of a file can say that a constant has billions of elements.
MAX_ELEMENTS = 1 << 20


def int_constant(name: str, number: int, after: Sequence[str] = ()) -> Node:
    """A Const that is an int32 scalar and waits for the nodes `after`."""
    attrs = {"dtype": type_attr(DT_INT32), "value": int_scalar_attr(number)}
    return Node(name, "Const", (), tuple(after), attrs)


def find_shape(node: Node) -> tuple[int, ...] | None:
    """The shape of a Const; None if it is another op, or damaged."""
    if node.op != "Const" or "value" not in node.attrs:
        return None
    shape = read_shape(node.attrs["value"].tensor.tensor_shape)
    if shape is None or None in shape:
        return None
    return tuple(size for size in shape if size is not None)


def find_value(node: Node) -> np.ndarray | None:
    """The value of a Const; None if it is another op, damaged, or over `MAX_ELEMENTS` large."""
    shape = find_shape(node)
    if shape is None or math.prod(shape) > MAX_ELEMENTS:
        return None
    try:
        value: np.ndarray = tf.make_ndarray(node.attrs["value"].tensor)
    except (KeyError, OverflowError, TypeError, ValueError):  # KeyError: of a resource.
        return None
    return value


def find_scalar(node: Node) -> bool | int | float | str | None:
    """The value of a scalar Const as a Python value; None if the node is not one.

    Python floats hold every value of half, bfloat16, float and double exactly.
    """
    array = find_value(node)
    value = None if array is None or array.ndim else array.item()
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return value if isinstance(value, bool | int | float | str) else None


def find_constant(nodes: Nodes, ref: TensorRef, through: Collection[str]) -> np.ndarray | None:
    """The value of `ref` if it is a Const, seen through the op types `through`."""
    node = nodes.get(aliases.source_of(nodes, ref, through).node)
    return None if node is None else find_value(node)


def find_integer(nodes: Nodes, ref: TensorRef, through: Collection[str]) -> int | None:
    """The value of `ref` if it is a Const that is an integer scalar, seen through `through`."""
    value = find_constant(nodes, ref, through)
    is_integer = value is not None and value.ndim == 0 and value.dtype.kind in "iu"
    return int(value) if is_integer and value is not None else None
