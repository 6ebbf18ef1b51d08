"""The constants of a graph, which may be wrong though no input shows it.

A decay that is off by one unit in the last place hides below rounding, an epsilon shows only for
inputs near zero, `<` in place of `<=` only where both sides are equal, and a seed not at all once
random ops are replaced. But a converter that copies all of these makes no new ones. Gradients of
ops are TensorFlow's, with constants of their own; where a model holds such functions, they are
left out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from converter.parity.function_library import functions_of_gradients

# What graphs are made of everywhere, and rewrites bring along.
_TRIVIAL = frozenset({0.0, 1.0, -1.0, 0.5, 2.0, float("inf"), float("-inf")})
# Where a TensorProto has its elements; source: tensor.proto.
_VALUE_FIELDS = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_HALF: "half_val",
    types_pb2.DT_BFLOAT16: "half_val",
}
_COMPARISONS = frozenset({"Greater", "GreaterEqual", "Less", "LessEqual"})


def find_ingredients(saved_model: Any) -> set[str]:
    """The elements of float constants, the seeds, and the comparisons of floats, of all graphs."""
    return {
        element
        for meta_graph in saved_model.meta_graphs
        for _, node in _nodes(meta_graph.graph_def)
        for element in _elements(node)
    }


def find_invented(saved_model: Any, known: set[str]) -> dict[str, str]:
    """The nodes of a SavedModel that hold ingredients that are not among `known`."""
    return {
        f"{where}{node.name}": ", ".join(invented)
        for meta_graph in saved_model.meta_graphs
        for where, node in _nodes(meta_graph.graph_def)
        if (invented := [e for e in _elements(node) if e not in known])
    }


def _nodes(graph_def: Any) -> Iterator[tuple[str, Any]]:
    for node in graph_def.node:
        yield "", node
    left_out = functions_of_gradients(graph_def)
    for function in graph_def.library.function:
        if function.signature.name not in left_out:
            for node in function.node_def:
                yield f"{function.signature.name}/", node


def _elements(node: Any) -> Iterator[str]:
    if node.op == "Const" and _is_float(node, "dtype"):
        with contextlib.suppress(TypeError, ValueError):  # TensorFlow imports no such constant.
            yield from _numbers(_stored_values(node.attr["value"].tensor))
    elif node.op in _COMPARISONS and _is_float(node, "T"):
        yield f"{node.op} of floats"
    elif "seed" in node.attr and "seed2" in node.attr:
        yield f"{node.op} with seeds {node.attr['seed'].i}, {node.attr['seed2'].i}"


def _stored_values(tensor: Any) -> np.ndarray:
    """The elements of a tensor, without the repetitions that its shape asks for."""
    stored = type(tensor)()
    stored.CopyFrom(tensor)
    if not tensor.tensor_content:
        count = len(getattr(tensor, _VALUE_FIELDS.get(tensor.dtype, "float8_val")))
        stored.tensor_shape.Clear()
        stored.tensor_shape.dim.add(size=count)
    return np.asarray(tf.make_ndarray(stored))


def _numbers(array: np.ndarray) -> Iterator[str]:
    """The elements that tell something, as float64: every smaller float is one."""
    for element in np.unique(array.astype(np.float64)):
        if element not in _TRIVIAL and not np.isnan(element):
            yield repr(float(element))


def _is_float(node: Any, key: str) -> bool:
    try:
        return bool(tf.as_dtype(node.attr[key].type).is_floating)
    except TypeError:  # It is no type, in a node that nothing needs.
        return False
