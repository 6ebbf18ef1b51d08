"""The variables of a TF1 graph: how to set and to read them in a session."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import Program, VariableSpec


@dataclasses.dataclass(frozen=True, slots=True)
class LegacyVariable:
    """A variable in the graph: its value, how to set and to read it, and what stands for it."""

    name: str
    trainable: bool
    value: np.ndarray
    new_value: Any
    assign: Any
    read: Any
    handles: tuple[Any, ...]

    @property
    def is_differentiable(self) -> bool:
        """Whether there can be gradients by it."""
        dtype = tf.as_dtype(self.read.dtype)
        return self.trainable and (dtype.is_floating or dtype.is_complex)


def find_trainable(legacy: LegacyModule) -> frozenset[str]:
    """The variables that some graph variant trains, as they are trainable in all of the result."""
    specs = [spec for p in legacy.variants.values() for spec in p.variables.values()]
    return frozenset(spec.name for spec in specs if spec.trainable)


def group_nodes(
    program: Program, trainable: Collection[str], left_out: Collection[str] = ()
) -> list[tuple[VariableSpec, list[str]]]:
    """Each variable once, with all nodes that stand for it, and trainable if it is listed.

    Args:
      program: The graph variant.
      trainable: The names of the variables that are trainable.
      left_out: The nodes that are not in the graph.
    """
    groups: dict[str, tuple[VariableSpec, list[str]]] = {}
    for node, spec in program.variables.items():
        if node in left_out:
            continue
        known = dataclasses.replace(spec, trainable=spec.name in trainable)
        groups.setdefault(spec.name, (known, []))[1].append(node)
    return list(groups.values())


def make_variable(
    graph: tf.Graph, nodes: Sequence[str], spec: VariableSpec, value: np.ndarray
) -> LegacyVariable:
    """Adds to the graph what sets and reads a variable.

    Args:
      graph: The graph.
      nodes: The nodes that stand for it.
      spec: What the module says of it.
      value: Its value in the checkpoint.
    """
    handles = tuple(graph.get_tensor_by_name(f"{node}:0") for node in nodes)
    dtype = tf.as_dtype(spec.dtype)
    new_value = tf1.placeholder(dtype)
    if handles[0].dtype == tf.resource:
        assign = tf.raw_ops.AssignVariableOp(resource=handles[0], value=new_value)
        read = tf.raw_ops.ReadVariableOp(resource=handles[0], dtype=dtype)
    else:
        assign = tf.raw_ops.Assign(
            ref=handles[0], value=new_value, validate_shape=False, use_locking=True
        )
        read = tf.raw_ops.Identity(input=handles[0])
    return LegacyVariable(spec.name, spec.trainable, value, new_value, assign, read, handles)
