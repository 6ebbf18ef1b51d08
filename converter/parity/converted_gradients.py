"""The gradients of what a converted module's calls return, with respect to its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from converter import errors
from converter.parity.values import as_array, loss_weights

Outputs = Mapping[str, Any]
Weights = Mapping[str, tf.Variable]
Found = tuple[dict[str, np.ndarray | None], str]


def describe_error(error: Exception) -> str:
    """The type of an error, and what it says in one line."""
    return f"{type(error).__name__}: {errors.summarize(error)}"


def differentiate(tape: tf.GradientTape, outputs: Iterable[Any], weights: Weights) -> Found:
    """The gradients of a weighted sum of all float outputs, or why there are none."""
    return _evaluate(lambda: _differentiate(tape, outputs, weights))


def differentiate_in_function(call: Callable[[], Iterable[Any]], weights: Weights) -> Found:
    """The same for a call whose outputs no eager tape can watch, such as a loop's strings.

    Keras trains in a function, too.
    """

    @tf.function(autograph=False)
    def trace() -> dict[str, Any]:
        with tf.GradientTape() as tape:
            outputs = call()
        return _differentiate(tape, outputs, weights)

    return _evaluate(trace)


def _evaluate(compute: Callable[[], Mapping[str, Any]]) -> Found:
    try:
        found = compute()
    except Exception as failure:  # Whatever it is, there are no gradients.
        return {}, describe_error(failure)
    return _as_arrays(found), ""


def _differentiate(
    tape: tf.GradientTape, outputs: Iterable[Any], weights: Weights
) -> dict[str, Any]:
    targets = [tensor for tensor in map(_values_tensor, outputs) if tensor.dtype.is_floating]
    sources = {
        name: variable
        for name, variable in weights.items()
        if variable.trainable and (variable.dtype.is_floating or variable.dtype.is_complex)
    }
    if not targets or not sources:
        return {}
    found = tape.gradient(targets, list(sources.values()), list(map(loss_weights, targets)))
    return {
        name: None if gradient is None else tf.convert_to_tensor(gradient)
        for name, gradient in zip(sources, found, strict=True)
    }


def _values_tensor(output: Any) -> tf.Tensor:
    if isinstance(output, tf.SparseTensor):
        return output.values
    return output.flat_values if isinstance(output, tf.RaggedTensor) else output


def _as_arrays(gradients: Mapping[str, Any]) -> dict[str, np.ndarray | None]:
    return {
        name: None if gradient is None else as_array(gradient.numpy())
        for name, gradient in gradients.items()
    }
