"""The nested form of a graph: its root region, and the loops of its frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence

from converter import errors
from converter.ir import op_facts
from converter.ir.graph import VARIABLE_OP, VARIABLE_VALUE_OP, Graph, Node, TensorRef
from converter.ir.region import Carried, Loop, Region
from converter.passes.raise_control_flow.frames import ROOT, Frame, LoopParts, LoopVariable
from converter.passes.raise_control_flow.guards import (
    ALWAYS,
    Guards,
    Unit,
    guard_of_result,
    unit_in,
)
from converter.passes.raise_control_flow.level import Level, limit_size
from converter.passes.raise_control_flow.limits import find_maximum_iterations
from converter.passes.raise_control_flow.parts import MadeLoop, MadeRegion, Request, Scope
from converter.passes.raise_control_flow.wiring import Use, Wiring

_VARIABLES = (VARIABLE_OP, VARIABLE_VALUE_OP)


class RegionBuilder:
    """Builds the regions of one graph.

    Args:
      graph: The graph.
      frames: The frame of each node.
      loops: The loop of each frame.
      guards: The guards of all nodes.
      without_gradient: The names of frames through which no gradient leads.
    """

    def __init__(
        self,
        graph: Graph,
        frames: Mapping[str, Frame],
        loops: Mapping[Frame, LoopParts],
        guards: Guards,
        without_gradient: Collection[str],
    ) -> None:
        self.nodes = graph.nodes
        self.args = frozenset(graph.args)
        self.frames = frames
        self.guards = guards
        self.wiring = Wiring(graph.nodes, frames, loops, guards)
        self.position = {name: index for index, name in enumerate(graph.nodes)}
        self.index_refs = _find_index_refs(graph, guards)
        self._graph = graph
        self._loops = loops
        self._without_gradient = without_gradient
        self._rewired: dict[str, Node] = {}
        self._sources: dict[Unit, tuple[str, ...]] = {}
        self._made: dict[Frame, MadeLoop] = {}

    def build(self) -> Region:
        """The region of the whole graph.

        Raises:
          ConversionError: if it has no nested form.
        """
        self._check_results()
        uses = [self.wiring.use(ref) for ref in self._graph.results]
        controls = [control for use in uses for control in use.controls]
        # A session skips targets that never run.
        live = [name for name in self._graph.targets if self.guards.of[name] is not None]
        controls += self.wiring.targets(live)
        # V1 lists variables that only branches use which never run; so do we.
        controls += [node.name for node in self.nodes.values() if node.op in _VARIABLES]
        request = Request(tuple(use.ref for use in uses), tuple(dict.fromkeys(controls)))
        region = Level(self, Scope(), request).make().region
        return dataclasses.replace(region, args=self._graph.args)

    def _check_results(self) -> None:
        """Checks that what is asked for is not inside of something, where V1 cannot get it."""
        for ref in self._graph.results:
            guard = guard_of_result(self.guards, self.nodes, ref)
            if guard is None:
                raise errors.FormatError("a result is a tensor that never is", node=ref.node)
            if self.frames[ref.node] != ROOT or guard != ALWAYS:
                raise errors.UnsupportedOpError(
                    "a result is inside of a loop or of a side of a conditional", node=ref.node
                )
        for name in self._graph.targets:
            if self.frames[name] != ROOT:
                raise errors.UnsupportedOpError(
                    "an op to run for its effect is inside of a loop", node=name
                )

    def unit(self, frame: Frame, name: str) -> Unit | None:
        """What `name` is a part of in `frame`; the Exits of a loop are parts of it."""
        node = self.nodes[name]
        inner = node.inputs[0].node if node.op == "Exit" else name
        return unit_in(frame, inner, self.frames)

    def is_plain(self, unit: Unit) -> bool:
        """Whether a unit is a node that TensorFlow imports with others in one go."""
        return isinstance(unit, str) and not op_facts.is_called(self.nodes[unit])

    def node(self, name: str) -> Node:
        """The node with inputs of the nested form."""
        if name not in self._rewired:
            self._rewired[name] = self.wiring.rewire(self.nodes[name])
        return self._rewired[name]

    def join_uses(self, name: str) -> tuple[Use, Use, Use]:
        """What a Merge uses: the predicate, and its inputs if that holds and if it does not."""
        join = self.guards.joins[name]
        use = self.wiring.use
        return use(join.predicate), use(join.on_true), use(join.on_false)

    def source_names(self, unit: Unit) -> tuple[str, ...]:
        """The nodes that a unit uses or waits for."""
        if unit not in self._sources:
            self._sources[unit] = tuple(dict.fromkeys(self._find_sources(unit)))
        return self._sources[unit]

    def _find_sources(self, unit: Unit) -> Iterator[str]:
        if isinstance(unit, tuple):
            yield from self.loop(unit).outside
        elif unit in self.guards.joins:
            for use in self.join_uses(unit):
                yield use.ref.node
                yield from use.controls
            yield from self.wiring.waits(self.nodes[unit].control_inputs)
        else:
            yield from self.node(unit).input_nodes()

    def loop(self, frame: Frame) -> MadeLoop:
        """The loop of a frame."""
        if frame not in self._made:
            self._made[frame] = self._make_loop(self._loops[frame])
        return self._made[frame]

    def _make_loop(self, parts: LoopParts) -> MadeLoop:
        condition = self.nodes[parts.condition]
        variables = [v for v in parts.variables.values() if self.wiring.carries(v)]
        if not variables:
            raise errors.UnsupportedOpError("a V1 loop that carries no values", node=condition.name)
        enters = [self.nodes[variable.enter] for variable in variables]
        initial = [self.wiring.use(enter.inputs[0]) for enter in enters]
        assumed = frozenset({(TensorRef(condition.name), True)})
        args = tuple(variable.merge for variable in variables)
        predicate = self._loop_part(Scope(parts.frame), [condition], args)
        handles = [v for v in parts.variables.values() if v not in variables]
        backs = [self.nodes[variable.back] for variable in variables]
        also = [c for handle in handles for c in self._handle_controls(handle)]
        body = self._loop_part(Scope(parts.frame, assumed), backs, args, also)
        carried = tuple(
            Carried(v.merge, use.ref, v.shape, self.wiring.exit_of(v.merge))
            for v, use in zip(variables, initial, strict=True)
        )
        loop = Loop(
            name=parts.frame[-1],
            carried=carried,
            predicate=predicate.region,
            body=body.region,
            parallel_iterations=parts.parallel_iterations,
            has_gradient=parts.frame[-1] not in self._without_gradient,
        )
        size = limit_size(predicate.size + body.size)
        _check_nothing_twice(loop)
        loop = dataclasses.replace(
            loop, maximum_iterations=find_maximum_iterations(loop, self.nodes)
        )
        controls = [*predicate.controls, *body.controls]
        controls += [control for use in initial for control in use.controls]
        controls += self.wiring.waits(c for enter in enters for c in enter.control_inputs)
        outside = [*predicate.outside, *body.outside, *controls]
        outside += [use.ref.node for use in initial]
        return MadeLoop(
            outside=tuple(dict.fromkeys(outside)),
            controls=tuple(dict.fromkeys(controls)),
            size=size,
            height=max(predicate.height, body.height),
            loop=loop,
        )

    def _handle_controls(self, handle: LoopVariable) -> list[str]:
        """What a body waits for before it passes a handle on, which must stay the same."""
        self.wiring.check_handle(handle)
        back = self.nodes[handle.back]
        return [*self.wiring.use(back.inputs[0]).controls, *self.wiring.waits(back.control_inputs)]

    def _loop_part(
        self,
        scope: Scope,
        ends: Sequence[Node],
        args: tuple[str, ...],
        also: Sequence[str] = (),
    ) -> MadeRegion:
        """The predicate or the body, which ends in a LoopCond or in NextIterations."""
        uses = [self.wiring.use(end.inputs[0]) for end in ends]
        targets = [*also, *(control for use in uses for control in use.controls)]
        targets += self.wiring.waits(c for end in ends for c in end.control_inputs)
        request = Request(tuple(use.ref for use in uses), tuple(targets))
        made = Level(self, scope, request, args).make()
        return dataclasses.replace(made, region=dataclasses.replace(made.region, args=args))


def _find_index_refs(graph: Graph, guards: Guards) -> frozenset[TensorRef]:
    """The second outputs of Merges, the numbers of the inputs they got, as far as used."""
    refs = {ref for node in graph.nodes.values() for ref in node.inputs} | set(graph.results)
    return frozenset(ref for ref in refs if ref.index == 1 and ref.node in guards.joins)


def _check_nothing_twice(loop: Loop) -> None:
    """Refuses effects of the predicate that the body needs: they would happen twice."""
    in_body = {node.name for node in loop.body.nodes()}
    for node in loop.predicate.nodes():
        if node.name in in_body and op_facts.has_effect(node.op):
            raise errors.UnsupportedOpError(
                f"the body of a loop uses what op {node.op!r} gives in the loop's condition",
                node=node.name,
            )
