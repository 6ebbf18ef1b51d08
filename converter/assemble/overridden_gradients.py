"""Ops with a gradient other than the one that TensorFlow 2 has for them.

The gradients that only `tf.contrib` had are implemented here as TensorFlow 1.15 computes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter import errors, tf_private
from converter.ir import gradient_overrides
from converter.ir.gradient_overrides import Source
from converter.ir.graph import Node

# As in `tf.RegisterGradient`: takes an op and the gradients of its outputs, of which some may be
# None, and returns those of its inputs.
Gradient = Callable[..., Any]
Tensors = Sequence[tf.Tensor]


def with_gradient(
    node: Node, compute: Callable[[Tensors], Sequence[tf.Tensor]]
) -> Callable[..., Sequence[tf.Tensor]]:
    """Returns a node as a function of its inputs, with the gradient that its override names.

    Args:
      node: A node with an override that `resolve_gradient_overrides` left on it.
      compute: Computes the node's outputs from its inputs.
    """
    override = gradient_overrides.override_of(node)
    if gradient_overrides.find_source(node.op, override) is Source.STOPPED:
        return lambda *inputs: [tf.stop_gradient(output) for output in compute(inputs)]
    name = override or node.op
    gradient = _GRADIENTS.get(name) or tf_private.find_gradient(name) or _no_gradient

    @tf.custom_gradient
    def overridden(*inputs: tf.Tensor) -> Any:
        outputs = list(compute(inputs))
        return outputs, lambda *upstream: _differentiate(gradient, outputs, upstream)

    def call(*inputs: tf.Tensor) -> Sequence[tf.Tensor]:
        _check(node, overridden, inputs)
        outputs: Sequence[tf.Tensor] = overridden(*inputs)
        return outputs

    return call


def _no_gradient(op: tf.Operation, *upstream: tf.Tensor) -> list[None]:
    del upstream
    return [None] * len(op.inputs)


def _differentiate(
    gradient: Gradient, outputs: Tensors, upstream: Sequence[tf.Tensor]
) -> list[tf.Tensor | None]:
    """Calls a gradient function as `tf.gradients` of TensorFlow 1.15 does, and checks its result.

    Raises:
      ValueError: if the gradients do not fit the op's inputs.
    """
    op = outputs[0].op
    given = [
        grad if tf_private.is_differentiable(output) else None
        for output, grad in zip(outputs, upstream, strict=True)
    ]
    made = gradient(op, *given)
    made = list(made) if isinstance(made, (list, tuple)) else [made]
    if len(made) != len(op.inputs):
        raise ValueError(f"{len(made)} gradients for the {len(op.inputs)} inputs of {op.type}")
    return [_fit(grad, taken) for grad, taken in zip(made, op.inputs, strict=True)]


def _fit(gradient: Any, taken: tf.Tensor) -> tf.Tensor | None:
    if gradient is None or not tf_private.is_differentiable(taken):
        return None
    tensor = tf.convert_to_tensor(gradient)
    tensor.shape.assert_is_compatible_with(taken.shape)
    return tensor


def _check(node: Node, function: Callable[..., Any], inputs: Tensors) -> None:
    """Traces a gradient. Otherwise only saving would, and fail with TensorFlow's message."""

    def gradients(*given: tf.Tensor) -> list[tf.Tensor | None]:
        outputs = [output for output in function(*given) if tf_private.is_differentiable(output)]
        found: list[tf.Tensor | None] = tf.gradients(outputs, list(given))
        return found

    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in inputs]
    try:
        tf.function(gradients, autograph=False).get_concrete_function(*specs)
    except Exception as error:  # Gradient functions may fail on another op in any way.
        raise errors.UnsupportedOpError(
            f"the gradient of op {node.op!r} is overridden by that of"
            f" {gradient_overrides.override_of(node)!r}, which does not fit it:"
            f" {errors.first_line(error)}",
            node=node.name,
            remedy="TF1 cannot differentiate it either; export the module without this override.",
        ) from error


def _missing(op: tf.Operation, *upstream: tf.Tensor | None) -> list[tf.Tensor | None]:
    """Fails when it runs, if a gradient came to the op; what is beside the op has its own.

    XLA leaves assertions out, and gets gradients that are not numbers.
    """
    came = [tf.reduce_any(tf.not_equal(grad, 0)) for grad in upstream if grad is not None]
    needed = tf.reduce_any(came)
    text = f"No gradient defined for operation '{op.name}' (op type: {op.type})"
    with tf.control_dependencies([tf.debugging.Assert(tf.logical_not(needed), [text])]):
        value = tf.where(needed, float("nan"), 0.0)
        return [
            tf.fill(tf.shape(taken), tf.cast(value, taken.dtype))
            if tf_private.is_differentiable(taken)
            else None
            for taken in op.inputs
        ]


# Gradients of `tf.contrib`.


def _fold_fused_batch_norm(op: tf.Operation, *upstream: tf.Tensor) -> list[tf.Tensor | None]:
    """Differentiates by the batch's mean and variance alone: folding leaves the output unused.

    The variance has Bessel's correction for `n` values per channel.
    """
    x, mean = op.inputs[0], op.outputs[1]
    by_mean, by_variance = upstream[1], upstream[2]
    n = tf.cast(tf.size(x) / tf.size(by_mean), tf.float32)
    by_x = by_mean / n + 2.0 * by_variance * (x - mean) / (n - 1.0)
    return [by_x, *[None] * (len(op.inputs) - 1)]


def _lower_bound(op: tf.Operation, upstream: tf.Tensor) -> list[tf.Tensor | None]:
    """Passes the gradient where the input is at least the bound, or the gradient raises it."""
    value, bound = op.inputs
    passes = tf.logical_or(value >= bound, upstream < 0)
    return [tf.cast(passes, upstream.dtype) * upstream, None]


def _batch(op: tf.Operation, *upstream: tf.Tensor) -> list[tf.Tensor]:
    """Returns to each caller of a batch its own rows of the gradients."""
    index, batch_id = op.outputs[-2], op.outputs[-1]
    return [
        tf.raw_ops.Unbatch(
            batched_tensor=upstream[position],
            batch_index=index,
            id=batch_id,
            timeout_micros=op.get_attr("grad_timeout_micros"),
            shared_name=f"batch_gradient_{op.name}_{position}",
        )
        for position in range(len(op.inputs))
    ]


def _unbatch(op: tf.Operation, upstream: tf.Tensor) -> list[tf.Tensor | None]:
    """Concatenates the gradients of all callers of a batch."""
    batched, index, batch_id = op.inputs
    by_batched = tf.raw_ops.UnbatchGrad(
        original_input=batched,
        batch_index=index,
        grad=upstream,
        id=batch_id,
        shared_name=f"unbatch_gradient_{op.name}",
    )
    return [by_batched, None, None]


# All names of `gradient_overrides.LIBRARY_GRADIENTS` and `CONTRIB_OP_GRADIENTS`, and `MISSING`.
_GRADIENTS: Mapping[str, Gradient] = {
    "Batch": _batch,
    "FoldFusedBatchNormGrad": _fold_fused_batch_norm,
    "GDNLowerBound": _lower_bound,
    "Unbatch": _unbatch,
    gradient_overrides.MISSING: _missing,
}
