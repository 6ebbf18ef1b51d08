"""The gradients of the TF1 graph that only libraries of TensorFlow 1.15 registered.

They are registered here for the session that runs the original. Nothing of them is shared with
the converter, whose own gradients are judged by them. Sources: `_FoldFusedBatchNormGrad` of
contrib/quantize/python/fold_batch_norms.py, `GDN._lower_bound_grad` of
contrib/layers/python/layers/layers.py, `_BatchGrad` and `_UnbatchGrad` of
contrib/batching/python/ops/batch_ops.py.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
import tensorflow.compat.v1 as tf1

from converter import tf_private
from converter.ir import gradient_overrides, op_facts
from converter.ir.gradient_overrides import ATTRIBUTE, Source
from converter.parity.function_library import find_callers

# What the gradients here are called, so that they meet no others of this process.
_PREFIX = "TF1Hub/"
UNRESOLVED = f"{_PREFIX}unresolved"
STOPPED = f"{_PREFIX}stopped"
_MARK = "gradient_that_no_file_holds"


def prepare_overrides(graph_def: Any) -> dict[str, str]:
    """Makes the overrides of a graph those that a session here resolves.

    Returns:
      The names in overrides that no library resolves, by node; nodes of functions are called
      `function/node`.
    """
    unresolved: dict[str, str] = {}
    calls = {function.signature.name for function in graph_def.library.function}
    calls |= op_facts.CALL_OPS
    for prefix, node in _nodes(graph_def):
        override = node.attr[ATTRIBUTE].s.decode(errors="replace") if ATTRIBUTE in node.attr else ""
        source = gradient_overrides.find_source(node.op, override or None)
        if source is Source.STOPPED:
            node.attr[ATTRIBUTE].s = STOPPED.encode()
        elif source is Source.LIBRARY:
            node.attr[ATTRIBUTE].s = f"{_PREFIX}{override or node.op}".encode()
        elif override and source is Source.UNRESOLVED and node.op in calls:
            del node.attr[ATTRIBUTE]  # TensorFlow 1.15 differentiates the function's body then.
        elif override and source is Source.UNRESOLVED:
            node.attr[ATTRIBUTE].s = UNRESOLVED.encode()
            unresolved[prefix + node.name] = override
    return unresolved


def _nodes(graph_def: Any) -> Iterator[tuple[str, Any]]:
    for node in graph_def.node:
        yield "", node
    for function in graph_def.library.function:
        for node in function.node_def:
            yield f"{function.signature.name}/", node


def passes_unresolved(needed: set[Any], marked_functions: set[str]) -> bool:
    """Whether a gradient that needs these ops comes through an override that nobody resolves."""
    for op in needed:
        if op.type == "Identity" and _MARK in op.name:
            return True
        node_def = op.node_def
        for value in node_def.attr.values():
            if value.func.name in marked_functions:
                return True
            if any(func.name in marked_functions for func in value.list.func):
                return True
    return False


def find_marked_functions(graph: tf.Graph) -> set[str]:
    """The functions of a graph in which, or in whose callees, a mark was left."""
    graph_def = graph.as_graph_def()
    marked = {
        function.signature.name
        for function in graph_def.library.function
        if any(_MARK in node.name for node in function.node_def)
    }
    return find_callers(graph_def, marked) if marked else set()


# Gradient functions. Nothing registers itself when it is imported: `register_gradients` does.


def _mark_unresolved(op: Any, *upstream: Any) -> list[Any]:
    """The natural gradient, with a mark on all that it gives."""
    try:
        natural = tf_private.find_gradient(op.type)
    except LookupError:
        natural = None
    made = natural(op, *upstream) if natural else [None] * len(op.inputs)
    made = list(made) if isinstance(made, (list, tuple)) else [made]
    return [_mark(grad, taken) for grad, taken in zip(made, op.inputs, strict=True)]


def _mark(gradient: Any, taken: Any) -> Any:
    if not tf_private.is_differentiable(taken) or taken.dtype in (tf.resource, tf.variant):
        return gradient
    if gradient is None:
        gradient = tf.zeros_like(taken)
    return tf.identity(tf.convert_to_tensor(gradient), name=_MARK)


def _fold_fused_batch_norm(op: Any, *upstream: Any) -> tuple[Any, ...]:
    x, batch_mean = op.inputs[0], op.outputs[1]
    _, grad_mean, grad_variance = upstream[:3]
    count = tf.cast(tf.size(x) / tf.size(grad_mean), tf.float32)
    from_mean = grad_mean / count
    from_variance = 2 * grad_variance * (x - batch_mean) / (count - 1)
    return (from_mean + from_variance, None, None, None, None)


def _gdn_lower_bound(op: Any, grad: Any) -> list[Any]:
    inputs, bound = op.inputs
    return [tf.where((inputs >= bound) | (grad < 0), grad, tf.zeros_like(grad)), None]


def _batch(op: Any, *upstream: Any) -> list[Any]:
    return [
        tf.raw_ops.Unbatch(
            batched_tensor=grad,
            batch_index=op.outputs[-2],
            id=op.outputs[-1],
            timeout_micros=op.get_attr("grad_timeout_micros"),
            shared_name=f"batch_gradient_{op.name}_{i}",
        )
        for i, grad in enumerate(upstream[:-2])
    ]


def _unbatch(op: Any, grad: Any) -> list[Any]:
    made = tf.raw_ops.UnbatchGrad(
        original_input=op.inputs[0],
        batch_index=op.inputs[1],
        grad=grad,
        id=op.inputs[2],
        shared_name=f"unbatch_gradient_{op.name}",
    )
    return [made, None, None]


_GRADIENTS = {
    UNRESOLVED: _mark_unresolved,
    f"{_PREFIX}Batch": _batch,
    f"{_PREFIX}FoldFusedBatchNormGrad": _fold_fused_batch_norm,
    f"{_PREFIX}GDNLowerBound": _gdn_lower_bound,
    f"{_PREFIX}Unbatch": _unbatch,
}


@functools.cache
def register_gradients() -> None:
    """Registers them for this process; a second call does nothing."""
    for name, function in _GRADIENTS.items():
        tf.RegisterGradient(name)(function)
    tf1.NotDifferentiable(STOPPED)
