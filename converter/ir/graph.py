"""The flat form of a TF1 graph, as frozen values.

A `Program` is one graph variant of a module, as its exporter wrote it. A `Graph` is one
computation cut out of it: what one call of one signature runs. Passes rewrite graphs; the
program stays beside them as read-only context (function library, variables, tables, assets).

Only the edges from a node to its inputs are stored; `ir/uses.py` derives the others.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from typing import Any

from tensorflow.core.framework import types_pb2

# An `attr_value_pb2.AttrValue`. TensorFlow's generated classes are opaque to the type checker.
AttrValue = Any
FunctionDef = Any  # A `function_pb2.FunctionDef`.

# Pseudo-ops, which exist between passes and never reach TensorFlow.
ARG_OP = "_Arg"  # The i-th argument of a graph; its name is the argument's.
VARIABLE_OP = "_Variable"  # The resource handle of the variable named by attr `key`.
TABLE_OP = "_Table"  # The resource handle of the table named by attr `key`.
ASSET_OP = "_Asset"  # The path of the asset named by attr `key`, a string scalar.
VARIABLE_VALUE_OP = "_VariableValue"  # The value of variable `key` when the call starts.
# A call of library function `key`, whose gradient is a library function too; it has `outputs`
# outputs. Inlined, it would have the gradient of its body.
CUSTOM_GRADIENT_OP = "_CustomGradient"
BOUND_OPS = frozenset({ARG_OP, VARIABLE_OP, TABLE_OP, ASSET_OP, VARIABLE_VALUE_OP})
PSEUDO_OPS = BOUND_OPS | {CUSTOM_GRADIENT_OP}


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class TensorRef:
    """One output of one node."""

    node: str
    index: int = 0

    def __str__(self) -> str:
        return f"{self.node}:{self.index}"

    @classmethod
    def parse(cls, name: str) -> TensorRef:
        """Parses `node`, `node:0`, … as GraphDef and TensorInfo write them.

        Raises:
          ValueError: if the text after the colon is not an output number.
        """
        node, colon, index = name.rpartition(":")
        if not colon:
            return cls(name)
        if not node or not index.isascii() or not index.isdigit():
            raise ValueError(f"{name!r} is not a tensor name, expected 'node:output_number'")
        return cls(node, int(index))


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """One operation. `attrs` holds TensorFlow's `AttrValue` messages, which must not be changed."""

    name: str
    op: str
    inputs: tuple[TensorRef, ...] = ()
    control_inputs: tuple[str, ...] = ()
    attrs: Mapping[str, AttrValue] = dataclasses.field(default_factory=dict)
    device: str = ""

    def input_nodes(self) -> Iterator[str]:
        """The names of all nodes that must run before this one."""
        for ref in self.inputs:
            yield ref.node
        yield from self.control_inputs


Nodes = Mapping[str, Node]  # Keyed by node name, in the order of the GraphDef.


@dataclasses.dataclass(frozen=True, slots=True)
class Graph:
    """One computation, closed over its arguments and the module's state.

    Attributes:
      nodes: The nodes, keyed by name. Arguments are `_Arg` nodes.
      args: The names of the `_Arg` nodes, in call order.
      results: The tensors that a call returns.
      targets: Nodes that a call runs for their effect, such as update ops.
      producer: The GraphDef version of the TensorFlow that built the graph.
    """

    nodes: Nodes
    args: tuple[str, ...]
    results: tuple[TensorRef, ...]
    targets: tuple[str, ...] = ()
    producer: int = 0


class Kind(enum.Enum):
    """The kinds of values that a signature takes and returns."""

    DENSE = "dense"
    SPARSE = "sparse"  # components: indices [n, rank] int64, values [n], dense_shape [rank]
    RAGGED = "ragged"  # components: flat_values, then one row_splits a ragged dimension


@dataclasses.dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output of a signature (source: `TensorInfo` in meta_graph.proto).

    Attributes:
      kind: Dense, sparse or ragged.
      dtype: The `DataType` number of the values, never a ref type.
      shape: The static shape, with None for an unknown size; None when the rank is unknown.
      components: The tensors that make up the value.
      row_splits_dtype: For ragged values, the `DataType` number of the row splits.
    """

    kind: Kind
    dtype: int
    shape: tuple[int | None, ...] | None
    components: tuple[TensorRef, ...]
    row_splits_dtype: int = 0

    @property
    def ragged_rank(self) -> int:
        """Number of ragged dimensions, 0 unless the value is ragged."""
        return len(self.components) - 1 if self.kind is Kind.RAGGED else 0

    @property
    def component_dtypes(self) -> tuple[int, ...]:
        """The `DataType` number of each component."""
        if self.kind is Kind.SPARSE:
            return types_pb2.DT_INT64, self.dtype, types_pb2.DT_INT64
        return (self.dtype, *[self.row_splits_dtype] * self.ragged_rank)

    @property
    def component_shapes(self) -> tuple[tuple[int | None, ...] | None, ...]:
        """The static shape of each component."""
        if self.kind is Kind.SPARSE:
            rank = None if self.shape is None else len(self.shape)
            return (None, rank), (None,), (rank,)
        if self.kind is Kind.RAGGED:
            inner = None if self.shape is None else self.shape[1 + self.ragged_rank :]
            values = None if inner is None else (None, *inner)
            return (values, *[(None,)] * self.ragged_rank)
        return (self.shape,)


@dataclasses.dataclass(frozen=True, slots=True)
class Signature:
    """A named entry point: what it takes and what it returns, by TF1 names."""

    name: str
    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]


@dataclasses.dataclass(frozen=True, slots=True)
class SliceSpec:
    """The place of a part of a partitioned variable in the full one, in sizes per axis."""

    full_shape: tuple[int, ...]
    offset: tuple[int, ...]
    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class VariableSpec:
    """A variable of the module (source: `VariableDef` in variable.proto).

    Attributes:
      name: The TF1 name without `:0`, `embeddings/part_0` for a part.
      node: The node that makes its handle or its ref.
      dtype: The `DataType` number of its values.
      shape: The declared shape; None when the exporter left it open.
      trainable: Whether it is in the TRAINABLE_VARIABLES collection.
      checkpoint_key: The entry of the checkpoint that holds its value.
      slice: Its place in that entry, for a part of a partitioned variable.
    """

    name: str
    node: str
    dtype: int
    shape: tuple[int | None, ...] | None
    trainable: bool
    checkpoint_key: str
    slice: SliceSpec | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class TableSpec:
    """A lookup table.

    Attributes:
      node: The node that makes it.
      initializers: The ops that fill it, in their order.
      unknown: Why its content is not known, if it is not.
    """

    node: str
    initializers: tuple[str, ...]
    unknown: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class AssetSpec:
    """A file of the module: the Const node that holds its path, and its name below `assets/`."""

    node: str
    filename: str


@dataclasses.dataclass(frozen=True, slots=True)
class Omission:
    """A part of a module that was left out: its kind, its name, and the reason."""

    what: str
    name: str
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """One graph variant of a module, as its exporter wrote it.

    Attributes:
      tags: The tag set that names the variant.
      nodes: All nodes.
      functions: The function library, as `FunctionDef` messages by name.
      gradients: For a library function that has one, the name of its gradient function.
      signatures: By name.
      variables: By the name of the node that makes the handle. Several nodes may stand for
        one variable; a `VariableSpec` is then listed under each.
      tables: By the name of the node that makes the handle.
      assets: By the name of the Const node.
      regularization_losses: The collection of that name, in order.
      update_ops: The collection of that name, as node names, in order, each once.
      attachments: Serialized messages by key (`hub.attach_message`).
      producer: The GraphDef version of the TensorFlow that built the graph.
      loops_without_gradient: The frame names of loops made with `back_prop=False`.
      omissions: What the file has besides.
    """

    tags: frozenset[str]
    nodes: Nodes
    functions: Mapping[str, FunctionDef]
    gradients: Mapping[str, str]
    signatures: Mapping[str, Signature]
    variables: Mapping[str, VariableSpec]
    tables: Mapping[str, TableSpec]
    assets: Mapping[str, AssetSpec]
    regularization_losses: tuple[TensorRef, ...]
    update_ops: tuple[str, ...]
    attachments: Mapping[str, bytes]
    producer: int = 0
    loops_without_gradient: frozenset[str] = frozenset()
    omissions: tuple[Omission, ...] = ()
