"""Queries on graphs: reachability, order and names; and changes of single nodes."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import TypeVar

from converter import errors
from converter.ir.graph import Graph, Node, Nodes, TensorRef

_Key = TypeVar("_Key", bound=Hashable)


def reachable(
    nodes: Nodes, roots: Iterable[str], is_cut: Callable[[TensorRef], bool] = lambda _: False
) -> set[str]:
    """The names of all nodes that `roots` need, over data and control edges.

    Args:
      nodes: The graph.
      roots: Node names to start at.
      is_cut: Data edges to stop at, such as tensors that the caller feeds.

    Raises:
      FormatError: if an edge leads to a node that does not exist.
    """
    seen: set[str] = set()
    stack = list(roots)
    while stack:
        name = stack.pop()
        if name in seen:
            continue
        node = get_node(nodes, name)
        seen.add(name)
        stack.extend(ref.node for ref in node.inputs if not is_cut(ref))
        stack.extend(node.control_inputs)
    return seen


def map_nodes(graph: Graph, rewrite: Callable[[Node], Node]) -> Graph:
    """The graph with each node replaced by `rewrite` of it; the same object if none changes."""
    nodes = {name: rewrite(node) for name, node in graph.nodes.items()}
    if all(nodes[name] is node for name, node in graph.nodes.items()):
        return graph
    return dataclasses.replace(graph, nodes=nodes)


def without_attr(node: Node, key: str) -> Node:
    """The node without attribute `key`; the same object if it has none."""
    if key not in node.attrs:
        return node
    attrs = {name: value for name, value in node.attrs.items() if name != key}
    return dataclasses.replace(node, attrs=attrs)


def not_after(node: Node, names: Collection[str]) -> Node:
    """The node without control inputs called one of `names`; the same object if it has none."""
    kept = tuple(control for control in node.control_inputs if control not in names)
    if len(kept) == len(node.control_inputs):
        return node
    return dataclasses.replace(node, control_inputs=kept)


def drop_dead(graph: Graph) -> Graph:
    """Drops the nodes that neither results nor targets need; arguments stay."""
    roots = [ref.node for ref in graph.results] + list(graph.targets)
    needed = reachable(graph.nodes, roots).union(graph.args)
    nodes = {name: node for name, node in graph.nodes.items() if name in needed}
    return graph if len(nodes) == len(graph.nodes) else dataclasses.replace(graph, nodes=nodes)


def get_node(nodes: Nodes, name: str) -> Node:
    """Returns the node called `name`.

    Raises:
      FormatError: if there is none.
    """
    node = nodes.get(name)
    if node is None:
        raise errors.FormatError(
            f"the graph refers to node {name!r}, which it does not contain",
            remedy="Copy the module again: the file is damaged or incomplete.",
        )
    return node


def topological_order(nodes: Nodes) -> list[str]:
    """Orders the nodes so that each follows its inputs, as close to the given order as possible.

    The back edges of V1 loops, from a NextIteration to its Merge, do not count.

    Raises:
      FormatError: if the graph has a cycle, or an edge leads to a node that does not exist.
    """
    order = order_by_needs(
        nodes,
        lambda name: nodes[name].input_nodes(),
        lambda source: not _is_back_edge(nodes, source),
    )
    if len(order) != len(nodes):
        placed = set(order)
        stuck = next(name for name in nodes if name not in placed)
        raise errors.FormatError("the graph has a cycle that is not a V1 loop", node=stuck)
    return order


def order_by_needs(
    keys: Iterable[_Key],
    needed: Callable[[_Key], Iterable[_Key]],
    counts: Callable[[_Key], bool] = lambda _: True,
) -> list[_Key]:
    """Orders keys so that each follows those it needs, as close to the given order as possible.

    Keys on a cycle, and those that need one of them, are left out.

    Args:
      keys: The keys. Most graphs are in order: exporters write nodes as they create them.
      needed: Returns what a key needs.
      counts: Whether something that is needed, and was not placed yet, must come first.
    """
    order: list[_Key] = []
    placed: set[_Key] = set()
    # Of keys that were passed over: how many others they wait for, and who waits for a key.
    missing: dict[_Key, int] = {}
    waiting: dict[_Key, list[tuple[int, _Key]]] = {}
    for position, key in enumerate(keys):
        late = {source for source in needed(key) if source not in placed and counts(source)}
        if late:
            missing[key] = len(late)
            for source in late:
                waiting.setdefault(source, []).append((position, key))
            continue
        ready = [(position, key)]  # A heap: what was passed over comes before what is yet to come.
        while ready:
            _, first = heapq.heappop(ready)
            order.append(first)
            placed.add(first)
            for user in waiting.pop(first, ()):
                missing[user[1]] -= 1
                if not missing[user[1]]:
                    heapq.heappush(ready, user)
    return order


def _is_back_edge(nodes: Nodes, source: str) -> bool:
    return get_node(nodes, source).op in ("NextIteration", "RefNextIteration")


def unique_name(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or the first of `wanted_1`, `wanted_2`, … that is not in `taken`."""
    if wanted not in taken:
        return wanted
    number = 1
    while f"{wanted}_{number}" in taken:
        number += 1
    return f"{wanted}_{number}"


def claim_name(wanted: str, taken: set[str]) -> str:
    """A name like `wanted` that is not in `taken`, to which it is added."""
    name = unique_name(wanted, taken)
    taken.add(name)
    return name


def resolve(
    refs: Iterable[TensorRef], renamed: Mapping[TensorRef, TensorRef]
) -> tuple[TensorRef, ...]:
    """Follows `renamed` for each ref, through chains of renamings."""
    resolved = []
    for ref in refs:
        while ref in renamed:
            ref = renamed[ref]
        resolved.append(ref)
    return tuple(resolved)
