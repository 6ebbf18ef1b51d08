"""Everything that the converter uses of TensorFlow's private API, and nothing else.

Each function says why nothing public does it. Tested on TensorFlow 2.15.1 and 2.21.0.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import backprop_util
from tensorflow.python.framework import op_def_registry, ops
from tensorflow.python.ops import resource_variable_ops
from tensorflow.python.saved_model import fingerprinting_utils, save_context
from tensorflow.python.saved_model import save as saved_model_save


def get_op_def(op: str) -> Any | None:
    """Returns the registered `OpDef` of `op`, or None: `tf.raw_ops` offers calls, no OpDefs."""
    return op_def_registry.get(op)


def find_gradient(name: str) -> Callable[..., Any] | None:
    """Returns the gradient function of an op, or None if no gradient passes it.

    `tf.RegisterGradient` adds to this registry; nothing public looks it up.

    Raises:
      LookupError: if it has no such name.
    """
    function: Callable[..., Any] | None = ops.gradient_registry.lookup(name)
    return function


def capture(tensor: tf.Tensor) -> tf.Tensor:
    """Captures a tensor of outside in the function, branch or loop body being traced.

    `tf.import_graph_def` maps inputs to tensors of its own graph only, and a public identity
    op would hide the variable behind a resource handle from gradients and from the saver. A
    plain graph, in which TensorFlow makes tables while it saves, has nothing outside.
    """
    capture_in = getattr(tf.compat.v1.get_default_graph(), "capture", None)
    return tensor if capture_in is None else capture_in(tensor)


def is_differentiable(tensor: tf.Tensor) -> bool:
    """Whether TensorFlow leads gradients through `tensor`: for a list, through its elements.

    What a variant holds is known to private parts of TensorFlow only.
    """
    return bool(backprop_util.IsTrainable(tensor))


def watch_variable(variable: tf.Variable) -> None:
    """Lists `variable` among those that the function being traced uses.

    Reading a variable by its public methods does this; using its bare handle does not, and a
    `GradientTape` around a call of the live function would then return None.
    """
    tf.compat.v1.get_default_graph().watch_variable(variable)


def write_fingerprint(directory: os.PathLike[str]) -> None:
    """Writes `fingerprint.pb` for the `saved_model.pb` in `directory`, with its random uuid.

    The public API computes fingerprints only inside of `tf.saved_model.save`, and
    `saved_model.pb` is edited after that.
    """
    fingerprinting_utils.write_fingerprint(os.fspath(directory))


def make_uninitialized_variable(
    name: str, dtype: tf.DType, shape: tf.TensorShape, trainable: bool
) -> tf.Variable:
    """A variable without a value, which functions can be traced with and saved.

    `tf.Variable` always has one, and would take the memory of it.
    """
    return resource_variable_ops.UninitializedVariable(
        name=name, dtype=dtype, shape=shape, trainable=trainable
    )


def tracing_for_saving(
    options: tf.saved_model.SaveOptions,
) -> contextlib.AbstractContextManager[None]:
    """A context in which functions are traced as they are to be saved with `options`.

    TensorFlow asks for every function once more when it saves it, in a context of which the
    variable policy is a part. What was traced outside of such a context is traced anew.
    """
    context: contextlib.AbstractContextManager[None] = save_context.save_context(options)
    return context


def save_without_checkpoint(
    module: tf.Module,
    directory: os.PathLike[str],
    signatures: Mapping[str, Any],
    options: tf.saved_model.SaveOptions,
) -> list[Any]:
    """Writes a SavedModel but for its variables; returns its objects as they are numbered in it.

    `tf.saved_model.save` always writes the values of variables.
    """
    objects, _ = saved_model_save.save_and_return_nodes(
        module, os.fspath(directory), dict(signatures), options, experimental_skip_checkpoint=True
    )
    return list(objects)
