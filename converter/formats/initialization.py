"""Finds what a SavedModel initializes when it has been loaded, and by which ops.

Source: `get_init_op` and `get_asset_tensors` in TensorFlow's saved_model/loader_impl.py (1.15 to
2.21), and `RunInitOp` in cc/saved_model/loader.cc, which agree.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from converter import errors
from converter.formats.collection_values import parse_ref, read_collection
from converter.formats.graph_state import find_filled
from converter.formats.restore_ops import find_assigned
from converter.formats.variable_defs import read_variable_def
from converter.ir import op_facts, query
from converter.ir.graph import Nodes, TensorRef

INIT_SIGNATURE = "__saved_model_init_op"
TRAIN_SIGNATURE = "__saved_model_train_op"
_INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
_TRAIN_COLLECTIONS = ("saved_model_train_op", "train_op")


@dataclasses.dataclass(frozen=True, slots=True)
class Initialization:
    """The effects of the ops that initialize a model.

    Attributes:
      ops: The ops that a loader runs.
      assigned: The tensor that each variable is assigned, by the node that stands for it.
      assigned_twice: The variables with two of them.
    """

    ops: tuple[str, ...]
    assigned: Mapping[str, TensorRef]
    assigned_twice: frozenset[str] = frozenset()


def find_initialization(meta_graph: Any, nodes: Nodes) -> Initialization:
    """Finds what is initialized when the model has been restored.

    That is what its init op does. A model without one leaves tables and local variables to the
    programs that load it, which run the initializers of both.

    Raises:
      FormatError: if there are several init ops, or one does something else.
    """
    op = find_init_op(meta_graph)
    if op is not None:
        return _follow(nodes, (op,))
    local = [read_variable_def(v) for v in read_collection(meta_graph, "local_variables", "bytes")]
    names = [proto.initializer_name for proto in local if proto.initializer_name]
    names += read_collection(meta_graph, "table_initializer", "node")
    return _follow(nodes, tuple(dict.fromkeys(parse_ref(name).node for name in names)))


def find_init_op(meta_graph: Any) -> str | None:
    """The op that loaders run after they have restored the variables, if there is one.

    Raises:
      FormatError: if the file names several, or no op.
    """
    if INIT_SIGNATURE in meta_graph.signature_def:
        return _op_of_signature(meta_graph, INIT_SIGNATURE)
    for key in _INIT_COLLECTIONS:
        if key in meta_graph.collection_def:
            found = read_collection(meta_graph, key, "node")
            if len(found) != 1:
                raise errors.FormatError(
                    f"collection {key!r} has {len(found)} ops, expected one",
                    remedy="TensorFlow cannot load the model either: export it again.",
                )
            return parse_ref(found[0]).node
    return None


def find_train_ops(meta_graph: Any) -> list[str]:
    """The ops that train the model, which programs run that go on training it."""
    found = []
    if TRAIN_SIGNATURE in meta_graph.signature_def:
        found.append(_op_of_signature(meta_graph, TRAIN_SIGNATURE))
    for key in _TRAIN_COLLECTIONS:
        if key in meta_graph.collection_def:
            found += [parse_ref(n).node for n in read_collection(meta_graph, key, "node")]
    return list(dict.fromkeys(found))


def _op_of_signature(meta_graph: Any, key: str) -> str:
    outputs = meta_graph.signature_def[key].outputs
    if key not in outputs or not outputs[key].name:
        raise errors.FormatError(f"signature {key!r} names no op, expected one as output {key!r}")
    return parse_ref(outputs[key].name).node


def _follow(nodes: Nodes, ops: tuple[str, ...]) -> Initialization:
    """Follows the ops to what they assign and fill."""
    assigned: dict[str, TensorRef] = {}
    twice: set[str] = set()
    waiting, seen = list(ops), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = query.get_node(nodes, name)
        waiting.extend(node.control_inputs)
        target = find_assigned(nodes, node)
        if target is not None:
            if target in assigned:
                twice.add(target)
            assigned[target] = node.inputs[1]
        elif not _fills_table(nodes, name):
            _check_no_other_effect(nodes, name)
            waiting.extend(ref.node for ref in node.inputs)
    return Initialization(ops, assigned, frozenset(twice))


def _fills_table(nodes: Nodes, name: str) -> bool:
    tables = op_facts.TABLE_HANDLES | op_facts.REF_TABLE_OPS.keys()
    filled = find_filled(nodes, nodes[name])
    return bool(filled) and filled[0] in nodes and nodes[filled[0]].op in tables


def _check_no_other_effect(nodes: Nodes, name: str) -> None:
    op = nodes[name].op
    is_known = op_facts.find_op_def(op) is not None
    if not is_known or op_facts.has_effect(op) or op in op_facts.V1_CONTROL_FLOW:
        raise errors.FormatError(
            f"the init op runs op {op!r}, expected only assignments and ops that fill tables",
            node=name,
            remedy="Export the model with a main op that only initializes tables and variables.",
        )
