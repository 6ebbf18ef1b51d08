"""Computes the initial values of variables that no checkpoint holds, from constants alone.

No op is run for that. What else could initialize a variable (random numbers, say) has no value
before it runs.
"""

from __future__ import annotations

import math

import numpy as np

from converter.ir import constants
from converter.ir.aliases import IDENTITIES, source_of
from converter.ir.graph import Node, Nodes, TensorRef

# Of one variable. Such variables are counters and the like.
MAX_ELEMENTS = constants.MAX_ELEMENTS
_LIKE = {"OnesLike": 1, "ZerosLike": 0}
_MAX_STEPS = 100


def find_initial_value(nodes: Nodes, ref: TensorRef) -> np.ndarray | str:
    """Returns the value of a tensor; or why it is not known, which completes "it is …".

    Args:
      nodes: The graph.
      ref: The tensor.
    """
    return _find(nodes, ref, _MAX_STEPS)


def _find(nodes: Nodes, ref: TensorRef, steps: int) -> np.ndarray | str:
    source = source_of(nodes, ref, IDENTITIES)
    node = nodes.get(source.node)
    if node is None or source.index or not steps:
        return f"initialized by tensor '{source}', which is not a constant"
    if node.op == "Fill" and len(node.inputs) == 2:
        return _fill(nodes, node.inputs[0], node.inputs[1], steps - 1)
    if node.op in _LIKE and len(node.inputs) == 1:
        like = _find(nodes, node.inputs[0], steps - 1)
        if isinstance(like, str) or like.dtype == object:
            return like if isinstance(like, str) else _unknown(node)
        return np.full(like.shape, _LIKE[node.op], like.dtype)
    value = constants.find_value(node)
    return _unknown(node) if value is None else value


def _fill(nodes: Nodes, dims: TensorRef, value: TensorRef, steps: int) -> np.ndarray | str:
    shape, scalar = _find(nodes, dims, steps), _find(nodes, value, steps)
    if isinstance(shape, str) or isinstance(scalar, str):
        return shape if isinstance(shape, str) else str(scalar)
    is_shape = shape.ndim == 1 and shape.dtype.kind == "i" and (shape >= 0).all()
    sizes = [int(size) for size in shape] if is_shape else [MAX_ELEMENTS + 1]
    if scalar.ndim or math.prod(sizes) > MAX_ELEMENTS:
        return f"initialized by more than {MAX_ELEMENTS} elements"
    return np.full(sizes, scalar)


def _unknown(node: Node) -> str:
    return f"initialized by op {node.op!r} at node {node.name!r}, which is not a constant"
