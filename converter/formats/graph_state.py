"""The state that a graph variant uses: its variables, tables and assets."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2

from converter import errors
from converter.formats.collection_values import parse_message, parse_ref, read_collection
from converter.ir import op_facts, query
from converter.ir.aliases import IDENTITIES, source_of
from converter.ir.graph import AssetSpec, Node, Nodes, TableSpec, VariableSpec

VARIABLES = op_facts.VARIABLE_HANDLES | op_facts.REF_VARIABLES
_ASSETS = "saved_model_assets"
TABLE_HANDLES = op_facts.TABLE_HANDLES | {
    ref for ref, plain in op_facts.REF_TABLE_OPS.items() if plain in op_facts.TABLE_HANDLES
}


@dataclasses.dataclass(frozen=True, slots=True)
class GraphState:
    """The state that a graph variant uses.

    Attributes:
      variables: By the name of each node that stands for one, as in `Program`.
      tables: By the name of the node that makes the handle.
      assets: By the name of the Const node.
      initial_values: The values of variables that no checkpoint holds, by TF1 name.
      unknown_values: Why others have no value, by TF1 name.
      nodes: Nodes that take the place of those of the same name in the graph, and new ones.
    """

    variables: Mapping[str, VariableSpec]
    tables: Mapping[str, TableSpec]
    assets: Mapping[str, AssetSpec]
    initial_values: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    unknown_values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    nodes: Nodes = dataclasses.field(default_factory=dict)


def find_aliases(
    nodes: Nodes, specs: Mapping[str, VariableSpec]
) -> Iterator[tuple[str, VariableSpec]]:
    """Yields the other nodes of a variable of `specs`: those with its shared name."""
    owners = {shared_name(nodes[name]): spec for name, spec in specs.items()}
    for name, node in nodes.items():
        if node.op in VARIABLES and name not in specs and shared_name(node) in owners:
            yield name, owners[shared_name(node)]


def shared_name(node: Any) -> tuple[bytes, bytes]:
    """The container and name under which a session keeps the variable of `node`."""
    shared = node.attrs["shared_name"].s if "shared_name" in node.attrs else b""
    container = node.attrs["container"].s if "container" in node.attrs else b""
    return container, shared or node.name.encode()


def read_tables(
    nodes: Nodes,
    roots: Iterable[str],
    restoring: Sequence[str] = (),
    unknown: Mapping[str, str] | None = None,
) -> dict[str, TableSpec]:
    """Finds the tables of a graph, and the ops that fill them.

    Args:
      nodes: The graph.
      roots: The ops that a loader runs to fill all tables, or groups of them.
      restoring: The ops that it has run before, which restore tables.
      unknown: Why the content of some tables is not known.

    Raises:
      FormatError: if the graph has no such op.
    """
    initializers: dict[str, list[str]] = {
        name: [] for name, node in nodes.items() if node.op in TABLE_HANDLES
    }
    needed = query.reachable(nodes, roots)
    first = dict.fromkeys(restoring)
    for name in (*first, *(name for name in nodes if name in needed and name not in first)):
        for table in find_filled(nodes, nodes[name]):
            if table in initializers:
                initializers[table].append(name)
    reasons = unknown or {}
    return {
        table: TableSpec(table, tuple(ops), reasons.get(table, ""))
        for table, ops in initializers.items()
    }


def find_filled(nodes: Nodes, node: Node) -> list[str]:
    """Returns the nodes that may be the table that `node` fills, if it fills one.

    An unregistered op may fill any of its inputs. It is kept, so that compiling refuses it.
    """
    count = op_facts.output_count(node)
    refs = node.inputs if count is None else node.inputs[:1] if count == 0 else ()
    return [source_of(nodes, ref, IDENTITIES).node for ref in refs]


def assets_in_collection(meta_graph: Any) -> list[Any]:
    """The `AssetFileDef` messages in the collection of assets.

    Raises:
      FormatError: if one is damaged.
    """
    return [
        parse_message(meta_graph_pb2.AssetFileDef, value.value, f"collection {_ASSETS!r}")
        for value in read_collection(meta_graph, _ASSETS, "any")
    ]


def read_assets(protos: Iterable[Any]) -> dict[str, AssetSpec]:
    """Reads `AssetFileDef` messages, by the node that holds the path.

    Raises:
      FormatError: if two belong to one node.
    """
    assets: dict[str, AssetSpec] = {}
    for proto in protos:
        asset = AssetSpec(parse_ref(proto.tensor_info.name).node, proto.filename)
        if assets.setdefault(asset.node, asset) != asset:
            raise errors.FormatError("two assets belong to one node", node=asset.node)
    return assets
