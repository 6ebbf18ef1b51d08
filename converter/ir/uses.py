"""Def-use chains: who takes a tensor, and who waits for a node."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from converter.ir.graph import Node, TensorRef


class Use(NamedTuple):
    """One input of one node."""

    node: str
    position: int


class Uses:
    """The uses of the tensors of some nodes, the inverse of `Node.inputs`.

    Whoever changes the nodes removes the old one and adds the new one.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        # The inner dicts are ordered sets.
        self._uses: dict[TensorRef, dict[Use, None]] = {}
        self._users: dict[str, dict[str, None]] = {}
        for node in nodes:
            self.add(node)

    def of(self, ref: TensorRef) -> Collection[Use]:
        """The inputs that take `ref`."""
        return self._uses.get(ref, {}).keys()

    def users(self, name: str) -> Collection[str]:
        """The nodes that wait for node `name`, over data or control edges, each once."""
        return self._users.get(name, {}).keys()

    def followers(self, names: Iterable[str]) -> set[str]:
        """The nodes that wait for any of `names`, over any number of edges."""
        found: set[str] = set()
        stack = list(names)
        while stack:
            for user in self.users(stack.pop()):
                if user not in found:
                    found.add(user)
                    stack.append(user)
        return found

    def add(self, node: Node) -> None:
        """Adds the uses that `node` makes of others."""
        for position, ref in enumerate(node.inputs):
            self._uses.setdefault(ref, {})[Use(node.name, position)] = None
        for source in node.input_nodes():
            self._users.setdefault(source, {})[node.name] = None

    def remove(self, node: Node) -> None:
        """Removes the uses that `node`, which was added, makes of others."""
        for position, ref in enumerate(node.inputs):
            del self._uses[ref][Use(node.name, position)]
        for source in dict.fromkeys(node.input_nodes()):
            del self._users[source][node.name]
