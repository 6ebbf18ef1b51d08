"""Which functions of a GraphDef's library call what."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
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


def functions_of_gradients(graph_def: Any) -> set[str]:
    """The functions that only registered gradients run: none of them, if TF1 wrote the graph."""
    bodies = {f.signature.name: f.node_def for f in graph_def.library.function}
    roots = {registered.gradient_func for registered in graph_def.library.registered_gradients}
    of_gradients = _reached(roots, bodies)
    return of_gradients - _reached(set(bodies) - of_gradients, bodies)


def _reached(roots: set[str], bodies: Mapping[str, Any]) -> set[str]:
    """`roots`, and all functions that they call, through others too."""
    found, waiting = set(roots), list(roots)
    while waiting:
        for node in bodies.get(waiting.pop(), ()):
            more = {name for name in _named(node) if name in bodies} - found
            found |= more
            waiting += more
    return found


def _named(node: Any) -> Iterator[str]:
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (func.name for func in value.list.func)


def calls(node: Any, names: Collection[str]) -> bool:
    """Whether a node has an op of `names`, or takes a function of them."""
    return any(name in names for name in _named(node))
