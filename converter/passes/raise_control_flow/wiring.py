"""What nodes take once the nodes that only steer values are gone.

`Switch`, `Enter`, `Exit`, `NextIteration`, `LoopCond` and `Merge` compute nothing. In a nested
form, where an inner region may use whatever is around it, a use of one of them is a use of what
it passes on; only the Merges and Exits that give a conditional or a loop its outputs keep a name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from converter import errors
from converter.ir import attributes, op_facts, query
from converter.ir.graph import Node, Nodes, TensorRef
from converter.passes.raise_control_flow.frames import Frame, LoopParts, LoopVariable
from converter.passes.raise_control_flow.guards import Guards

_STEERING = frozenset({"Enter", "Exit", "LoopCond", "Merge", "NextIteration", "Switch"})


@dataclasses.dataclass(frozen=True, slots=True)
class Use:
    """A tensor, and the nodes that what uses it has to wait for besides."""

    ref: TensorRef
    controls: tuple[str, ...] = ()


class Wiring:
    """Follows edges through the nodes that only steer.

    A control edge matters only if what it comes from, or comes after, can be seen: an effect, or a
    read of a variable that the computation changes. The others vanish, and with them the pivots
    that tie constants to branches and loops.

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
        loops: Mapping[Frame, LoopParts],
        guards: Guards,
    ) -> None:
        self._nodes = nodes
        self._guards = guards
        self._variables = {
            name: variable for parts in loops.values() for name, variable in parts.variables.items()
        }
        self._ordered = _find_ordered(nodes, frames)
        self._frames = frames
        self._loops = loops
        self._exits = self._find_exits()
        self._controls: dict[str, tuple[str, ...]] = {}

    def carries(self, variable: LoopVariable) -> bool:
        """Whether a loop variable is one in the nested form; handles of resources are none."""
        return variable.dtype != op_facts.DT_RESOURCE

    def check_handle(self, variable: LoopVariable) -> None:
        """Checks that a handle that a loop carries stays the same.

        Raises:
          UnsupportedOpError: if it does not.
        """
        following = self.use(self._nodes[variable.back].inputs[0]).ref
        if following != self.use(TensorRef(variable.merge)).ref:
            raise errors.UnsupportedOpError(
                "a loop goes on with another variable, table or resource", node=variable.merge
            )

    def exit_of(self, merge: str) -> TensorRef | None:
        """What the final value of a loop variable is called; None if nobody uses it."""
        return self._exits.get(merge)

    def is_ordered(self, name: str) -> bool:
        """Whether it can be seen when the node runs, or something that it waits for."""
        return name in self._ordered

    def use(self, ref: TensorRef) -> Use:
        """What a use of `ref` uses in the nested form.

        Raises:
          UnsupportedOpError: if a loop gives something else than a value that it carries.
        """
        controls: list[str] = []
        while True:
            node = self._nodes[ref.node]
            following = self._passes_on(node, ref)
            if following is None:
                return Use(ref, tuple(dict.fromkeys(controls)))
            controls += self.waits(node.control_inputs)
            if node.op == "Exit":
                controls += self._wait(node.name)
            if node.op == "Switch":
                controls += self.waits([node.inputs[1].node])
            ref = following

    def _passes_on(self, node: Node, ref: TensorRef) -> TensorRef | None:
        """What `ref`, an output of `node`, is another name of, or None."""
        if node.op in ("Enter", "LoopCond", "NextIteration", "Switch"):
            return node.inputs[0]
        if node.op == "Merge":
            return self._merge_passes_on(node, ref)
        if node.op == "Exit":
            merge = self._find_exited(node)
            if isinstance(merge, TensorRef):
                return merge
            first = self._exits[merge]
            return None if first == ref else first
        return node.inputs[0] if node.op == "Identity" and _is_handle(node) else None

    def _merge_passes_on(self, node: Node, ref: TensorRef) -> TensorRef | None:
        if ref.index == 0 and node.name in self._guards.only_inputs:
            return self._guards.only_inputs[node.name]
        variable = self._variables.get(node.name)
        if ref.index == 1 and (variable or node.name in self._guards.only_inputs):
            raise errors.UnsupportedOpError(
                "the number of the input that a Merge got is used where it always is the same or"
                " that of a loop",
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
        found = {self.use(join.on_true).ref, self.use(join.on_false).ref}
        if len(found) != 1:
            raise errors.UnsupportedOpError(
                "a conditional chooses between variables, tables or other resources",
                node=node.name,
            )
        return found.pop()

    def _find_exits(self) -> dict[str, TensorRef]:
        """For each loop variable the first of its Exits, under whose name its final value goes."""
        exits: dict[str, TensorRef] = {}
        for node in self._nodes.values():
            if node.op == "Exit":
                merge = self._find_exited(node)
                if isinstance(merge, str):
                    exits.setdefault(merge, TensorRef(node.name))
        for node in self._nodes.values():
            if node.op == "Exit" and isinstance(self._find_exited(node), TensorRef):
                # What waits for such an Exit waits for the loop: some value has to stand for that.
                merge = self._first_carried(node)
                exits.setdefault(merge, TensorRef(node.name))
        return exits

    def _first_carried(self, node: Node) -> str:
        """The first value that the loop of an Exit carries."""
        variables = self._loops[self._frames[node.inputs[0].node]].variables
        for name, variable in variables.items():
            if self.carries(variable):
                return name
        raise errors.UnsupportedOpError("a V1 loop that carries no values", node=node.name)

    def _find_exited(self, node: Node) -> str | TensorRef:
        """The loop variable whose final value an Exit gives, or what it gives of outside."""
        ref = node.inputs[0]
        while self._nodes[ref.node].op in ("Identity", "Switch"):
            ref = self._nodes[ref.node].inputs[0]
        source = self._nodes[ref.node]
        variable = self._variables.get(source.name)
        if variable is not None and self.carries(variable):
            return source.name
        if variable is not None:
            return self._nodes[variable.enter].inputs[0]
        if source.op == "Enter":
            return source.inputs[0]
        raise errors.UnsupportedOpError(
            f"a V1 loop gives {str(ref)!r}, which it does not carry", node=node.name
        )

    def rewire(self, node: Node) -> Node:
        """The node with inputs and control inputs of the nested form."""
        uses = [self.use(ref) for ref in node.inputs]
        controls = [control for use in uses for control in use.controls]
        controls += self.waits(node.control_inputs)
        kept = tuple(dict.fromkeys(controls))
        inputs = tuple(use.ref for use in uses)
        if inputs == node.inputs and kept == node.control_inputs:
            return node
        return dataclasses.replace(node, inputs=inputs, control_inputs=kept)

    def waits(self, names: Iterable[str]) -> list[str]:
        """The nodes to wait for in the place of `names`."""
        return list(dict.fromkeys(kept for name in names for kept in self._wait(name)))

    def targets(self, names: Iterable[str]) -> Iterator[str]:
        """The nodes to run in the place of `names`, which a call runs for their effect."""
        for name in names:
            is_steering = self._nodes[name].op in _STEERING and name not in self._guards.joins
            yield from self._wait(name) if is_steering else [name]

    def _wait(self, name: str) -> tuple[str, ...]:
        if name not in self._ordered:
            return ()
        if name not in self._controls:
            self._controls[name] = ()  # A back edge has nothing to wait for.
            self._controls[name] = tuple(dict.fromkeys(self._find_waits(self._nodes[name])))
        return self._controls[name]

    def _find_waits(self, node: Node) -> Iterator[str]:
        if node.op not in _STEERING:
            yield node.name
        elif node.op == "Exit":
            merge = self._find_exited(node)
            carried = self._first_carried(node) if isinstance(merge, TensorRef) else merge
            yield self._exits[carried].node
        elif node.op == "Merge" and node.name in self._guards.joins:
            yield node.name
        elif node.name not in self._variables and node.op not in ("LoopCond", "NextIteration"):
            only = self._guards.only_inputs.get(node.name)
            data = node.inputs if only is None else [only]  # What never runs is not waited for.
            for source in (*(ref.node for ref in data), *node.control_inputs):
                yield from self._wait(source)


def _is_handle(node: Node) -> bool:
    return attributes.get_dtype(node, "T") == op_facts.DT_RESOURCE


def _find_ordered(nodes: Nodes, frames: Mapping[str, Frame]) -> set[str]:
    """The nodes that have an effect, look at what others change, or come after such a node."""
    acting = {
        frames[name][:depth]
        for name, node in nodes.items()
        if op_facts.is_order_relevant(node.op)
        for depth in range(1, len(frames[name]) + 1)
    }
    ordered: set[str] = set()
    for name in query.topological_order(nodes):
        node = nodes[name]
        leaves_acting = node.op == "Exit" and frames[node.inputs[0].node] in acting
        follows = any(source in ordered for source in node.input_nodes())
        if leaves_acting or follows or op_facts.is_order_relevant(node.op):
            ordered.add(name)
    return ordered
