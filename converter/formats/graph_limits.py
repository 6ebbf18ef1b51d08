"""Checks the numbers and names of a graph variant's parts against the limits, on reading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from converter import errors, limits


def check_limits(meta_graph: Any) -> None:
    """Checks a MetaGraphDef.

    Raises:
      FormatError: if it has too many signatures, or a name is too long.
    """
    count = len(meta_graph.signature_def)
    if count > limits.MAX_SIGNATURES:
        raise errors.FormatError(
            f"the graph has {count} signatures, more than {limits.MAX_SIGNATURES}",
            remedy="Export the module with fewer signatures.",
        )
    for what, name in _names(meta_graph):
        # Most are so short that their characters need not be counted as bytes.
        if len(name) * 4 > limits.MAX_NAME_BYTES and len(name.encode()) > limits.MAX_NAME_BYTES:
            raise errors.FormatError(
                f"the name of {what} takes {len(name.encode())} bytes, more than"
                f" {limits.MAX_NAME_BYTES}; it begins with {name[:40]!r}"
            )


def _names(meta_graph: Any) -> Iterator[tuple[str, str]]:
    """The names in a MetaGraphDef, each after what it names."""
    yield from (("a tag", tag) for tag in meta_graph.meta_info_def.tags)
    graph_def = meta_graph.graph_def
    yield from (("a node", node.name) for node in graph_def.node)
    for function in graph_def.library.function:
        yield "a function", function.signature.name
        yield from (("a node of a function", node.name) for node in function.node_def)
    for name, signature in meta_graph.signature_def.items():
        yield "a signature", name
        yield from (("an input", key) for key in signature.inputs)
        yield from (("an output", key) for key in signature.outputs)
    yield from (("a collection", key) for key in meta_graph.collection_def)
