"""Builds the nodes that replace one functional op."""

from __future__ import annotations

from collections.abc import Sequence

from converter.ir import attributes, constants, op_facts
from converter.ir.graph import AttrValue, Graph, Node, TensorRef
from converter.passes.functional_ops.place_body import Placed, place_body


class V1Nodes:
    """Nodes in one scope of the calling graph.

    Args:
      scope: The prefix of their names.
    """

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.nodes: dict[str, Node] = {}

    def add(
        self, name: str, op: str, *inputs: TensorRef, after: Sequence[str] = (), **attrs: AttrValue
    ) -> TensorRef:
        """Makes a node that waits for the nodes `after`, and returns its first output."""
        node = Node(f"{self.scope}/{name}", op, inputs, tuple(after), attrs)
        self.nodes[node.name] = node
        return TensorRef(node.name)

    def typed(
        self, name: str, op: str, dtype: int, *inputs: TensorRef, after: Sequence[str] = ()
    ) -> TensorRef:
        """Makes a node whose one attribute is `T`."""
        return self.add(name, op, *inputs, after=after, T=attributes.type_attr(dtype))

    def constant(self, name: str, number: int, after: Sequence[str] = ()) -> TensorRef:
        """Makes an int32 scalar."""
        node = constants.int_constant(f"{self.scope}/{name}", number, after)
        self.nodes[node.name] = node
        return TensorRef(node.name)

    def merge(self, name: str, dtype: int, *inputs: TensorRef, **attrs: AttrValue) -> TensorRef:
        """Makes a Merge."""
        count, kind = attributes.int_attr(len(inputs)), attributes.type_attr(dtype)
        return self.add(name, "Merge", *inputs, N=count, T=kind, **attrs)

    def to_bool(self, predicate: TensorRef, dtype: int) -> TensorRef:
        """Converts a predicate to bool as Python does: zero and empty are false."""
        if dtype == op_facts.DT_BOOL:
            return predicate
        return self.typed("to_bool", "ToBool", dtype, predicate)

    def place(
        self, name: str, body: Graph, inputs: Sequence[TensorRef], after: Sequence[str]
    ) -> Placed:
        """Places a body, see `place_body`."""
        placed = place_body(body, f"{self.scope}/{name}", inputs, after)
        self.nodes.update(placed.nodes)
        return placed
