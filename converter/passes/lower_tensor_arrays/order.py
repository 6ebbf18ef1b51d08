"""Whether flows alone order what happens to a TensorArray.

A TensorArray is one object that all its ops change and see; a list is a value, and an op sees
just what its flow has been through. The two agree unless an op waits for a write in another way
than by its flow: by control edges, or because a loop that does not carry the flow goes round.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Iterator, Mapping

from converter import errors
from converter.ir import attributes
from converter.ir.aliases import EXITS, source_of, trail
from converter.ir.graph import Graph, Node, Nodes, TensorRef
from converter.ir.needs import Needs
from converter.passes.lower_tensor_arrays.flows import (
    ALIASES,
    READS,
    WRITES,
    Arrays,
    flow_of,
)

# What leaves an iteration has the name of a tensor that goes on to change.
TIMELESS = ALIASES - EXITS


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """The state of an array that a flow stands for: as one op left it.

    Attributes:
      origin: The flow as the op made it: a creation, a write or a Merge.
      branches: The Switches on the way: the predicate, and the output taken.
      loops_entered: How many loops it has gone into on the way.
      is_carried: Whether it comes from the iteration before.
    """

    origin: TensorRef
    branches: frozenset[tuple[TensorRef, int]] = frozenset()
    loops_entered: int = 0
    is_carried: bool = False

    def excludes(self, other: Version) -> bool:
        """Whether never both are live in one iteration of what made them."""
        return any((predicate, 1 - index) in other.branches for predicate, index in self.branches)


@dataclasses.dataclass(frozen=True, slots=True)
class _Use:
    node: str
    version: Version


def origin_of(nodes: Nodes, ref: TensorRef) -> TensorRef:
    """The tensor that `ref` is another name for, at all times."""
    return source_of(nodes, ref, TIMELESS)


def find_version(nodes: Nodes, ref: TensorRef) -> Version:
    """Follows a flow back to the op that made it."""
    *passed, origin = trail(nodes, ref, ALIASES)
    ops = [nodes[one.node].op for one in passed]
    branches = frozenset(
        (origin_of(nodes, nodes[one.node].inputs[1]), one.index)
        for one, op in zip(passed, ops, strict=True)
        if op == "Switch"
    )
    return Version(origin, branches, ops.count("Enter"), "NextIteration" in ops)


def check_order(graph: Graph, arrays: Arrays) -> None:
    """Checks that each op sees by its flow all the writes that it would see in the array.

    Raises:
      UnsupportedOpError: if two writes start from one flow, a loop writes into an array that it
        does not carry, or an op that follows a write has a flow from before.
    """
    nodes = graph.nodes
    changes = _changes(nodes, arrays)
    reads = _reads(nodes, arrays)
    needs = _find_needs(nodes, changes, reads)
    for origin, uses in changes.items():
        for use in uses:
            _check_loop(nodes[use.node], use.version, nodes)
        for one, other in itertools.combinations(uses, 2):
            if not one.version.excludes(other.version):
                raise _disorder(other.node, f"changes what {one.node!r} changes too")
        for change, read in itertools.product(uses, reads.get(origin, ())):
            if not change.version.excludes(read.version) and _follows(needs, read, change):
                raise _disorder(read.node, f"follows {change.node!r} without seeing its result")


def _changes(nodes: Nodes, arrays: Arrays) -> Mapping[TensorRef, list[_Use]]:
    """By origin: the writes, and the Merges whose result is written to later."""
    merges = [
        _Use(node.name, find_version(nodes, ref))
        for node in nodes.values()
        if node.op == "Merge" and TensorRef(node.name) in arrays.flows
        for ref in node.inputs
    ]
    writes = [
        _Use(node.name, find_version(nodes, flow_of(node)))
        for node in nodes.values()
        if node.op in WRITES
    ]
    changed = _all_changed({use.version.origin for use in writes}, merges)
    merges = [use for use in merges if TensorRef(use.node) in changed]
    return _by_origin([*writes, *merges])


def _all_changed(changed: set[TensorRef], merges: list[_Use]) -> Collection[TensorRef]:
    """`changed`, and the origins that reach one of them by Merges."""
    sources: dict[TensorRef, list[TensorRef]] = {}
    for use in merges:
        sources.setdefault(TensorRef(use.node), []).append(use.version.origin)
    found: set[TensorRef] = set()
    stack = list(changed)
    while stack:
        origin = stack.pop()
        if origin not in found:
            found.add(origin)
            stack.extend(sources.get(origin, ()))
    return found


def _reads(nodes: Nodes, arrays: Arrays) -> Mapping[TensorRef, list[_Use]]:
    return _by_origin(
        _Use(node.name, find_version(nodes, flow_of(node)))
        for node in nodes.values()
        # The size of an array that does not grow is the same at all times.
        if node.op in READS - {"TensorArraySizeV3"}
        or (node.op == "TensorArraySizeV3" and is_dynamic(nodes[arrays.of(node)]))
    )


def is_dynamic(creation: Node) -> bool:
    """Whether writes beyond the end make the array grow."""
    return attributes.find_bool(creation, "dynamic_size")


def _by_origin(uses: Iterator[_Use] | list[_Use]) -> Mapping[TensorRef, list[_Use]]:
    found: dict[TensorRef, list[_Use]] = {}
    for use in uses:
        found.setdefault(use.version.origin, []).append(use)
    return found


def _check_loop(node: Node, version: Version, nodes: Nodes) -> None:
    """A loop that carries a flow begins with a Merge; other changes would pile up unseen."""
    is_header = any(nodes[ref.node].op == "NextIteration" for ref in node.inputs)
    if version.loops_entered > int(is_header):
        raise _disorder(node.name, "changes it in a loop that does not carry it")


def _find_needs(
    nodes: Nodes,
    changes: Mapping[TensorRef, list[_Use]],
    reads: Mapping[TensorRef, list[_Use]],
) -> Needs:
    """The changes that nodes wait for in one iteration, of those that change what is read."""
    marked = (use.node for origin, uses in changes.items() if origin in reads for use in uses)
    return Needs(nodes, marked, is_cut=lambda ref: nodes[ref.node].op == "NextIteration")


def _follows(needs: Needs, read: _Use, change: _Use) -> bool:
    """Whether `read` waits for `change` in one iteration of their loop."""
    return not change.version.is_carried and needs.needs(read.node, change.node)


def _disorder(node: str, what: str) -> errors.UnsupportedOpError:
    return errors.UnsupportedOpError(
        f"an op on a TensorArray {what}, so the array's flow alone does not order its ops",
        node=node,
        remedy="In the module's code, use the TensorArray that each write or loop returns.",
    )
