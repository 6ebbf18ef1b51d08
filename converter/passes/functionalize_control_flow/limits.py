"""Finds a limit on the iterations of a loop, where its graph shows one.

XLA needs a limit for the gradient of a loop. V1's `while_loop(maximum_iterations=n)` leaves the
form that is found here: a counter from 0 in steps of 1 that must be less than some value.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from converter.ir import op_facts
from converter.ir.graph import Node, Nodes, TensorRef
from converter.ir.region import Loop, Region

_COPIES = ("Identity", "Enter", "Switch")


def find_maximum_iterations(loop: Loop, nodes: Nodes) -> TensorRef | int | None:
    """The int32 tensor around the loop, or the number, that bounds its iterations, or None.

    Args:
      loop: The loop.
      nodes: All nodes of its graph.
    """
    made = _plain_nodes(loop.predicate)
    for test in _conjuncts(loop.predicate, made):
        limit = _source(made, test.inputs[1])
        if _counts(loop, nodes, _source(made, test.inputs[0])):
            number = _constant(nodes, limit)
            if number is not None and number <= np.iinfo(np.int32).max:
                return max(number, 0)
            # TensorFlow takes no other type.
            if not _is_inside(loop, limit) and _is_int32(test):
                return limit
    return None


def _is_int32(test: Node) -> bool:
    return "T" in test.attrs and test.attrs["T"].type == op_facts.DT_INT32


def _plain_nodes(region: Region) -> Nodes:
    return {item.name: item for item in region.items if isinstance(item, Node)}


def _conjuncts(predicate: Region, made: Nodes) -> Iterator[Node]:
    """The `Less` nodes that all must hold for the predicate to hold."""
    stack = list(predicate.results)
    seen: set[str] = set()
    while stack:
        node = made.get(_source(made, stack.pop()).node)
        if node is None or node.name in seen:
            continue
        seen.add(node.name)
        if node.op == "LogicalAnd":
            stack.extend(node.inputs)
        elif node.op == "Less":
            yield node


def _source(made: Nodes, ref: TensorRef) -> TensorRef:
    """The tensor that `ref` is a copy of, as far as the nodes of a region show."""
    while ref.node in made and made[ref.node].op == "Identity":
        ref = made[ref.node].inputs[0]
    return ref


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
    add = made.get(_source(made, loop.body.results[index]).node)
    if add is None or add.op not in ("Add", "AddV2"):
        return False
    one, other = (_source(made, ref) for ref in add.inputs)
    step = other if one.node == name else one if other.node == name else None
    starts_at_zero = _constant(nodes, loop.carried[index].initial) == 0
    return starts_at_zero and step is not None and _constant(nodes, step) == 1


def _constant(nodes: Nodes, ref: TensorRef) -> int | None:
    """The integer that a scalar constant holds, seen through copies, or None."""
    node = nodes[ref.node]
    while node.op in _COPIES:
        node = nodes[node.inputs[0].node]
    value_attr = node.attrs.get("value") if node.op == "Const" else None
    if value_attr is None or value_attr.tensor.tensor_shape.dim:
        return None
    try:
        value = tf.make_ndarray(value_attr.tensor)
    except (TypeError, ValueError):
        return None
    return int(value) if value.dtype.kind in "iu" else None
