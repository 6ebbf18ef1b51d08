"""Edits of a graph: nodes replaced, inserted and erased, with all that uses them.

A pass makes a `GraphEditor` of the graph that it is given, edits, and returns `finish()`:

    editor = GraphEditor(graph)
    for node in graph.nodes.values():
        if node.op == "Square":
            copy = Node(f"{node.name}/copy", "Identity", node.inputs, attrs=node.attrs)
            ref = editor.insert_fresh(node.name, copy)
            editor.replace(dataclasses.replace(node, op="Mul", inputs=(ref, ref)))
    return editor.finish()

Tensors are known by the names of their nodes. So what uses a node uses the one that replaces it;
`replace_uses` is for uses that must move to another node, best for all of them at the end: what a
pass makes of a node of `graph` takes the inputs that the node had there. Each edit is linear in
the nodes and edges touched. The models are `PatternRewriter` of xDSL and `replace_all_uses_with`
of ONNX.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from converter import errors
from converter.ir import query
from converter.ir.graph import Graph, Node, Nodes, TensorRef
from converter.ir.uses import Use, Uses


class GraphEditor:
    """Edits a copy of a graph, which itself stays as it is.

    Nodes keep their order. Names that were ever in the graph are not given again.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes = dict(graph.nodes)
        self._results = graph.results
        # By the node before which they stand; None for the end.
        self._inserted: dict[str | None, list[str]] = {}
        self._taken = set(graph.nodes)
        self._uses: Uses | None = None  # Made when it is first asked for.

    @property
    def nodes(self) -> Nodes:
        """The nodes as they are now, in no particular order."""
        return self._nodes

    def uses(self, ref: TensorRef) -> Collection[Use]:
        """The inputs that take `ref`. Results are not among them."""
        return self._def_use().of(ref)

    def users(self, name: str) -> Collection[str]:
        """The nodes that wait for node `name`, over data or control edges, each once."""
        return self._def_use().users(name)

    def fresh(self, wanted: str) -> str:
        """A name like `wanted` that no node has, had, or was promised."""
        return query.claim_name(wanted, self._taken)

    def replace(self, node: Node) -> None:
        """Puts `node` in the place of the node with its name, whose uses it takes over."""
        old = query.get_node(self._nodes, node.name)
        if node is old:
            return
        self._nodes[node.name] = node
        if self._uses is not None:
            self._uses.remove(old)
            self._uses.add(node)

    def replace_uses(self, renamed: Mapping[TensorRef, TensorRef]) -> None:
        """Lets what takes a tensor, results included, take the one that it is renamed to.

        Args:
          renamed: The new tensor by the old one. Chains are followed; they must not go in circles.
        """
        for name in dict.fromkeys(use.node for ref in renamed for use in self.uses(ref)):
            node = self._nodes[name]
            self.replace(dataclasses.replace(node, inputs=query.resolve(node.inputs, renamed)))
        self._results = query.resolve(self._results, renamed)

    def insert_before(self, anchor: str | None, node: Node) -> TensorRef:
        """Adds `node` just before node `anchor`, or at the end if that is None.

        It follows what was inserted there earlier.

        Returns:
          The first output of `node`.

        Raises:
          InternalError: if there is a node of that name, or was one in the graph.
        """
        if anchor is not None:
            query.get_node(self._nodes, anchor)
        if node.name in self._nodes or node.name in self._graph.nodes:
            raise errors.InternalError(f"a pass adds a second node {node.name!r}")
        self._inserted.setdefault(anchor, []).append(node.name)
        self._taken.add(node.name)
        self._nodes[node.name] = node
        if self._uses is not None:
            self._uses.add(node)
        return TensorRef(node.name)

    def insert_fresh(self, anchor: str | None, node: Node) -> TensorRef:
        """Adds `node` as `insert_before` does, by a fresh name like its own.

        Returns:
          The first output of what was added.
        """
        name = self.fresh(node.name)
        return self.insert_before(anchor, dataclasses.replace(node, name=name))

    def erase(self, name: str) -> None:
        """Removes a node.

        Raises:
          InternalError: if an argument, another node, a result or a target needs it.
        """
        node = query.get_node(self._nodes, name)
        needed = {*self._graph.args, *self._graph.targets, *(ref.node for ref in self._results)}
        if name in needed or set(self.users(name)) - {name}:
            raise errors.InternalError(f"node {name!r} cannot be erased: it is in use")
        self._def_use().remove(node)
        del self._nodes[name]

    def finish(self, *, drop_dead: bool = False) -> Graph:
        """Returns the edited graph, or the very graph that was given if it is the same.

        Args:
          drop_dead: Whether to leave out of an edited graph what neither results nor targets need.
        """
        nodes = self._ordered() if self._inserted else self._nodes
        if self._results == self._graph.results and _are_same(nodes, self._graph.nodes):
            return self._graph
        edited = dataclasses.replace(self._graph, nodes=nodes, results=self._results)
        return query.drop_dead(edited) if drop_dead else edited

    def _def_use(self) -> Uses:
        if self._uses is None:
            self._uses = Uses(self._nodes.values())
        return self._uses

    def _ordered(self) -> Nodes:
        inserted = dict(self._inserted)
        waiting = [*self._graph.nodes, *inserted.pop(None, ())][::-1]
        ordered: dict[str, Node] = {}
        while waiting:
            name = waiting.pop()
            if name in inserted:
                waiting.append(name)
                waiting += reversed(inserted.pop(name))
            elif name in self._nodes:
                ordered[name] = self._nodes[name]
        return ordered


def _are_same(nodes: Nodes, others: Nodes) -> bool:
    return len(nodes) == len(others) and all(
        node is others.get(name) or node == others.get(name) for name, node in nodes.items()
    )
