"""Finds out which entry of a checkpoint each variable is restored from.

A SavedModel brings its own ops for that, and loaders run them: an entry may have any key, whatever
the variable is called. Source: saver.proto, and `BaseSaverBuilder` in TensorFlow's saver.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from converter import errors
from converter.formats.collection_values import parse_ref
from converter.formats.graph_state import VARIABLES, find_filled
from converter.ir import constants, op_facts, query
from converter.ir.aliases import IDENTITIES, source_of, trail
from converter.ir.graph import Node, Nodes, SliceSpec, TensorRef

ASSIGNMENTS = frozenset({"Assign", "AssignVariableOp"})
_PASS_ON = IDENTITIES | {"PlaceholderWithDefault"}


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """An entry of a checkpoint, or a part of one."""

    key: str
    slice: SliceSpec | None


@dataclasses.dataclass(frozen=True, slots=True)
class Restored:
    """The variables and tables that the ops of a saver restore.

    Attributes:
      variables: Where the value of each variable is, by the node that stands for it.
      computed: The variables whose value is not an entry as it is, each with the reason.
      tables: The ops that restore tables.
    """

    variables: Mapping[str, Stored] = dataclasses.field(default_factory=dict)
    computed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    tables: tuple[str, ...] = ()


def find_restored(saver: Any, nodes: Nodes) -> Restored:
    """Reads the ops that a `SaverDef` names.

    Raises:
      FormatError: if they do more than to assign variables and to fill tables.
    """
    root = parse_ref(saver.restore_op_name).node
    filename = parse_ref(saver.filename_tensor_name)
    variables: dict[str, Stored] = {}
    computed: dict[str, str] = {}
    tables: list[str] = []
    needed = query.reachable(nodes, [root])
    for node in (node for name, node in nodes.items() if name in needed):
        if not op_facts.has_effect(node.op) or node.op == "RestoreV2":
            continue
        target = find_assigned(nodes, node)
        if target is None:
            if not find_filled(nodes, node):
                raise errors.FormatError(
                    f"the saver restores values by op {node.op!r}, expected assignments",
                    node=node.name,
                )
            tables.append(node.name)
            continue
        found = find_entry(nodes, node.inputs[1], filename)
        if target in variables or target in computed:
            found = "its saver assigns it twice"
        if isinstance(found, Stored):
            variables[target] = found
        else:
            computed[target] = found
            variables.pop(target, None)
    return Restored(variables, computed, tuple(tables))


def find_assigned(nodes: Nodes, node: Node) -> str | None:
    """The node of the variable that `node` assigns a whole value to, or None."""
    if node.op not in ASSIGNMENTS or len(node.inputs) != 2:
        return None
    target = source_of(nodes, node.inputs[0], IDENTITIES).node
    return target if target in nodes and nodes[target].op in VARIABLES else None


def find_entry(nodes: Nodes, value: TensorRef, filename: TensorRef) -> Stored | str:
    """The entry that a value is read from; or why it is not one.

    Args:
      nodes: The graph.
      value: The value that is restored.
      filename: The tensor that loaders feed with the path of the checkpoint.

    Raises:
      FormatError: if it does not say properly which part of an entry it reads.
    """
    source = source_of(nodes, value, IDENTITIES)
    node = query.get_node(nodes, source.node)
    if node.op != "RestoreV2" or len(node.inputs) != 3:
        return f"its saver computes its value by op {node.op!r} at node {node.name!r}"
    if filename not in trail(nodes, node.inputs[0], _PASS_ON):
        return f"node {node.name!r} reads its value from another file"
    key = _read_text(nodes, node.inputs[1], source.index)
    part = _read_text(nodes, node.inputs[2], source.index)
    if key is None or part is None:
        return f"the names of the values that node {node.name!r} reads are not constants"
    return Stored(key, _read_slice(part, node.name))


def _read_text(nodes: Nodes, ref: TensorRef, index: int) -> str | None:
    values = constants.find_constant(nodes, ref, IDENTITIES)
    if values is None or values.ndim != 1 or not index < len(values):
        return None
    value = values[index]
    try:
        return value.decode() if isinstance(value, bytes) else None
    except UnicodeDecodeError:
        return None


def _read_slice(text: str, node: str) -> SliceSpec | None:
    """Reads `10 4 0,5:0,4` or `10 4 -:0,4` (source: ParseShapeAndSlice in saved_tensor_slice.cc).

    Raises:
      FormatError: if it is neither that nor empty.
    """
    if not text:
        return None
    *sizes, extents = text.split(" ")
    try:
        full = tuple(map(int, sizes))
        parts = list(_read_extents(extents, full))
    except ValueError as error:
        raise errors.FormatError(
            f"{text!r} does not describe a part of a tensor", node=node
        ) from error
    offset, shape = tuple(start for start, _ in parts), tuple(size for _, size in parts)
    return SliceSpec(full, offset, shape)


def _read_extents(text: str, full: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    for extent, size in zip(text.split(":"), full, strict=True):
        if extent == "-":
            yield 0, size
            continue
        start, length = map(int, extent.split(","))
        if min(start, length, size) < 0 or start + length > size:
            raise ValueError(extent)
        yield start, length
