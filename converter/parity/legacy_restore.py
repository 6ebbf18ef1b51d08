"""The values of variables as a TF1 SavedModel itself restores and initializes them.

Loaders run ops of the file for that. The converter reads which entries of the checkpoint those ops
take; a comparison that relied on that could not see what it misread, so here they run. They reach
TensorFlow only if they assign variables from constants and from the model's own checkpoint.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from tensorflow.core.framework import types_pb2

from converter import errors
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import Program, VariableSpec
from converter.ir.serde import nodes_from_graph_def
from converter.parity.legacy_import import import_graph
from converter.parity.legacy_needs import find_needed
from converter.parity.random_ops import make_deterministic
from converter.parity.source_facts import find_initializers
from converter.parity.values import as_array
from converter.safety.allowed_ops import NONE
from converter.safety.check_safety import check_nodes
from converter.safety.graph_bounds import check_graph_bounds
from converter.tensor_bundle.checkpoint import NOT_STORED

_ASSIGN = frozenset({"Assign", "AssignVariableOp"})
_PASS_ON = frozenset({"Identity", "PlaceholderWithDefault"})


def restore_values(
    meta_graph: Any, legacy: LegacyModule, program: Program
) -> dict[str, np.ndarray]:
    """Runs the ops of a SavedModel that restore and initialize its variables.

    Args:
      meta_graph: The MetaGraphDef.
      legacy: The model.
      program: The same graph variant, as the converter reads it.

    Returns:
      The value of each variable that the ops set, by its TF1 name. Without ops that restore, values
      in the checkpoint are not among them.

    Raises:
      UnsafeModuleError: if an op reads another file, or may do harm.
      WeightsError: if a value in the checkpoint is damaged.
      ParityError: if TensorFlow cannot restore the model.
    """
    restores = bool(meta_graph.saver_def.restore_op_name)
    wanted = {
        spec.name: spec
        for spec in program.variables.values()
        if not legacy.checkpoint.lacks(spec) and (restores or spec.checkpoint_key == NOT_STORED)
    }
    if not wanted:
        return {}
    _read_first(legacy, wanted.values())
    reduced, assignments = _reduce(meta_graph, program, {spec.node for spec in wanted.values()})
    graph = import_graph(reduced)
    with graph.as_default():
        reads = {name: _read(graph, spec) for name, spec in wanted.items()}
    saver = meta_graph.saver_def
    feeds = {saver.filename_tensor_name: os.fspath(legacy.checkpoint.prefix)}
    try:
        with tf1.Session(graph=graph) as session:
            if restores and legacy.checkpoint.entries:
                session.run(graph.get_operation_by_name(_node(saver.restore_op_name)), feeds)
            session.run([graph.get_operation_by_name(name) for name in assignments])
            return {name: as_array(value) for name, value in session.run(reads).items()}
    except tf.errors.OpError as error:
        raise errors.ParityError(
            f"TensorFlow cannot restore the variables of the original: {errors.summarize(error)}",
            remedy="Copy the model again.",
        ) from error


def _read_first(legacy: LegacyModule, specs: Iterable[VariableSpec]) -> None:
    """Reads what TensorFlow may not read unseen: strings and parts, whose lengths it believes."""
    for key, entry in legacy.checkpoint.entries.items():
        if entry.dtype == types_pb2.DT_STRING and not entry.slices:  # Of tables, too.
            legacy.checkpoint.read(VariableSpec(key, key, entry.dtype, None, False, key))
    for spec in specs:
        found = legacy.checkpoint.entries.get(spec.checkpoint_key)
        if found is not None and found.slices:
            legacy.checkpoint.read(spec)


def _reduce(
    meta_graph: Any, program: Program, variables: Iterable[str]
) -> tuple[Any, tuple[str, ...]]:
    """Keeps the ops that restore and assign variables; returns them, and those that assign."""
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    initialized = find_needed(nodes, find_initializers(meta_graph))
    assignments = tuple(name for name in nodes if name in initialized and nodes[name].op in _ASSIGN)
    saver = meta_graph.saver_def
    roots = [*variables, *assignments]
    roots += [_node(saver.restore_op_name)] if saver.restore_op_name else []
    kept = find_needed(nodes, roots)
    reduced = type(meta_graph)()
    reduced.graph_def.versions.CopyFrom(meta_graph.graph_def.versions)
    reduced.graph_def.node.extend(node for name, node in nodes.items() if name in kept)
    for node in reduced.graph_def.node:
        node.device = ""
        if node.op == "RestoreV2":
            _check_file(nodes, node, saver.filename_tensor_name)
        if node.attr["_class"].list.s:
            del node.attr["_class"]  # Colocations may name nodes that are not kept.
    read = nodes_from_graph_def(reduced.graph_def)
    check_nodes([node for node in read.values() if node.op != "RestoreV2"], NONE)
    check_graph_bounds(read, program.producer, NONE)
    make_deterministic(reduced.graph_def)
    return reduced, assignments


def _check_file(nodes: Mapping[str, Any], node: Any, filename: str) -> None:
    """Checks that an op reads the file that the loader names.

    Raises:
      UnsafeModuleError: if it reads another.
    """
    if _node(filename) not in _trail(nodes, node.input[0]):
        raise errors.UnsafeModuleError(
            "the original restores variables from a file that is not its checkpoint",
            node=node.name,
        )


def _trail(nodes: Mapping[str, Any], name: str) -> Iterator[str]:
    seen: set[str] = set()
    while (name := _node(name)) in nodes and name not in seen:
        yield name
        seen.add(name)
        if nodes[name].op not in _PASS_ON:
            return
        name = nodes[name].input[0]


def _node(name: str) -> str:
    return name.removeprefix("^").partition(":")[0]


def _read(graph: tf.Graph, spec: VariableSpec) -> Any:
    handle = graph.get_tensor_by_name(f"{spec.node}:0")
    if handle.dtype == tf.resource:
        return tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.as_dtype(spec.dtype))
    return tf.raw_ops.Identity(input=handle)
