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
    for test in _conjuncts(loop.predicate, made):
        limit = source_of(made, test.inputs[1], aliases.IDENTITIES)
        if _counts(loop, nodes, source_of(made, test.inputs[0], aliases.IDENTITIES)):
            number = find_integer(nodes, limit, _COPIES)
            if number is not None and number <= np.iinfo(np.int32).max:
                return max(number, 0)
            # TensorFlow takes no other type.
            is_int32 = "T" in test.attrs and test.attrs["T"].type == op_facts.DT_INT32
            if is_int32 and not _is_inside(loop, limit):
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


def _is_inside(loop: Loop, ref: TensorRef) -> bool:
    return ref.node in {
        *loop.predicate.args,
        *(item.name for item in loop.predicate.items if isinstance(item, Node)),
        *(output.node for item in loop.predicate.items if not isinstance(item, Node)
          for output in item.outputs),
    }  # fmt: skip


def _counts(loop: Loop, nodes: Nodes, counter: TensorRef) -> bool:
    """Whether `counter` is a carried value that starts at 0 and grows by 1."""
    name = counter.node
    if name not in loop.predicate.args:
        return False
    index = loop.predicate.args.index(name)
    made = _plain_nodes(loop.body)
    add = made.get(source_of(made, loop.body.results[index], aliases.IDENTITIES).node)
    if add is None or add.op not in ("Add", "AddV2"):
        return False
    one, other = (source_of(made, ref, aliases.IDENTITIES) for ref in add.inputs)
    step = other if one.node == name else one if other.node == name else None
    starts_at_zero = find_integer(nodes, loop.carried[index].initial, _COPIES) == 0
    return starts_at_zero and step is not None and find_integer(nodes, step, _COPIES) == 1
