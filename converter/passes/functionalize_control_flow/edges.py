"""Finds the inputs that nodes have once V1's control flow nodes are gone.

`Switch`, `Enter`, `Exit`, `NextIteration`, `LoopCond` and `Merge` compute nothing. In a nested
form, where an inner region may use every value around it, a use of one of them is a use of the
tensor that it forwards. Only Merges and Exits that are outputs of a conditional or a loop keep a
name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from converter import errors
from converter.ir import attributes, op_facts, query
from converter.ir.aliases import source_of
from converter.ir.graph import Node, Nodes, TensorRef
from converter.passes.functionalize_control_flow.frames import Frame, LoopVariable, V1Loop
from converter.passes.functionalize_control_flow.guards import Guards


@dataclasses.dataclass(frozen=True, slots=True)
class ResolvedRef:
    """A tensor, and the nodes that every user of it has to wait for besides."""

    ref: TensorRef
    control_dependencies: tuple[str, ...] = ()


class EdgeResolver:
    """Follows edges through V1's control flow nodes.

    A control dependency matters only if it waits, directly or not, for a visible node: an effect,
    or a read of a variable that the computation changes. All others vanish, and with them the
    pivots that tie constants to branches and loops.

    Args:
      nodes: The graph.
      frames: The frame of each node.
      loops: The loop of each frame.
      guards: The guards of all nodes.
    """

    def __init__(
        self,
        nodes: Nodes,
        frames: Mapping[str, Frame],
        loops: Mapping[Frame, V1Loop],
        guards: Guards,
    ) -> None:
        self._nodes = nodes
        self._guards = guards
        self._variables = {
            name: variable for loop in loops.values() for name, variable in loop.variables.items()
        }
        self._visible = _find_visible(nodes, frames)
        self._frames = frames
        self._loops = loops
        self._exits = self._find_exits()
        self._dependencies: dict[str, tuple[str, ...]] = {}

    def carries(self, variable: LoopVariable) -> bool:
        """Whether a loop variable is one in the nested form; resource handles are not."""
        return variable.dtype != op_facts.DT_RESOURCE

    def check_handle(self, variable: LoopVariable) -> None:
        """Checks that a loop carries the same resource handle in all iterations.

        Raises:
          UnsupportedOpError: if it does not.
        """
        following = self.resolve(self._nodes[variable.back].inputs[0]).ref
        if following != self.resolve(TensorRef(variable.merge)).ref:
            raise errors.UnsupportedOpError(
                "a loop goes on with another variable, table or resource", node=variable.merge
            )

    def exit_of(self, merge: str) -> TensorRef | None:
        """The name of a loop variable's final value; None if nobody uses it."""
        return self._exits.get(merge)

    def resolve(self, ref: TensorRef) -> ResolvedRef:
        """The tensor that takes the place of `ref` in the nested form.

        Raises:
          UnsupportedOpError: if a loop returns a value that it does not carry.
        """
        dependencies: list[str] = []
        while True:
            node = self._nodes[ref.node]
            following = self._forwarded(node, ref)
            if following is None:
                return ResolvedRef(ref, tuple(dict.fromkeys(dependencies)))
            dependencies += self.dependencies(node.control_inputs)
            if node.op == "Exit":
                dependencies += self._dependencies_for(node.name)
            if node.op == "Switch":
                dependencies += self.dependencies([node.inputs[1].node])
            ref = following

    def _forwarded(self, node: Node, ref: TensorRef) -> TensorRef | None:
        """The tensor that `ref`, an output of `node`, is another name of, or None."""
        if node.op in ("Enter", "LoopCond", "NextIteration", "Switch"):
            return node.inputs[0]
        if node.op == "Merge":
            return self._forwarded_by_merge(node, ref)
        if node.op == "Exit":
            merge = self._find_exited(node)
            if isinstance(merge, TensorRef):
                return merge
            first = self._exits[merge]
            return None if first == ref else first
        return node.inputs[0] if node.op == "Identity" and _is_handle(node) else None

    def _forwarded_by_merge(self, node: Node, ref: TensorRef) -> TensorRef | None:
        if ref.index == 0 and node.name in self._guards.live_inputs:
            return self._guards.live_inputs[node.name]
        variable = self._variables.get(node.name)
        if ref.index == 1 and (variable or node.name in self._guards.live_inputs):
            raise errors.UnsupportedOpError(
                "output 'value_index' of a Merge is used, but the Merge starts an iteration of a"
                " loop or has only one input that is ever live",
                node=node.name,
            )
        if variable is not None:
            return None if self.carries(variable) else self._nodes[variable.enter].inputs[0]
        if ref.index == 0 and _is_handle(node):
            return self._common_handle(node)
        return None

    def _common_handle(self, node: Node) -> TensorRef:
        """The one resource that all inputs of a Merge are."""
        join = self._guards.joins[node.name]
        found = {self.resolve(join.on_true).ref, self.resolve(join.on_false).ref}
        if len(found) != 1:
            raise errors.UnsupportedOpError(
                "a conditional chooses between variables, tables or other resources",
                node=node.name,
            )
        return found.pop()

    def _find_exits(self) -> dict[str, TensorRef]:
        """The first Exit of each loop variable, which names its final value."""
        exits: dict[str, TensorRef] = {}
        for node in self._nodes.values():
            if node.op == "Exit":
                merge = self._find_exited(node)
                if isinstance(merge, str):
                    exits.setdefault(merge, TensorRef(node.name))
        for node in self._nodes.values():
            if node.op == "Exit" and isinstance(self._find_exited(node), TensorRef):
                # A node that waits for such an Exit waits for the loop, as some value of it.
                merge = self._first_carried(node)
                exits.setdefault(merge, TensorRef(node.name))
        return exits

    def _first_carried(self, node: Node) -> str:
        """The first value that the loop of an Exit carries."""
        variables = self._loops[self._frames[node.inputs[0].node]].variables
        for name, variable in variables.items():
            if self.carries(variable):
                return name
        raise errors.UnsupportedOpError("a V1 loop carries no values", node=node.name)

    def _find_exited(self, node: Node) -> str | TensorRef:
        """The loop variable whose final value an Exit returns, or a tensor around the loop."""
        ref = source_of(self._nodes, node.inputs[0], ("Identity", "Switch"))
        source = self._nodes[ref.node]
        variable = self._variables.get(source.name)
        if variable is not None and self.carries(variable):
            return source.name
        if variable is not None:
            return self._nodes[variable.enter].inputs[0]
        if source.op == "Enter":
            return source.inputs[0]
        raise errors.UnsupportedOpError(
            f"a V1 loop returns {str(ref)!r}, which it does not carry", node=node.name
        )

    def rewire(self, node: Node) -> Node:
        """The node with the inputs and control inputs that it has in the nested form."""
        resolved = [self.resolve(ref) for ref in node.inputs]
        dependencies = [name for source in resolved for name in source.control_dependencies]
        dependencies += self.dependencies(node.control_inputs)
        kept = tuple(dict.fromkeys(dependencies))
        inputs = tuple(source.ref for source in resolved)
        if inputs == node.inputs and kept == node.control_inputs:
            return node
        return dataclasses.replace(node, inputs=inputs, control_inputs=kept)

    def dependencies(self, names: Iterable[str]) -> list[str]:
        """The nodes to wait for in the nested form in order to wait for `names`."""
        return list(dict.fromkeys(kept for name in names for kept in self._dependencies_for(name)))

    def targets(self, names: Iterable[str]) -> Iterator[str]:
        """The nodes to run in the nested form in order to run `names` for their effect."""
        for name in names:
            is_control_flow = self._nodes[name].op in op_facts.V1_CONTROL_FLOW
            vanishes = is_control_flow and name not in self._guards.joins
            yield from self._dependencies_for(name) if vanishes else [name]

    def _dependencies_for(self, name: str) -> tuple[str, ...]:
        if name not in self._visible:
            return ()
        if name not in self._dependencies:
            self._dependencies[name] = ()  # A back edge has nothing to wait for.
            found = self._find_dependencies(self._nodes[name])
            self._dependencies[name] = tuple(dict.fromkeys(found))
        return self._dependencies[name]

    def _find_dependencies(self, node: Node) -> Iterator[str]:
        if node.op not in op_facts.V1_CONTROL_FLOW:
            yield node.name
        elif node.op == "Exit":
            merge = self._find_exited(node)
            carried = self._first_carried(node) if isinstance(merge, TensorRef) else merge
            yield self._exits[carried].node
        elif node.op == "Merge" and node.name in self._guards.joins:
            yield node.name
        elif node.name not in self._variables and node.op not in ("LoopCond", "NextIteration"):
            live = self._guards.live_inputs.get(node.name)
            data = node.inputs if live is None else [live]  # Nothing waits for dead inputs.
            for source in (*(ref.node for ref in data), *node.control_inputs):
                yield from self._dependencies_for(source)


def _is_handle(node: Node) -> bool:
    return attributes.get_dtype(node, "T") == op_facts.DT_RESOURCE


def _find_visible(nodes: Nodes, frames: Mapping[str, Frame]) -> set[str]:
    """The nodes with an effect, or that read state, and all nodes that come after one of them."""
    acting = {
        frames[name][:depth]
        for name, node in nodes.items()
        if op_facts.is_order_relevant(node.op)
        for depth in range(1, len(frames[name]) + 1)
    }
    visible: set[str] = set()
    for name in query.topological_order(nodes):
        node = nodes[name]
        leaves_acting = node.op == "Exit" and frames[node.inputs[0].node] in acting
        follows = any(source in visible for source in node.input_nodes())
        if leaves_acting or follows or op_facts.is_order_relevant(node.op):
            visible.add(name)
    return visible
