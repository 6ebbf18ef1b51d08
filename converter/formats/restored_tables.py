"""Reads the tables that a checkpoint holds: those that a SavedModel's own saver restores.

A mutable table of TF1 is saved as a tensor of keys and one of values, which the saver imports into
it. Here these become constants of the graph, so that what fills the table needs no checkpoint.
Source: `_Saveable` of `MutableHashTable` in TensorFlow's lookup_ops.py.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from converter import errors, limits
from converter.formats.collection_values import parse_ref
from converter.formats.graph_state import TABLE_HANDLES, find_filled
from converter.formats.restore_ops import Stored, find_entry
from converter.ir import attributes, constants, query
from converter.ir.aliases import IDENTITIES
from converter.ir.graph import Node, Nodes, TensorRef, VariableSpec
from converter.tensor_bundle.checkpoint import Checkpoint

# Ops that replace the content of a table, and those that add to it.
_INSERTS = {
    "LookupTableImport": "LookupTableInsert",
    "LookupTableImportV2": "LookupTableInsertV2",
}
_READS = frozenset({"Restore", "RestoreSlice", "RestoreV2"})
_DENSE = frozenset({"MutableDenseHashTable", "MutableDenseHashTableV2"})


@dataclasses.dataclass(frozen=True, slots=True)
class RestoredTables:
    """The ops and constants that fill the tables of a checkpoint.

    Attributes:
      ops: The ops that fill them, in the order of the graph.
      nodes: Those of these ops that read the checkpoint, with constants in place of what they
        read; and the constants.
      unknown: Why the content of other tables is not known, by table.
    """

    ops: tuple[str, ...] = ()
    nodes: Mapping[str, Node] = dataclasses.field(default_factory=dict)
    unknown: Mapping[str, str] = dataclasses.field(default_factory=dict)


class _UnknownContentError(Exception):
    """The content of a table is not known, for the reason that is the message."""


def read_restored_tables(
    nodes: Nodes, ops: tuple[str, ...], checkpoint: Checkpoint, filename: str
) -> RestoredTables:
    """Reads the content of the tables that a saver restores.

    Args:
      nodes: The graph.
      ops: The ops of the saver that fill tables.
      checkpoint: The weights. Without one, loaders do not run the saver.
      filename: The tensor that loaders feed with the path of the checkpoint.
    """
    if not checkpoint.entries:
        return RestoredTables()
    reader = _Reader(nodes, checkpoint, parse_ref(filename))
    for op in ops:
        reader.read(nodes[op])
    return RestoredTables(ops, reader.made, reader.unknown)


class _Reader:
    """Reads tables, one after the other.

    Attributes:
      made: As `nodes` of `RestoredTables`.
      unknown: As in `RestoredTables`.
    """

    def __init__(self, nodes: Nodes, checkpoint: Checkpoint, filename: TensorRef) -> None:
        self._nodes = nodes
        self._checkpoint = checkpoint
        self._filename = filename
        self._filled: set[str] = set()
        self._bytes = 0
        self.made: dict[str, Node] = {}
        self.unknown: dict[str, str] = {}

    def read(self, node: Node) -> None:
        """Reads the content of the table that a node fills, or finds out why it is not known."""
        for table in find_filled(self._nodes, node):
            if table in self._nodes and self._nodes[table].op in TABLE_HANDLES:
                try:
                    self._read_table(self._nodes[table], node)
                except _UnknownContentError as error:
                    self.unknown[table] = str(error)

    def _read_table(self, table: Node, node: Node) -> None:
        if table.name in self._filled:
            raise _UnknownContentError("its saver restores it twice")
        self._filled.add(table.name)
        needed = query.reachable(self._nodes, [node.name])
        if _READS.isdisjoint(self._nodes[name].op for name in needed):
            return  # It is filled from constants.
        keys, values = _find_entries(self._nodes, table, node, self._filename)
        self._bytes += _check_entry(self._checkpoint, keys)
        self._bytes += _check_entry(self._checkpoint, values)
        if self._bytes > limits.MAX_STORED_TABLES_BYTES:
            raise _UnknownContentError(
                f"the tables in the checkpoint take more than {limits.MAX_STORED_TABLES_BYTES}"
                " bytes"
            )
        content = self._read_tensor(keys), self._read_tensor(values)
        filling = dataclasses.replace(node, control_inputs=())  # They restore other things.
        if table.op in _DENSE:
            content = _unpack_buckets(self._nodes, table, *content)
            filling = dataclasses.replace(filling, op=_INSERTS[node.op])
        self._keep(filling, [keys.dtype, values.dtype], _shaped(table, *content))

    def _read_tensor(self, tensor: VariableSpec) -> np.ndarray:
        try:
            return self._checkpoint.read(tensor)
        except errors.WeightsError as error:
            raise _UnknownContentError(error.message) from error

    def _keep(self, filling: Node, dtypes: list[int], content: tuple[np.ndarray, ...]) -> None:
        """Keeps an op that fills a table from constants, and these."""
        refs = []
        for part, dtype, value in zip(("keys", "values"), dtypes, content, strict=True):
            name = query.unique_name(f"{filling.name}/{part}", self._nodes)
            proto = tf.make_tensor_proto(value, tf.as_dtype(dtype), value.shape)
            attrs = {"dtype": attributes.type_attr(dtype), "value": attributes.tensor_attr(proto)}
            self.made[name] = Node(name, "Const", attrs=attrs)
            refs.append(TensorRef(name))
        inputs = (filling.inputs[0], *refs)
        self.made[filling.name] = dataclasses.replace(filling, inputs=inputs)


def _find_entries(
    nodes: Nodes, table: Node, node: Node, filename: TensorRef
) -> tuple[VariableSpec, VariableSpec]:
    """Where the keys and the values are that an op imports into a table."""
    if node.op not in _INSERTS or len(node.inputs) != 3:
        raise _UnknownContentError(f"its saver fills it by op {node.op!r} at node {node.name!r}")
    found = []
    for ref, attr in zip(node.inputs[1:], ("key_dtype", "value_dtype"), strict=True):
        stored = find_entry(nodes, ref, filename)
        if not isinstance(stored, Stored):
            raise _UnknownContentError(stored)
        if stored.slice is not None:
            raise _UnknownContentError(f"its saver reads a part of {stored.key!r}")
        dtype = attributes.get_dtype(table, attr)
        found.append(VariableSpec(stored.key, node.name, dtype, None, False, stored.key))
    return found[0], found[1]


def _check_entry(checkpoint: Checkpoint, tensor: VariableSpec) -> int:
    """Checks that the checkpoint has a tensor; returns its size in bytes."""
    entry = checkpoint.entries.get(tensor.checkpoint_key)
    if entry is None:
        raise _UnknownContentError(f"the checkpoint has no tensor {tensor.checkpoint_key!r}")
    if entry.dtype != tensor.dtype or entry.slices or not entry.shape:
        raise _UnknownContentError(
            f"{tensor.checkpoint_key!r} in the checkpoint is not a whole list of"
            f" {tf.as_dtype(tensor.dtype).name}"
        )
    return entry.size


def _unpack_buckets(
    nodes: Nodes, table: Node, keys: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the keys and values of a dense table, which exports its buckets as they are.

    There, keys and values are rows whatever their shapes, and where there is none is a special key.
    An op that inserts them places them anew; today's TensorFlow does not import rows.

    Source: `MutableDenseHashTable` in lookup_table_op.cc.
    """
    found = [constants.find_constant(nodes, ref, IDENTITIES) for ref in table.inputs]
    special = [key for key in found if key is not None]
    if not special or len(special) < len(found) or len({key.shape for key in special}) > 1:
        raise _UnknownContentError("its empty and deleted keys are not constants of one shape")
    empty, size = special[0], _value_shape(table)
    count = keys.shape[0]
    expected = [count, empty.size], [count, math.prod(size)]
    if (list(keys.shape), list(values.shape)) != expected:
        raise _misshapen(keys, values, *expected)
    used = np.ones(count, np.bool_)
    for key in special:
        used &= ~np.all(keys == np.reshape(key, -1), axis=1)
    keys, values = keys[used], values[used]
    if len(set(map(tuple, keys.tolist()))) != len(keys):
        raise _UnknownContentError("the checkpoint has a key of it twice")
    return keys.reshape(len(keys), *empty.shape), values.reshape(len(keys), *size)


def _shaped(table: Node, keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns keys and values if the table takes values of their shape."""
    size = _value_shape(table)
    is_list = keys.ndim == 1 or table.op in _DENSE
    if not is_list or values.shape != (len(keys), *size):
        raise _misshapen(keys, values, [len(keys)], [len(keys), *size])
    return keys, values


def _value_shape(table: Node) -> tuple[int, ...]:
    shape = attributes.find_shape(table, "value_shape") or ()
    known = tuple(size for size in shape if size is not None)
    if len(known) < len(shape):
        raise _UnknownContentError("its values have no definite shape")
    return known


def _misshapen(keys: np.ndarray, values: np.ndarray, *expected: list[int]) -> _UnknownContentError:
    return _UnknownContentError(
        f"the checkpoint has keys of shape {list(keys.shape)} and values of shape"
        f" {list(values.shape)} for it, expected {expected[0]} and {expected[1]}"
    )
