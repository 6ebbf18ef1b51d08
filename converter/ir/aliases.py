"""Aliases: tensors that are another tensor by another name, such as the output of an Identity.

How far to look depends on the question. A handle is the same everywhere, a value in one iteration
of a loop is another in the next, and the gradient of a value ends at a StopGradient. So each caller
names the ops that it looks through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from converter.ir.graph import Node, Nodes, TensorRef

IDENTITIES = frozenset({"Identity", "RefIdentity"})
# They bring a tensor into a loop or a branch, where it is the same tensor.
ENTRANCES = frozenset({"Enter", "Switch"})
# They end an iteration: what has the name of a tensor before them changes from one to the next.
EXITS = frozenset({"Exit", "NextIteration"})
GRADIENT_BARRIERS = frozenset({"PreventGradient", "StopGradient"})


def trail(nodes: Nodes, ref: TensorRef, through: Collection[str]) -> Iterator[TensorRef]:
    """Yields `ref`, the tensor that it is an alias of, what that is an alias of, and so on.

    The last is of an op that is not looked through, or that `nodes` does not have. A damaged
    graph may have a trail that goes in a circle; it ends before it comes to a node again.

    Args:
      nodes: The graph, or a part of it.
      ref: Where to start.
      through: The op types to look through; their first input is what all their outputs are.
    """
    seen: set[str] = set()
    while ref.node not in seen:
        yield ref
        node = nodes.get(ref.node)
        if node is None or node.op not in through or not node.inputs:
            return
        seen.add(ref.node)
        ref = node.inputs[0]


def source_of(nodes: Nodes, ref: TensorRef, through: Collection[str]) -> TensorRef:
    """The tensor that `ref` is an alias of, by way of the op types `through`; else `ref`."""
    *_, source = trail(nodes, ref, through)
    return source


def forwarded_inputs(node: Node) -> tuple[TensorRef, ...]:
    """The inputs of an alias, or of a Merge, of which its outputs may be any."""
    return node.inputs if node.op == "Merge" else node.inputs[:1]
