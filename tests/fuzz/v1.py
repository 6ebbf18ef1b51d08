"""V1 graphs on an installed TensorFlow 2, and modules in the TF1 Hub format made of them."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator, Mapping

import tensorflow as tf
import tensorflow.compat.v1 as tf1
from tensorflow.core.protobuf import saved_model_pb2

from converter.formats import hub_protos

_KEPT_COLLECTIONS = frozenset({"variables", "trainable_variables", "cond_context", "while_context"})


@contextlib.contextmanager
def v1_control_flow() -> Iterator[None]:
    """Lets loops and conds be those of V1; as before afterwards."""
    before = tf1.control_flow_v2_enabled()
    tf1.disable_control_flow_v2()
    try:
        yield
    finally:
        if before:
            tf1.enable_control_flow_v2()


@contextlib.contextmanager
def v1_graph() -> Iterator[tf.Graph]:
    """A new default graph, with V1 control flow."""
    with tf.Graph().as_default() as graph, v1_control_flow():
        yield graph


def write_module(
    directory: pathlib.Path,
    graph: tf.Graph,
    inputs: Mapping[str, tf.Tensor],
    outputs: Mapping[str, tf.Tensor],
) -> None:
    """Writes a graph, with its variables as they are initialized, as `hub.Module.export` did.

    Args:
      directory: Where to; made here.
      graph: The graph, with variables in the collections that V1 keeps.
      inputs: Its placeholders, by their names in the signature.
      outputs: By their names in the signature.
    """
    write_graph(directory, graph, inputs, outputs)
    with graph.as_default():
        _write_variables(directory / "variables" / "variables", graph)


def write_graph(
    directory: pathlib.Path,
    graph: tf.Graph,
    inputs: Mapping[str, tf.Tensor],
    outputs: Mapping[str, tf.Tensor],
) -> None:
    """Writes all of a module but the values of its variables; see `write_module`."""
    (directory / "variables").mkdir(parents=True)
    meta_graph = tf1.train.export_meta_graph(graph=graph)
    for key in set(meta_graph.collection_def) - _KEPT_COLLECTIONS:
        del meta_graph.collection_def[key]
    signature = tf1.saved_model.build_signature_def(
        {name: tf1.saved_model.build_tensor_info(tensor) for name, tensor in inputs.items()},
        {name: tf1.saved_model.build_tensor_info(tensor) for name, tensor in outputs.items()},
    )
    meta_graph.signature_def["default"].CopyFrom(signature)
    saved_model = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    saved_model.meta_graphs.append(meta_graph)
    (directory / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    module_def = hub_protos.ModuleDef(format=hub_protos.FORMAT_V3)
    (directory / "tfhub_module.pb").write_bytes(module_def.SerializeToString())


def _write_variables(prefix: pathlib.Path, graph: tf.Graph) -> None:
    variables = graph.get_collection(tf1.GraphKeys.GLOBAL_VARIABLES)
    if not variables:
        return
    with tf1.Session(graph=graph) as session:
        session.run([variable.initializer for variable in variables])
        values = session.run({variable.op.name: variable.value() for variable in variables})
    # A Saver, or SaveV2 here, would add to the graph.
    with tf.Graph().as_default(), tf1.Session() as session:
        save = tf.raw_ops.SaveV2(
            prefix=str(prefix),
            tensor_names=list(values),
            shape_and_slices=[""] * len(values),
            tensors=[tf.constant(value) for value in values.values()],
        )
        session.run(save)


def op_types(graph: tf.Graph) -> set[str]:
    """The types of all ops in a graph."""
    return {op.type for op in graph.get_operations()}
