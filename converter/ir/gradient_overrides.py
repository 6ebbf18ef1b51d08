"""Resolves overrides of gradients by the rules of TensorFlow 1.15.

`gradient_override_map` and `tf.custom_gradient` leave a name in attribute `_gradient_op_type` of a
node, and `tf.gradients` looks that name up in a registry of Python functions instead of the
node's op (source: `get_gradient_function` in python/framework/ops.py).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from converter.ir import tf1_gradients
from converter.ir.graph import CUSTOM_GRADIENT_OP, Node

ATTRIBUTE = "_gradient_op_type"

# On nodes of ops that have no gradient. A module's own override of this name means nothing.
MISSING = "tf1hub/missing"

# Names other than op types that libraries of TensorFlow 1.15 register, and where they do.
LIBRARY_GRADIENTS: Mapping[str, str] = {
    "FoldFusedBatchNormGrad": "tensorflow/contrib/quantize/python/fold_batch_norms.py",
    # tf_slim has a copy of the layer that uses this name, and does not register it.
    "GDNLowerBound": "tensorflow/contrib/layers/python/layers/layers.py",
}

# Gradients of ops that TensorFlow 1.15 and 2 have, but that only contrib gave a gradient; those of
# the fused cells are in `op_facts.FUSED_CELLS`.
CONTRIB_OP_GRADIENTS: Mapping[str, str] = {
    "Batch": "tensorflow/contrib/batching/python/ops/batch_ops.py",
    "Unbatch": "tensorflow/contrib/batching/python/ops/batch_ops.py",
}

# Ops through which TensorFlow 1.15 leads no gradient, while 2.15 and 2.21 do.
STOPPED_IN_TF1 = frozenset({"EuclideanNorm"})

# Ops whose own gradient differs from the one that TensorFlow 2 would take.
CHANGED_OPS = STOPPED_IN_TF1 | CONTRIB_OP_GRADIENTS.keys()


class Source(enum.Enum):
    """The origin of a gradient."""

    NATURAL = "the gradient of the node's own op"
    REGISTERED = "a gradient that TensorFlow itself registers"
    LIBRARY = "a gradient that only a library registers"
    STOPPED = "no gradient passes"
    UNRESOLVED = "a name that only the exporter's process knew"


def override_of(node: Node) -> str | None:
    """The name in the node's override, or None."""
    if ATTRIBUTE not in node.attrs:
        return None
    return str(node.attrs[ATTRIBUTE].s.decode(errors="replace"))


def find_source(op: str, override: str | None) -> Source:
    """Finds the origin of a node's gradient in TensorFlow 1.15 with all of its libraries imported.

    Args:
      op: The op of a node that has inputs and is not a function call.
      override: The name in its attribute `_gradient_op_type`, if there is one.
    """
    name = op if override is None else override
    if name in LIBRARY_GRADIENTS or name in CONTRIB_OP_GRADIENTS:
        return Source.LIBRARY
    if name in STOPPED_IN_TF1:
        return Source.STOPPED
    if name == op:
        return Source.NATURAL
    if name in tf1_gradients.NOT_DIFFERENTIABLE:
        return Source.STOPPED
    return Source.REGISTERED if name in tf1_gradients.DIFFERENTIABLE else Source.UNRESOLVED


def is_unresolved(node: Node) -> bool:
    """Whether the node has an override that no library resolves."""
    override = override_of(node)
    if override is None or not node.inputs or node.op == CUSTOM_GRADIENT_OP:
        return False
    return find_source(node.op, override) is Source.UNRESOLVED
