"""Graphs that a module holds as bytes, in a constant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf import message
from tensorflow.core.framework import graph_pb2

from converter.ir.aliases import IDENTITIES, source_of
from converter.ir.graph import Node, Nodes, TensorRef

# Ops whose first input is a serialized GraphDef.
SERIALIZED_GRAPH_OPS = frozenset({"DatasetFromGraph"})


def find_graph(node: Node, nodes: Nodes) -> Any | None:
    """Returns the GraphDef that a node is given; None if it is computed, or damaged.

    Args:
      node: A node whose op is in `SERIALIZED_GRAPH_OPS`.
      nodes: All nodes of its graph.
    """
    if not node.inputs:
        return None
    source = nodes.get(source_of(nodes, node.inputs[0], IDENTITIES).node)
    if source is None or source.op != "Const" or "value" not in source.attrs:
        return None
    values = source.attrs["value"].tensor.string_val
    try:
        return graph_pb2.GraphDef.FromString(values[0]) if len(values) == 1 else None
    except message.DecodeError:
        return None


def list_graphs(graph_def: Any) -> Iterator[list[Node]]:
    """Yields the nodes of a GraphDef, and those of each function of its library."""
    yield _read(graph_def.node)
    for function in graph_def.library.function:
        yield _read(function.node_def)


def _read(node_defs: Iterable[Any]) -> list[Node]:
    """Reads nodes as far as their sources matter: all outputs of a node count as the first."""
    return [
        Node(
            node_def.name,
            node_def.op,
            tuple(TensorRef(name.partition(":")[0]) for name in node_def.input),
            attrs=dict(node_def.attr),
        )
        for node_def in node_defs
    ]
