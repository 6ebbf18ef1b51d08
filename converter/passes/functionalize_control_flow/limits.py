"""Finds a limit on the iterations of a loop, where its graph shows one.

XLA needs a limit for the gradient of a loop. V1's `while_loop(maximum_iterations=n)` leaves the
form that is found here: a counter from 0 in steps of 1 that must be less than some value.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from converter.ir import aliases, op_facts
from converter.ir.aliases import source_of
from converter.ir.constants import find_integer
from converter.ir.graph import Node, Nodes, TensorRef
from converter.ir.region import Loop, Region

_COPIES = aliases.IDENTITIES | aliases.ENTRANCES


def find_maximum_iterations(loop: Loop, nodes: Nodes) -> TensorRef | int | None:
    """The int32 tensor around the loop, or the number, that bounds its iterations, or None.

    Args:
      loop: The loop.
      nodes: All nodes of its graph.
    """
    made = _plain_nodes(loop.predicate)
    inside, counters = _made_inside(loop), _find_counters(loop, nodes)
    for test in _conjuncts(loop.predicate, made):
        limit = source_of(made, test.inputs[1], aliases.IDENTITIES)
        if source_of(made, test.inputs[0], aliases.IDENTITIES).node in counters:
            number = find_integer(nodes, limit, _COPIES)
            if number is not None and number <= np.iinfo(np.int32).max:
                return max(number, 0)
            # TensorFlow takes no other type.
            is_int32 = "T" in test.attrs and test.attrs["T"].type == op_facts.DT_INT32
            if is_int32 and limit.node not in inside:
                return limit
    return None


def _plain_nodes(region: Region) -> Nodes:
    return {item.name: item for item in region.items if isinstance(item, Node)}


def _conjuncts(predicate: Region, made: Nodes) -> Iterator[Node]:
    """The `Less` nodes that all must hold for the predicate to hold."""
    stack = list(predicate.results)
    seen: set[str] = set()
    while stack:
        node = made.get(source_of(made, stack.pop(), aliases.IDENTITIES).node)
        if node is None or node.name in seen:
            continue
        seen.add(node.name)
        if node.op == "LogicalAnd":
            stack.extend(node.inputs)
        elif node.op == "Less":
            yield node


def _made_inside(loop: Loop) -> set[str]:
    """The names of what the predicate takes and makes."""
    return {
        *loop.predicate.args,
        *(item.name for item in loop.predicate.items if isinstance(item, Node)),
        *(output.node for item in loop.predicate.items if not isinstance(item, Node)
          for output in item.outputs),
    }  # fmt: skip


def _find_counters(loop: Loop, nodes: Nodes) -> set[str]:
    """The carried values that start at 0 and grow by 1."""
    made = _plain_nodes(loop.body)
    following = zip(loop.carried, loop.body.results, strict=True)
    return {
        value.name
        for value, result in following
        if _grows_by_one(value.name, result, made, nodes)
        and find_integer(nodes, value.initial, _COPIES) == 0
    }


def _grows_by_one(name: str, following: TensorRef, made: Nodes, nodes: Nodes) -> bool:
    """Whether `following`, the next value of a carried one, is that plus 1."""
    add = made.get(source_of(made, following, aliases.IDENTITIES).node)
    if add is None or add.op not in ("Add", "AddV2"):
        return False
    one, other = (source_of(made, ref, aliases.IDENTITIES) for ref in add.inputs)
    step = other if one.node == name else one if other.node == name else None
    return step is not None and find_integer(nodes, step, _COPIES) == 1
