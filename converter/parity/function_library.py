"""Which functions of a GraphDef's library call what."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


def find_callers(graph_def: Any, ops: Collection[str]) -> set[str]:
    """`ops`, and the names of all functions that call one of them, through others too."""
    found = set(ops)
    while True:
        more = {
            function.signature.name
            for function in graph_def.library.function
            if any(calls(node, found) for node in function.node_def)
        }
        if more <= found:
            return found
        found |= more


def calls(node: Any, names: Collection[str]) -> bool:
    """Whether a node has an op of `names`, or takes a function of them."""
    return node.op in names or any(
        value.func.name in names or any(func.name in names for func in value.list.func)
        for value in node.attr.values()
    )
