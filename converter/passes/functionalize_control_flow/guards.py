"""Finds the conditions under which each node runs.

V1's `Switch` sends a value to one of its outputs. The other is dead, and so is every node that
needs it. `Merge` forwards the input that is live. So a node runs under the conditions of all its
inputs together, and a Merge of two exclusive inputs ends a conditional.

A guard is relative to the node's frame: the guards inside a loop leave out what must hold for the
loop to run at all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from converter import errors
from converter.ir import aliases, query
from converter.ir.aliases import source_of
from converter.ir.graph import Node, Nodes, TensorRef
from converter.passes.functionalize_control_flow.frames import Frame, V1Loop, is_around

# A predicate and its value. A predicate is known by the tensor that it is a copy of, however it
# came into a branch or a loop.
Literal: TypeAlias = tuple[TensorRef, bool]
Guard: TypeAlias = frozenset[Literal]
ALWAYS: Guard = frozenset()
_COPIES = aliases.IDENTITIES | aliases.ENTRANCES

# A member of a frame: a node, by name, or a whole loop directly inside of it, by frame.
Member: TypeAlias = str | Frame


@dataclasses.dataclass(frozen=True, slots=True)
class Join:
    """A Merge that ends a conditional.

    Attributes:
      predicate: The condition.
      on_true: The input that it forwards when the condition holds.
      on_false: The input that it forwards otherwise.
      true_index: The number of the Merge's input that `on_true` is.
    """

    predicate: TensorRef
    on_true: TensorRef
    on_false: TensorRef
    true_index: int


@dataclasses.dataclass(frozen=True, slots=True)
class Guards:
    """The conditions of a graph.

    Attributes:
      of: The guard of each member; None if it is always dead. Equal guards are one object.
      joins: The Merges that end a conditional, by name.
      live_inputs: The only live input of each Merge whose other inputs are always dead.
    """

    of: Mapping[Member, Guard | None]
    joins: Mapping[str, Join]
    live_inputs: Mapping[str, TensorRef]


def label(member: Member) -> str:
    """The name of a member in error messages."""
    return member if isinstance(member, str) else member[-1]


def member_of(frame: Frame, name: str, frames: Mapping[str, Frame]) -> Member | None:
    """The member of `frame` that holds `name`: itself or a loop; None if it is outside."""
    own = frames[name]
    if own == frame:
        return name
    return own[: len(frame) + 1] if is_around(frame, own) else None


def find_guards(nodes: Nodes, frames: Mapping[str, Frame], loops: Mapping[Frame, V1Loop]) -> Guards:
    """Finds the guards of all nodes and loops.

    Raises:
      UnsupportedOpError: if the inputs of a Merge do not exclude each other by one predicate, or
        a loop goes on or ends by another condition than its own.
      FormatError: if a loop needs one of its own outputs.
    """
    finder = _Finder(nodes, frames, loops)
    for frame in sorted({*frames.values(), (), *loops}, key=len):
        finder.visit(frame)
    return Guards(finder.guards, finder.joins, finder.live_inputs)


def guard_of_result(guards: Guards, nodes: Nodes, ref: TensorRef) -> Guard | None:
    """The guard of a tensor; that of a Switch's output is never empty."""
    guard = guards.of[ref.node]
    node = nodes[ref.node]
    if guard is None or node.op != "Switch":
        return guard
    return guard | {(node.inputs[1], bool(ref.index))}


class _Finder:
    """Walks the frames from the outermost in: all frames around one are done before it."""

    def __init__(
        self, nodes: Nodes, frames: Mapping[str, Frame], loops: Mapping[Frame, V1Loop]
    ) -> None:
        self._nodes = nodes
        self._frames = frames
        self._loops = loops
        self._exits: dict[Frame, list[Node]] = {}
        for node in nodes.values():
            if node.op == "Exit":
                self._exits.setdefault(frames[node.inputs[0].node], []).append(node)
        self._variables = {name for loop in loops.values() for name in loop.variables}
        self._members = _members_by_frame(frames)
        self._into = _edges_into_loops(nodes, frames)
        # By themselves: sets that share their elements are compared and looked up at once, however
        # deep control flow is nested.
        self._literals: dict[Literal, Literal] = {}
        self._guards: dict[Guard, Guard] = {ALWAYS: ALWAYS}
        self.guards: dict[Member, Guard | None] = {}
        self.joins: dict[str, Join] = {}
        self.live_inputs: dict[str, TensorRef] = {}

    def visit(self, frame: Frame) -> None:
        """Finds the guards in a frame, less what holds wherever its loop runs."""
        around = [self.guards.get(frame[:depth]) for depth in range(1, len(frame) + 1)]
        known = ALWAYS.union(*(guard for guard in around if guard))
        for member in self._in_order(frame):
            if isinstance(member, tuple):
                self.guards[member] = self._union(frame, self._into[member], known)
            elif member in self._variables:
                self.guards[member] = ALWAYS
            elif self._nodes[member].op == "Merge":
                self._visit_merge(frame, self._nodes[member], known)
            else:
                self.guards[member] = self._union(frame, _sources(self._nodes[member]), known)
                self._check_trigger(self._nodes[member])
        if frame in self._loops:
            self._check_ends(self._loops[frame], known)

    def _check_trigger(self, node: Node) -> None:
        """Refuses a node that runs after both sides of a conditional, whichever of them ran."""
        if node.op == "ControlTrigger" and self.guards[node.name] is None:
            raise errors.UnsupportedOpError(
                "the module's own graph contains the gradient of a conditional in a loop",
                node=node.name,
            )

    def _check_ends(self, loop: V1Loop, known: Guard) -> None:
        """Checks that the loop goes on while its condition holds, and ends when it does not."""
        condition = TensorRef(loop.condition)
        for variable in loop.variables.values():
            back = self._nodes[variable.back]
            guard = self.guards[back.name]
            # V1 forwards a value from outside without waiting for the condition.
            is_outer = self._frames[self.canonical(back.inputs[0]).node] != loop.frame
            if guard != frozenset({(condition, True)}) and not (is_outer and guard == ALWAYS):
                raise errors.UnsupportedOpError(
                    "a NextIteration does not run exactly when its loop goes on",
                    node=back.name,
                )
        for node in self._exits.get(loop.frame, ()):
            if self._guard_of(loop.frame, node.inputs[0], known) != frozenset({(condition, False)}):
                raise errors.UnsupportedOpError(
                    "an Exit does not run exactly when its loop ends", node=node.name
                )

    def _union(
        self, frame: Frame, sources: Iterable[TensorRef | str], known: Guard
    ) -> Guard | None:
        """The guard of a node that needs all of `sources`, tensors and nodes."""
        parts: set[Guard] = set()
        for source in sources:
            part = self._guard_of(frame, source, known)
            if part is None:
                return None
            parts.add(part)
        guard = ALWAYS.union(*parts)
        # One guard never contradicts itself.
        if guard not in parts and any(
            (predicate, not value) in guard for predicate, value in guard
        ):
            return None
        return self._unique(guard)

    def _unique(self, guard: Guard) -> Guard:
        return self._guards.setdefault(guard, guard)

    def _guard_of(self, frame: Frame, source: TensorRef | str, known: Guard) -> Guard | None:
        name = _name(source)
        member = member_of(frame, name, self._frames)
        # Nodes outside always run; a node that has no guard yet is the back edge of a loop.
        guard = ALWAYS if member is None else self.guards.get(member, ALWAYS)
        node = self._nodes[name]
        is_output = isinstance(source, TensorRef) and member == name
        if guard is None or node.op != "Switch" or not is_output:
            return guard
        literal = (self.canonical(node.inputs[1]), bool(source.index))
        literal = self._literals.setdefault(literal, literal)
        opposite = (literal[0], not literal[1])
        if opposite in guard or opposite in known:
            return None
        return guard if literal in known else guard | {literal}

    def _visit_merge(self, frame: Frame, node: Node, known: Guard) -> None:
        controls = self._union(frame, node.control_inputs, known)
        found = {ref: self._union(frame, [ref], known) for ref in node.inputs}
        live = [(ref, guard) for ref, guard in found.items() if guard is not None]
        self.guards[node.name] = None
        if controls is None or not live:
            return
        if len(live) == 1:
            self.live_inputs[node.name] = live[0][0]
            self.guards[node.name] = self._unique(live[0][1] | controls)
            return
        if len(live) > 2:
            raise errors.UnsupportedOpError(
                f"a Merge joins {len(live)} values, expected two", node=node.name
            )
        (one, one_guard), (other, other_guard) = live
        predicate = _deciding_predicate(node, one_guard, other_guard)
        on_true, on_false = (one, other) if (predicate, True) in one_guard else (other, one)
        self.joins[node.name] = Join(predicate, on_true, on_false, node.inputs.index(on_true))
        self.guards[node.name] = self._unique((one_guard & other_guard) | controls)

    def canonical(self, ref: TensorRef) -> TensorRef:
        """The tensor that `ref` is a copy of."""
        while True:
            ref = source_of(self._nodes, ref, _COPIES)
            if ref.node not in self.live_inputs or ref.index:
                return ref
            ref = self.live_inputs[ref.node]

    def _in_order(self, frame: Frame) -> list[Member]:
        """The members of a frame, each after those that it needs."""
        members = self._members.get(frame, [])
        order = query.order_by_needs(members, lambda member: self._needed(frame, member))
        if len(order) != len(members):
            placed = set(order)
            stuck = next(member for member in members if member not in placed)
            raise errors.FormatError("a loop needs one of its own outputs", node=label(stuck))
        return order

    def _needed(self, frame: Frame, member: Member) -> Iterator[Member]:
        if isinstance(member, tuple):
            sources: Iterable[str] = (_name(source) for source in self._into[member])
        else:
            sources = self._nodes[member].input_nodes()
        for source in sources:
            if self._nodes[source].op == "NextIteration":
                continue
            found = member_of(frame, source, self._frames)
            if found is not None and found != member:
                yield found


def _members_by_frame(frames: Mapping[str, Frame]) -> dict[Frame, list[Member]]:
    """The nodes and loops of each frame, in the order of the graph."""
    members: dict[Frame, dict[Member, None]] = {}
    for name, frame in frames.items():
        is_new = frame not in members
        members.setdefault(frame, {})[name] = None
        for depth in range(len(frame) if is_new else 0):
            members.setdefault(frame[:depth], {})[frame[: depth + 1]] = None
    return {frame: list(found) for frame, found in members.items()}


def _edges_into_loops(
    nodes: Nodes, frames: Mapping[str, Frame]
) -> dict[Frame, list[TensorRef | str]]:
    """The edges from the frame around each loop into it: tensors, and nodes to wait for."""
    into: dict[Frame, list[TensorRef | str]] = {
        frame[:depth]: [] for frame in {*frames.values()} for depth in range(1, len(frame) + 1)
    }
    for name, node in nodes.items():
        for source in _sources(node):
            origin, frame = frames[_name(source)], frames[name]
            if origin != frame and is_around(origin, frame):
                into[frame[: len(origin) + 1]].append(source)
    return into


def _sources(node: Node) -> Iterator[TensorRef | str]:
    yield from node.inputs
    yield from node.control_inputs


def _name(source: TensorRef | str) -> str:
    return source if isinstance(source, str) else source.node


def _deciding_predicate(node: Node, one: Guard, other: Guard) -> TensorRef:
    """The predicate whose value alone decides which input of a Merge is live."""
    differing = one ^ other
    predicates = {predicate for predicate, _ in differing}
    if len(differing) == 2 and len(predicates) == 1:
        return predicates.pop()
    raise errors.UnsupportedOpError(
        "the inputs of a Merge do not exclude each other by one predicate", node=node.name
    )
