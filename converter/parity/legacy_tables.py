"""Restores the tables of a TF1 SavedModel as its own saver does.

Loaders run ops of the file for that, which read the checkpoint. TensorFlow's own reader reads it
here, and constants take the place of what these ops would read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from converter import errors
from converter.ir.graph import VariableSpec
from converter.parity.legacy_needs import find_needed
from converter.tensor_bundle.checkpoint import Checkpoint
from converter.tensor_bundle.tensorflow_reader import read_with_tensorflow

_IMPORTS = frozenset({"LookupTableImport", "LookupTableImportV2"})


def restore_tables(meta_graph: Any, checkpoint: Checkpoint) -> list[str]:
    """Makes the ops that restore tables run without the checkpoint.

    One that reads anything but whole tensors of the checkpoint is left out: its table stays empty.

    Args:
      meta_graph: The MetaGraphDef, which is changed.
      checkpoint: The weights. Without any, loaders restore nothing.

    Returns:
      The ops that restore tables, which run before those that initialize the model.
    """
    restore = meta_graph.saver_def.restore_op_name
    if not restore or not checkpoint.entries:
        return []
    graph_def = meta_graph.graph_def
    nodes = {node.name: node for node in graph_def.node}
    needed = find_needed(nodes, [_split(restore)[0]])
    ops = []
    for node in [n for name, n in nodes.items() if name in needed and n.op in _IMPORTS]:
        with contextlib.suppress(errors.WeightsError, LookupError, ValueError):
            values = [_read(nodes, tensor, checkpoint) for tensor in node.input[1:3]]
            sources = [
                _add_constant(graph_def, f"{node.name}/{part}", value)
                for part, value in zip(("keys", "values"), values, strict=True)
            ]
            node.input[1:] = sources  # The rest are control inputs: what else the saver restores.
            ops.append(node.name)
    return ops


def _read(nodes: Mapping[str, Any], tensor: str, checkpoint: Checkpoint) -> Any:
    """The value that a node reads from the checkpoint, or holds.

    Raises:
      WeightsError: if the checkpoint lacks it, or is damaged.
      LookupError: if the graph is damaged.
      ValueError: if the node does something else.
    """
    name, index = _split(tensor)
    node = nodes[name]
    if node.op == "Const":
        return node.attr["value"].tensor
    if node.op != "RestoreV2":
        raise ValueError(node.op)
    keys, parts = (tf.make_ndarray(_constant(nodes, i)) for i in node.input[1:3])
    if parts[index]:
        raise ValueError(parts[index])
    key, dtype = keys[index].decode(), node.attr["dtypes"].list.type[index]
    value = read_with_tensorflow(checkpoint, VariableSpec(key, name, dtype, None, False, key))
    return tf.make_tensor_proto(value, tf.as_dtype(dtype), value.shape)


def _constant(nodes: Mapping[str, Any], tensor: str) -> Any:
    return nodes[_split(tensor)[0]].attr["value"].tensor


def _add_constant(graph_def: Any, name: str, value: Any) -> str:
    """Adds a constant whose shape is hidden.

    The buckets of a dense table have a shape that today's TensorFlow does not import.
    """
    constant = graph_def.node.add(name=f"{name}/restored", op="Const")
    constant.attr["value"].tensor.CopyFrom(value)
    constant.attr["dtype"].type = value.dtype
    hidden = graph_def.node.add(name=f"{name}/hidden", op="PlaceholderWithDefault")
    hidden.input.append(constant.name)
    hidden.attr["dtype"].type = value.dtype
    hidden.attr["shape"].shape.unknown_rank = True
    return str(hidden.name)


def _split(tensor: str) -> tuple[str, int]:
    name, _, index = tensor.removeprefix("^").partition(":")
    return name, int(index or 0)
