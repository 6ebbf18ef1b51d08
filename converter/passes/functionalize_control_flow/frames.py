"""Finds the loop that each node runs in, and the nodes that make it a loop.

V1 loops live in frames: `Enter` leads into one, `Exit` out of it, and only the attribute
`frame_name` of `Enter` says which (source: control_flow_ops.cc, and `BuildControlFlowInfo` in
graph/control_flow.cc). Frames follow from the edges alone; names mean nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from converter import errors
from converter.ir import attributes, query
from converter.ir.attributes import read_shape
from converter.ir.graph import Node, Nodes

# The names of the frames around a node, outermost first.
Frame: TypeAlias = tuple[str, ...]
ROOT: Frame = ()


@dataclasses.dataclass(frozen=True, slots=True)
class LoopVariable:
    """A loop-carried value: a Merge of its initial value and of the next one.

    Attributes:
      merge: The Merge.
      enter: The Enter that brings its initial value.
      back: The NextIteration that brings its next value.
      dtype: The `DataType` of the value.
      shape: Its static shape; None for an unknown rank.
    """

    merge: str
    enter: str
    back: str
    dtype: int
    shape: tuple[int | None, ...] | None


@dataclasses.dataclass(frozen=True, slots=True)
class V1Loop:
    """The control flow nodes of a loop in its flat form.

    Attributes:
      frame: The frame.
      condition: The LoopCond.
      variables: The values that it carries, by the name of the Merge.
      parallel_iterations: How many iterations TensorFlow may run at a time.
    """

    frame: Frame
    condition: str
    variables: Mapping[str, LoopVariable]
    parallel_iterations: int


def find_frames(nodes: Nodes) -> dict[str, Frame]:
    """Finds the frame of each node; an Enter is in the frame that it leads into.

    A node may use a tensor of a frame around its own without an Enter: passes make such nodes.

    Raises:
      FormatError: if a node takes inputs of two frames, neither of which is around the other, or
        an Exit is in no frame.
    """
    frames: dict[str, Frame] = {}
    for name in query.topological_order(nodes):
        node = nodes[name]
        frame = _common_frame(node, frames)
        if node.op == "Enter":
            frame = (*frame, node.attrs["frame_name"].s.decode(errors="replace"))
        elif node.op == "Exit":
            if frame == ROOT:
                raise errors.FormatError("an Exit is outside of all loops", node=name)
            frame = frame[:-1]
        frames[name] = frame
    for name, node in nodes.items():
        for source in node.input_nodes():
            if nodes[source].op == "NextIteration" and frames[source] != frames[name]:
                raise errors.FormatError("a NextIteration leads to another loop", node=source)
    return frames


def _common_frame(node: Node, frames: Mapping[str, Frame]) -> Frame:
    deepest = ROOT
    # A source that has no frame yet is a NextIteration, the back edge of a loop.
    found = {frames[source] for source in node.input_nodes() if source in frames}
    for frame in found:
        if len(frame) > len(deepest):
            deepest = frame
    for frame in found:
        if not is_around(frame, deepest):
            raise errors.FormatError("a node takes inputs of two different loops", node=node.name)
    return deepest


def is_around(outer: Frame, inner: Frame) -> bool:
    """Whether `inner` is `outer` or a frame inside it."""
    return inner[: len(outer)] == outer


def find_loops(nodes: Nodes, frames: Mapping[str, Frame]) -> dict[Frame, V1Loop]:
    """Finds the loop of each frame.

    Raises:
      UnsupportedOpError: if a frame is not a loop as TensorFlow's `while_loop` makes them.
      FormatError: if a NextIteration is part of no loop variable.
    """
    members: dict[Frame, list[Node]] = {}
    for name, frame in frames.items():
        for depth in range(1, len(frame) + 1):
            members.setdefault(frame[:depth], [])
        if frame != ROOT:
            members[frame].append(nodes[name])
    loops = {frame: _find_loop(nodes, frame, members[frame]) for frame in members}
    variables = {name for loop in loops.values() for name in loop.variables}
    for name, node in nodes.items():
        for source in node.input_nodes():
            if nodes[source].op == "NextIteration" and name not in variables:
                raise errors.FormatError("a NextIteration leads to no Merge", node=source)
    return loops


def _find_loop(nodes: Nodes, frame: Frame, members: list[Node]) -> V1Loop:
    conditions = [node.name for node in members if node.op == "LoopCond"]
    enters = [node for node in members if node.op == "Enter"]
    if len(conditions) != 1:
        raise errors.UnsupportedOpError(
            f"a V1 loop has {len(conditions)} LoopCond nodes, expected one",
            node=conditions[0] if conditions else next((n.name for n in members), frame[-1]),
        )
    variables = {
        node.name: variable
        for node in members
        if node.op == "Merge"
        for variable in _find_variable(nodes, node)
    }
    if not variables:
        raise errors.UnsupportedOpError("a V1 loop carries no values", node=conditions[0])
    parallel = [enter.attrs["parallel_iterations"].i for enter in enters
                if "parallel_iterations" in enter.attrs]  # fmt: skip
    return V1Loop(frame, conditions[0], variables, int(parallel[0]) if parallel else 10)


def _find_variable(nodes: Nodes, merge: Node) -> Iterator[LoopVariable]:
    """The loop variable of `merge`; none if it joins the sides of a conditional."""
    backs = [ref.node for ref in merge.inputs if nodes[ref.node].op == "NextIteration"]
    enters = [ref.node for ref in merge.inputs if nodes[ref.node].op == "Enter"]
    if not backs:
        return
    if len(backs) != 1 or len(enters) != 1 or len(merge.inputs) != 2:
        raise errors.UnsupportedOpError(
            "a loop variable must join one Enter and one NextIteration", node=merge.name
        )
    dtype = attributes.get_dtype(merge, "T")
    yield LoopVariable(merge.name, enters[0], backs[0], dtype, _static_shape(merge))


def _static_shape(merge: Node) -> tuple[int | None, ...] | None:
    """The shape that the exporter's TensorFlow inferred, which is V1's shape invariant."""
    if attributes.INFERRED_SHAPES not in merge.attrs:
        return None
    shapes = merge.attrs[attributes.INFERRED_SHAPES].list.shape
    return read_shape(shapes[0]) if shapes else None
