"""Lengths that a graph shows, to compare the sizes of TensorArrays."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from converter.ir import constants
from converter.ir.graph import Node, Nodes, TensorRef
from converter.passes.lower_tensor_arrays.order import TIMELESS, origin_of

# An int for a known length; otherwise something that is equal for equal lengths only.
Length = Hashable

# Ops whose output has the shape of their first input.
_SAME_SHAPE = frozenset({"Cast", "ReverseSequence", "ReverseV2"})


def find_constant(nodes: Nodes, ref: TensorRef) -> np.ndarray | None:
    """The value of a tensor if it is a constant."""
    return constants.find_constant(nodes, ref, TIMELESS)


def length_of(nodes: Nodes, ref: TensorRef) -> Length:
    """The length that the scalar `ref` holds, seen through `shape(x)[0]`."""
    number = constants.find_integer(nodes, ref, TIMELESS)
    if number is not None:
        return number
    ref = origin_of(nodes, ref)
    node = nodes[ref.node]
    if not _takes_first(node, nodes):
        return ref
    vector = origin_of(nodes, node.inputs[0])
    constant = find_constant(nodes, vector)
    if constant is not None and constant.ndim == 1:
        return int(constant[0]) if constant.size else ref
    if nodes[vector.node].op == "Shape":
        return rows_of(nodes, nodes[vector.node].inputs[0])
    return ref


def rows_of(nodes: Nodes, ref: TensorRef) -> Length:
    """The size of the first dimension of `ref`."""
    ref = origin_of(nodes, ref)
    while nodes[ref.node].op in _SAME_SHAPE:
        ref = origin_of(nodes, nodes[ref.node].inputs[0])
    shape = constants.find_shape(nodes[ref.node])
    if shape:
        return shape[0]
    limit = range_limit(nodes, ref)
    return ("rows", ref) if limit is None else length_of(nodes, limit)


def _takes_first(node: Node, nodes: Nodes) -> bool:
    """Whether a node is `x[0]` for a vector `x`."""
    if node.op != "StridedSlice":
        return False
    masks = {key: node.attrs[key].i for key in node.attrs if key.endswith("_mask")}
    masks.pop("end_mask", None)  # What is past the one element taken does not matter.
    if {key: mask for key, mask in masks.items() if mask} != {"shrink_axis_mask": 1}:
        return False
    begin = find_constant(nodes, node.inputs[1])
    return begin is not None and begin.tolist() == [0]


def range_limit(nodes: Nodes, ref: TensorRef) -> TensorRef | None:
    """The scalar `n` if `ref` is `range(0, n)`."""
    node = nodes[origin_of(nodes, ref).node]
    if node.op != "Range":
        return None
    start, limit, delta = node.inputs
    is_plain = length_of(nodes, start) == 0 and length_of(nodes, delta) == 1
    return origin_of(nodes, limit) if is_plain else None
