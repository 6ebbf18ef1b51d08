"""Leaves out signatures that train a model: those that write weights, or run an optimizer."""

from __future__ import annotations

import dataclasses
import re

from converter.ir import op_facts, query
from converter.ir.aliases import ENTRANCES, IDENTITIES, source_of
from converter.ir.graph import Node, Omission, Program, Signature

# The ops of optimizers: ApplyAdam, ResourceSparseApplyMomentum, … (source: training_ops.cc).
_OPTIMIZER = re.compile(r"(Resource)?(Sparse)?Apply[A-Z]\w*")


def leave_out_training(program: Program) -> Program:
    """Returns a graph variant without the signatures that train it.

    A call of the converted model changes no weights: an optimizer does that, in TensorFlow 2. The
    signatures are listed in the variant's `omissions`.
    """
    reasons = {name: find_training(program, s) for name, s in program.signatures.items()}
    kept = {name: s for name, s in program.signatures.items() if not reasons[name]}
    omitted = [Omission("signature", name, why) for name, why in reasons.items() if why]
    return dataclasses.replace(program, signatures=kept, omissions=(*program.omissions, *omitted))


def find_training(program: Program, signature: Signature) -> str:
    """Returns why a signature trains the model; "" if it does not."""
    fed = {ref for info in signature.inputs.values() for ref in info.components}
    roots = [
        ref.node
        for info in signature.outputs.values()
        for ref in info.components
        if ref not in fed and ref.node in program.nodes
    ]
    for name in sorted(query.reachable(program.nodes, roots, fed.__contains__)):
        node = program.nodes[name]
        if _OPTIMIZER.fullmatch(node.op):
            return f"it runs the optimizer, by op {node.op!r} at node {name!r}"
        written = _find_written(program, node)
        if written is not None:
            return f"it writes to the trainable variable {written!r}, at node {name!r}"
    return ""


def _find_written(program: Program, node: Node) -> str | None:
    """The name of the trainable variable that a node writes to, or None."""
    if not node.inputs or not op_facts.has_effect(node.op):
        return None
    target = source_of(program.nodes, node.inputs[0], IDENTITIES | ENTRANCES).node
    spec = program.variables.get(target)
    return spec.name if spec is not None and spec.trainable else None
