"""All uses of TensorFlow's private API, one function for each.

Each function says why nothing public does the same. Tested with TensorFlow 2.15.1, 2.18.1 and
2.21.0.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session
from tensorflow.python.eager import backprop_util, context
from tensorflow.python.framework import (
    auto_control_deps_utils,
    convert_to_constants,
    op_def_registry,
    ops,
)
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


class _VariableWithoutValue(resource_variable_ops.BaseResourceVariable):
    """A variable that functions are traced with and saved.

    TensorFlow's `UninitializedVariable` makes a kernel for every name, which takes 0.8 ms, and in
    the graph of a SavedModel also an op that reads it.
    """

    def __init__(self, name: str, dtype: tf.DType, shape: tf.TensorShape, trainable: bool) -> None:
        handle = resource_variable_ops._variable_handle_from_shape_and_dtype(
            shape, dtype, shared_name=None, name="", graph_mode=False
        )
        unique_id = f"{name}_{ops.uid()}"
        super().__init__(
            trainable=trainable,
            shape=shape,
            dtype=dtype,
            handle=handle,
            handle_name=name,
            unique_id=unique_id,
            in_graph_mode=False,
        )
        handle._parent_trackable = weakref.ref(self)
        handle._name = f"{name}:0"
        handle._unique_id = unique_id

    def _export_to_saved_model_graph(self, **_: Any) -> list[tf.Tensor]:
        return [self.handle]  # `_export_handles` puts all handles into the graph at once.

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return {}  # The converter writes the saver.


def make_uninitialized_variable(
    name: str, dtype: tf.DType, shape: tf.TensorShape, trainable: bool
) -> tf.Variable:
    """Makes a variable without a value, for functions to be traced with and saved.

    A `tf.Variable` always has a value, and takes the memory for it; it is the fallback.
    """
    try:
        return _VariableWithoutValue(name, dtype, shape, trainable)
    except (AttributeError, TypeError):
        value = tf.zeros([size or 0 for size in shape.as_list()] if shape.rank else [], dtype)
        return tf.Variable(value, trainable, name=name, dtype=dtype, shape=shape)


@contextlib.contextmanager
def eager_mode() -> Iterator[None]:
    """Runs a block eagerly, though the caller may be building a graph.

    Programs of TF1 call from inside of `with graph.as_default():`, or have turned eager execution
    off. Of TensorFlow's public API, `tf.init_scope` leaves functions only.
    """
    with contextlib.nullcontext() if tf.executing_eagerly() else context.eager_mode():
        yield


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
    variables: Iterable[tf.Variable],
    options: tf.saved_model.SaveOptions,
) -> tuple[list[Any], Mapping[Any, Any]]:
    """Writes a SavedModel without the values of variables, and without signatures.

    `tf.saved_model.save` always writes the values, and does not say by what the graph replaces what
    functions capture.

    Args:
      module: What to save.
      directory: Where.
      variables: The variables of `module`.
      options: How.

    Returns:
      The objects in the order of the object graph, and for each tensor that functions capture from
      them, the tensor of the graph, or the variable there that holds it.
    """
    tensors: list[Any] = []

    def export(*, tensor_map: Any, **_: Any) -> list[tf.Tensor]:
        tensors.append(tensor_map)  # One for all objects, which grows.
        _export_handles([v for v in variables if isinstance(v, _VariableWithoutValue)], tensor_map)
        return []

    vars(module)["_export_to_saved_model_graph"] = export
    try:
        objects, _ = saved_model_save.save_and_return_nodes(
            module, os.fspath(directory), {}, options, experimental_skip_checkpoint=True
        )
    finally:
        del vars(module)["_export_to_saved_model_graph"]
    return list(objects), tensors[0]


def _export_handles(variables: Sequence[tf.Variable], tensor_map: Any) -> None:
    """Adds the handles of variables to the default graph, under names of their own there."""
    graph, graph_def = tf.compat.v1.get_default_graph(), tf.compat.v1.GraphDef()
    for variable in variables:
        name = graph.unique_name(variable.name.removesuffix(":0"))
        node = graph_def.node.add(name=name, op="VarHandleOp")
        node.attr["dtype"].type = variable.dtype.as_datatype_enum
        node.attr["shape"].shape.CopyFrom(variable.shape.as_proto())
        node.attr["shared_name"].s = name.encode()
    names = [f"{node.name}:0" for node in graph_def.node]
    handles = tf.graph_util.import_graph_def(graph_def, return_elements=names, name="")
    for variable, handle in zip(variables, handles or (), strict=True):
        tensor_map[variable.handle] = handle


def find_read_only_inputs(function: Any) -> list[int]:
    """Finds the inputs of a concrete function whose resources it only reads, by index.

    Calls have them as an attribute, so that calls that only read need not wait for each other.
    Without it they do, which is the fallback.
    """
    try:
        indices = auto_control_deps_utils.get_read_only_resource_input_indices_graph(function.graph)
    except AttributeError:
        return []
    return list(indices)


def freeze(function: Any) -> tuple[Any, list[str]]:
    """Returns a concrete function as one GraphDef, and the names of its input nodes, in order.

    Variables are constants in it, and called functions are inlined; loops and branches are still
    functions. `tf.compat.v1.graph_util` does this only for a Session.

    Raises:
      ValueError: if the function uses resources other than variables, or changes variables.
    """
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        function, lower_control_flow=False, aggressive_inlining=True
    )
    return frozen.graph.as_graph_def(), [tensor.op.name for tensor in frozen.inputs]
