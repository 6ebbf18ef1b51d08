"""The gradients of the TF1 graph that only libraries of TensorFlow 1.15 registered.

They are registered here for the session that runs the original. Nothing of them is shared with
the converter, whose own gradients are judged by them. Sources: `_FoldFusedBatchNormGrad` of
contrib/quantize/python/fold_batch_norms.py, `GDN._lower_bound_grad` of
contrib/layers/python/layers/layers.py, `_BatchGrad` and `_UnbatchGrad` of
contrib/batching/python/ops/batch_ops.py, `_LSTMBlockCellGrad` and `_GRUBlockCellGrad` of
contrib/rnn/python/ops.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
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
_TENSOR_ARRAY_OPS = frozenset(
    f"TensorArray{op}{version}"
    for op in ("Concat", "Gather", "Read", "Scatter", "Split", "Write")
    for version in ("", "V2", "V3")
)


@contextlib.contextmanager
def control_flow_v2(*, enabled: bool) -> Iterator[None]:
    """Turns control flow v2 on or off, and then back."""
    was_enabled = tf1.control_flow_v2_enabled()
    _enable_control_flow_v2(enabled)
    try:
        yield
    finally:
        _enable_control_flow_v2(was_enabled)


def _enable_control_flow_v2(enabled: bool) -> None:
    (tf1.enable_control_flow_v2 if enabled else tf1.disable_control_flow_v2)()


def prepare_overrides(graph_def: Any) -> dict[str, str]:
    """Makes the overrides of a graph those that a session here resolves.

    Returns:
      The names in overrides that no library resolves, by node; nodes of functions are called
      `function/node`.
    """
    bodies = _find_bodies(graph_def)
    unresolved: dict[str, str] = {}
    for node in graph_def.node:
        _prepare_node(node, "", graph_def, unresolved)
    for function in graph_def.library.function:
        name = function.signature.name
        for node in function.node_def:
            if name in bodies:
                _prepare_node(node, f"{name}/", graph_def, unresolved)
            elif ATTRIBUTE in node.attr:
                # TensorFlow differentiates what calls run in C++, which looks at no overrides.
                del node.attr[ATTRIBUTE]
    return unresolved


def _prepare_node(node: Any, prefix: str, graph_def: Any, unresolved: dict[str, str]) -> None:
    override = node.attr[ATTRIBUTE].s.decode(errors="replace") if ATTRIBUTE in node.attr else None
    source = gradient_overrides.find_source(node.op, override)
    if override is None and (node.op in op_facts.FUSED_CELLS or node.op in _TENSOR_ARRAY_OPS):
        source = Source.LIBRARY
    if source is Source.STOPPED:
        node.attr[ATTRIBUTE].s = STOPPED.encode()
    elif source is Source.LIBRARY:
        node.attr[ATTRIBUTE].s = f"{_PREFIX}{override or node.op}".encode()
    elif override is not None and source is Source.UNRESOLVED:
        if _is_call(node, graph_def):
            del node.attr[ATTRIBUTE]  # TensorFlow 1.15 differentiates the function's body then.
        else:
            node.attr[ATTRIBUTE].s = UNRESOLVED.encode()
            unresolved[prefix + node.name] = override


def _is_call(node: Any, graph_def: Any) -> bool:
    if node.op in op_facts.CALL_OPS:
        return True
    return any(function.signature.name == node.op for function in graph_def.library.function)


def _find_bodies(graph_def: Any) -> set[str]:
    """The functions that loops and branches run, those in such functions among them."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    waiting = [name for node in graph_def.node for name in _taken_functions(node)]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in functions and name not in found:
            found.add(name)
            waiting += [n for node in functions[name].node_def for n in _taken_functions(node)]
    return found


def _taken_functions(node: Any) -> list[str]:
    if node.op not in op_facts.FUNCTIONAL_CONTROL_FLOW:
        return []
    functions = [f for value in node.attr.values() for f in (value.func, *value.list.func)]
    return [function.name for function in functions if function.name]


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
    made = _differentiate_naturally(op, upstream)
    return [_mark(grad, taken) for grad, taken in zip(made, op.inputs, strict=True)]


def _differentiate_naturally(op: Any, upstream: Sequence[Any]) -> list[Any]:
    """The gradients by an op's inputs that are registered for its type, or none."""
    try:
        natural = tf_private.find_gradient(op.type)
    except LookupError:
        natural = None
    made = natural(op, *upstream) if natural else [None] * len(op.inputs)
    return list(made) if isinstance(made, (list, tuple)) else [made]


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


def _lstm_block_cell(op: Any, *upstream: Any) -> list[Any]:
    names = ("x", "cs_prev", "h_prev", "w", "wci", "wcf", "wco", "b")
    given = dict(zip(names, op.inputs, strict=True))
    made = dict(zip(("i", "cs", "f", "o", "ci", "co"), op.outputs, strict=False))
    cs_prev_grad, gates, wci_grad, wcf_grad, wco_grad = tf.raw_ops.LSTMBlockCellGrad(
        **given,
        **made,
        cs_grad=upstream[1],
        h_grad=upstream[6],
        use_peephole=op.get_attr("use_peephole"),
    )
    joined = tf.concat([given["x"], given["h_prev"]], axis=1)
    by_joined = tf.matmul(gates, tf.transpose(given["w"]))
    by_x, by_h = tf.split(by_joined, [tf.shape(given["x"])[1], tf.shape(given["h_prev"])[1]], 1)
    by_w = tf.matmul(tf.transpose(joined), gates)
    return [by_x, cs_prev_grad, by_h, by_w, wci_grad, wcf_grad, wco_grad, tf.reduce_sum(gates, 0)]


def _gru_block_cell(op: Any, *upstream: Any) -> list[Any]:
    x, h_prev, w_ru, w_c, b_ru, b_c = op.inputs
    r, u, c, _ = op.outputs
    by_x, by_h, by_c_bar, by_gates = tf.raw_ops.GRUBlockCellGrad(
        x=x, h_prev=h_prev, w_ru=w_ru, w_c=w_c, b_ru=b_ru, b_c=b_c, r=r, u=u, c=c, d_h=upstream[3]
    )
    by_w_ru = tf.matmul(tf.transpose(tf.concat([x, h_prev], 1)), by_gates)
    by_w_c = tf.matmul(tf.transpose(tf.concat([x, h_prev * r], 1)), by_c_bar)
    return [by_x, by_h, by_w_ru, by_w_c, tf.reduce_sum(by_gates, 0), tf.reduce_sum(by_c_bar, 0)]


def _tensor_array(op: Any, *upstream: Any) -> list[Any]:
    """The natural gradient. With control flow v2, TensorFlow would make it a TensorList, and fail.

    A graph may have both: `tf.map_fn` writes a V1 TensorArray, `tf.switch_case` a functional op.
    """
    with control_flow_v2(enabled=False):
        return _differentiate_naturally(op, upstream)


_GRADIENTS = {
    **{f"{_PREFIX}{op}": _tensor_array for op in _TENSOR_ARRAY_OPS},
    f"{_PREFIX}GRUBlockCell": _gru_block_cell,
    f"{_PREFIX}LSTMBlockCell": _lstm_block_cell,
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
    tf.no_gradient(STOPPED)
