"""The constants of a graph: no input need show that one of them is wrong.

A decay that is off by one unit in the last place hides below rounding, and an epsilon shows only
for inputs near zero. But a converter that copies constants makes no new ones. Gradients of ops are
TensorFlow's, with constants of their own; where a model holds such functions, they are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from converter.parity.function_library import functions_of_gradients

# What graphs are made of everywhere, and rewrites bring along.
_TRIVIAL = frozenset({0.0, 1.0, -1.0, 0.5, 2.0, float("inf"), float("-inf")})


def float_constants(saved_model: Any) -> set[bytes]:
    """The elements of all float constants, in all graphs and functions."""
    return {
        element
        for meta_graph in saved_model.meta_graphs
        for _, node in _nodes(meta_graph.graph_def)
        for element in _elements(node)
    }


def find_invented(saved_model: Any, known: set[bytes]) -> dict[str, str]:
    """The nodes of a SavedModel with float constants that are not among `known`."""
    return {
        f"{where}{node.name}": ", ".join(str(_number(element)) for element in invented)
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


def _elements(node: Any) -> Iterator[bytes]:
    """The elements that tell something, as float64: every smaller float is one."""
    if node.op != "Const" or not _is_float(node):
        return
    array = tf.make_ndarray(node.attr["value"].tensor)
    for element in np.unique(array.astype(np.float64)):
        if element not in _TRIVIAL and not np.isnan(element):
            yield element.tobytes()


def _is_float(node: Any) -> bool:
    dtype = tf.as_dtype(node.attr["dtype"].type)
    return bool(dtype.is_floating)


def _number(element: bytes) -> float:
    return float(np.frombuffer(element, np.float64)[0])
