"""Builds the nested form of a graph: its root region, and the loop of each frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from converter import errors
from converter.ir import op_facts
from converter.ir.graph import VARIABLE_OP, VARIABLE_VALUE_OP, Graph, Node, TensorRef
from converter.ir.region import Carried, Loop, Region
from converter.passes.functionalize_control_flow.edges import EdgeResolver, ResolvedRef
from converter.passes.functionalize_control_flow.frames import ROOT, Frame, V1Loop
from converter.passes.functionalize_control_flow.guards import (
    ALWAYS,
    Guards,
    Member,
    guard_of_result,
    member_of,
)
from converter.passes.functionalize_control_flow.limits import find_maximum_iterations
from converter.passes.functionalize_control_flow.region_builder import RegionBuilder, limit_size
from converter.passes.functionalize_control_flow.scopes import (
    BuiltLoop,
    BuiltRegion,
    Fetches,
    Scope,
)

_VARIABLES = (VARIABLE_OP, VARIABLE_VALUE_OP)


class Functionalizer:
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
        loops: Mapping[Frame, V1Loop],
        guards: Guards,
        without_gradient: Collection[str],
    ) -> None:
        self.nodes = graph.nodes
        self._args = frozenset(graph.args)
        self.frames = frames
        self.guards = guards
        self.edges = EdgeResolver(graph.nodes, frames, loops, guards)
        self.position = {name: index for index, name in enumerate(graph.nodes)}
        # The second outputs of Merges, the numbers of the inputs that arrived, as far as used.
        used = {ref for node in graph.nodes.values() for ref in node.inputs} | {*graph.results}
        self.value_indices = {ref for ref in used if ref.index == 1 and ref.node in guards.joins}
        self._graph = graph
        self._loops = loops
        self._without_gradient = without_gradient
        self._rewired: dict[str, Node] = {}
        self._sources: dict[Member, tuple[str, ...]] = {}
        self._built: dict[Frame, BuiltLoop] = {}

    def build(self) -> Region:
        """Builds the region of the whole graph.

        Raises:
          ConversionError: if the graph has no nested form.
        """
        self._check_fetches()
        results = [self.edges.resolve(ref) for ref in self._graph.results]
        targets = [name for result in results for name in result.control_dependencies]
        # A session skips dead targets.
        live = [name for name in self._graph.targets if self.guards.of[name] is not None]
        targets += self.edges.targets(live)
        # V1 lists variables that only dead branches use; so do we.
        targets += [node.name for node in self.nodes.values() if node.op in _VARIABLES]
        region = RegionBuilder(self, Scope(), _fetch(results, targets), self._args).build().region
        return dataclasses.replace(region, args=self._graph.args)

    def _check_fetches(self) -> None:
        """Refuses results and targets inside of loops and branches, where V1 cannot get them."""
        for ref in self._graph.results:
            guard = guard_of_result(self.guards, self.nodes, ref)
            if guard is None:
                raise errors.FormatError("an output never has a value", node=ref.node)
            if self.frames[ref.node] != ROOT or guard != ALWAYS:
                raise errors.UnsupportedOpError(
                    "an output is inside of a loop or of a branch of a conditional", node=ref.node
                )
        for name in self._graph.targets:
            if self.frames[name] != ROOT:
                raise errors.UnsupportedOpError(
                    "an op that must run for its effect is inside of a loop", node=name
                )

    def member(self, frame: Frame, name: str) -> Member | None:
        """The member of `frame` that `name` is part of; the Exits of a loop are part of it."""
        node = self.nodes[name]
        inner = node.inputs[0].node if node.op == "Exit" else name
        return member_of(frame, inner, self.frames)

    def is_plain(self, member: Member) -> bool:
        """Whether a member is a node that TensorFlow imports with others in one go."""
        return isinstance(member, str) and not op_facts.is_called(self.nodes[member])

    def node(self, name: str) -> Node:
        """The node with the inputs that it has in the nested form."""
        if name not in self._rewired:
            self._rewired[name] = self.edges.rewire(self.nodes[name])
        return self._rewired[name]

    def resolve_join(self, name: str) -> tuple[ResolvedRef, ResolvedRef, ResolvedRef]:
        """The predicate of a Merge, its input if that holds, and its input if it does not."""
        join, resolve = self.guards.joins[name], self.edges.resolve
        return resolve(join.predicate), resolve(join.on_true), resolve(join.on_false)

    def source_names(self, member: Member) -> tuple[str, ...]:
        """The nodes that a member uses or waits for."""
        if member not in self._sources:
            self._sources[member] = tuple(dict.fromkeys(self._find_sources(member)))
        return self._sources[member]

    def _find_sources(self, member: Member) -> Iterator[str]:
        if isinstance(member, tuple):
            yield from self.loop(member).captures
        elif member in self.guards.joins:
            for resolved in self.resolve_join(member):
                yield resolved.ref.node
                yield from resolved.control_dependencies
            yield from self.edges.dependencies(self.nodes[member].control_inputs)
        else:
            yield from self.node(member).input_nodes()

    def loop(self, frame: Frame) -> BuiltLoop:
        """The loop of a frame in its nested form."""
        if frame not in self._built:
            self._built[frame] = self._build_loop(self._loops[frame])
        return self._built[frame]

    def _build_loop(self, v1_loop: V1Loop) -> BuiltLoop:
        carried = self._carried(v1_loop)
        args = tuple(value.name for value in carried)
        condition = self.nodes[v1_loop.condition]
        predicate = self._build_part(Scope(v1_loop.frame), [condition], args)
        body = self._build_body(v1_loop, args)
        size = limit_size(predicate.size + body.size)
        loop = Loop(
            name=v1_loop.frame[-1],
            carried=carried,
            predicate=predicate.region,
            body=body.region,
            parallel_iterations=v1_loop.parallel_iterations,
            has_gradient=v1_loop.frame[-1] not in self._without_gradient,
        )
        _check_effects_once(loop)
        limit = find_maximum_iterations(loop, self.nodes)
        enters = [self.nodes[v1_loop.variables[name].enter] for name in args]
        dependencies = (
            *predicate.control_dependencies,
            *body.control_dependencies,
            *self._dependencies(enters),
        )
        initial = [value.initial.node for value in carried]
        captures = (*predicate.captures, *body.captures, *dependencies, *initial)
        return BuiltLoop(
            captures=tuple(dict.fromkeys(captures)),
            control_dependencies=tuple(dict.fromkeys(dependencies)),
            size=size,
            height=max(predicate.height, body.height),
            loop=dataclasses.replace(loop, maximum_iterations=limit),
        )

    def _carried(self, v1_loop: V1Loop) -> tuple[Carried, ...]:
        variables = [v for v in v1_loop.variables.values() if self.edges.carries(v)]
        if not variables:
            raise errors.UnsupportedOpError("a V1 loop carries no values", node=v1_loop.condition)
        return tuple(
            Carried(
                name=variable.merge,
                initial=self.edges.resolve(self.nodes[variable.enter].inputs[0]).ref,
                shape=variable.shape,
                output=self.edges.exit_of(variable.merge),
            )
            for variable in variables
        )

    def _build_body(self, v1_loop: V1Loop, args: tuple[str, ...]) -> BuiltRegion:
        assumed = frozenset({(TensorRef(v1_loop.condition), True)})
        variables = v1_loop.variables
        handles = [variable for name, variable in variables.items() if name not in args]
        for handle in handles:
            self.edges.check_handle(handle)
        backs = [self.nodes[variables[name].back] for name in args]
        dependencies = [
            name for handle in handles for name in self._dependencies([self.nodes[handle.back]])
        ]
        return self._build_part(Scope(v1_loop.frame, assumed), backs, args, dependencies)

    def _build_part(
        self,
        scope: Scope,
        ends: Sequence[Node],
        args: tuple[str, ...],
        targets: Sequence[str] = (),
    ) -> BuiltRegion:
        """Builds the predicate or the body, which end in a LoopCond or in NextIterations."""
        results = [self.edges.resolve(end.inputs[0]) for end in ends]
        fetches = _fetch(results, [*targets, *self._dependencies(ends)])
        built = RegionBuilder(self, scope, fetches, self._args.union(args)).build()
        return dataclasses.replace(built, region=dataclasses.replace(built.region, args=args))

    def _dependencies(self, nodes: Sequence[Node]) -> list[str]:
        """The nodes to wait for in the place of nodes that only forward their first input."""
        resolved = [self.edges.resolve(node.inputs[0]) for node in nodes]
        dependencies = [name for source in resolved for name in source.control_dependencies]
        waited_for = [name for node in nodes for name in node.control_inputs]
        return [*dependencies, *self.edges.dependencies(waited_for)]


def _fetch(results: Iterable[ResolvedRef], targets: Iterable[str]) -> Fetches:
    return Fetches(tuple(result.ref for result in results), tuple(dict.fromkeys(targets)))


def _check_effects_once(loop: Loop) -> None:
    """Refuses effects of the predicate that the body needs, too: they would happen twice."""
    in_body = {node.name for node in loop.body.nodes()}
    for node in loop.predicate.nodes():
        if node.name in in_body and op_facts.has_effect(node.op):
            raise errors.UnsupportedOpError(
                f"the body of a loop uses an output of op {node.op!r} of the loop's condition,"
                " whose effect would happen twice",
                node=node.name,
            )
