"""All uses of TensorFlow's private API, one function for each.

Each function says why nothing public does the same. Tested with TensorFlow 2.15.1 and 2.21.0.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session
from tensorflow.python.eager import backprop_util, context
from tensorflow.python.framework import op_def_registry, ops
from tensorflow.python.ops import resource_variable_ops
from tensorflow.python.saved_model import fingerprinting_utils, save_context
from tensorflow.python.saved_model import save as saved_model_save


def get_op_def(op: str) -> Any | None:
    """Returns the registered `OpDef` of `op`, or None; `tf.raw_ops` has functions, not OpDefs."""
    return op_def_registry.get(op)


def list_registered_ops() -> frozenset[str]:
    """Returns the names of all registered ops; `tf.raw_ops` lacks the internal ones."""
    buffer = pywrap_tf_session.TF_GetAllOpList()
    ops = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetBuffer(buffer)).op
    return frozenset(op.name for op in ops)


def find_gradient(name: str) -> Callable[..., Any] | None:
    """Returns the gradient function registered under `name`; None if the op has no gradient.

    `tf.RegisterGradient` adds to this registry; nothing public reads it.

    Raises:
      LookupError: if nothing is registered under that name.
    """
    function: Callable[..., Any] | None = ops.gradient_registry.lookup(name)
    return function


def capture(tensor: tf.Tensor) -> tf.Tensor:
    """Captures an outer tensor in the function, branch or loop body being traced.

    `tf.import_graph_def` maps inputs to tensors of the same graph only, and a public identity
    op would hide the variable behind a resource handle from gradients and from the saver. A
    plain graph, in which TensorFlow creates tables while saving, captures nothing.
    """
    capture_in = getattr(tf.compat.v1.get_default_graph(), "capture", None)
    return tensor if capture_in is None else capture_in(tensor)


def is_differentiable(tensor: tf.Tensor) -> bool:
    """Whether TensorFlow propagates gradients through `tensor`; for a list, its elements.

    Only private functions know the element dtype of a variant tensor.
    """
    return bool(backprop_util.IsTrainable(tensor))


def watch_variable(variable: tf.Variable) -> None:
    """Adds `variable` to those that the function being traced watches.

    The public methods that read a variable do this. A use of its bare handle does not, and a
    `GradientTape` around a call of the live function would then return None.
    """
    tf.compat.v1.get_default_graph().watch_variable(variable)


def settings_of_calls() -> bytes:
    """Returns the serialized `ConfigProto` that TensorFlow writes into the calls of functions.

    The public API sets and reads single settings, and does not say what of them gets into a graph.
    """
    settings: bytes = context.context().function_call_options.config_proto_serialized
    return settings


def write_fingerprint(directory: os.PathLike[str]) -> None:
    """Writes `fingerprint.pb`, which has a random uuid, for the `saved_model.pb` in `directory`.

    The public API computes fingerprints only inside `tf.saved_model.save`, and the converter
    edits `saved_model.pb` after that.
    """
    fingerprinting_utils.write_fingerprint(os.fspath(directory))


def make_uninitialized_variable(
    name: str, dtype: tf.DType, shape: tf.TensorShape, trainable: bool
) -> tf.Variable:
    """Makes a variable without a value, for functions to be traced with and saved.

    A `tf.Variable` always has a value, and takes the memory for it.
    """
    return resource_variable_ops.UninitializedVariable(
        name=name, dtype=dtype, shape=shape, trainable=trainable
    )


def tracing_for_saving(
    options: tf.saved_model.SaveOptions,
) -> contextlib.AbstractContextManager[None]:
    """Returns a context in which functions are traced as `options` will save them.

    When TensorFlow saves a function, it looks for a trace made in a context with the same
    variable policy, and traces the function once more if there is none.
    """
    saving: contextlib.AbstractContextManager[None] = save_context.save_context(options)
    return saving


def save_without_checkpoint(
    module: tf.Module,
    directory: os.PathLike[str],
    signatures: Mapping[str, Any],
    options: tf.saved_model.SaveOptions,
) -> list[Any]:
    """Writes a SavedModel without variables; returns its objects in the order of its object graph.

    `tf.saved_model.save` always writes the values of variables.
    """
    objects, _ = saved_model_save.save_and_return_nodes(
        module, os.fspath(directory), dict(signatures), options, experimental_skip_checkpoint=True
    )
    return list(objects)
