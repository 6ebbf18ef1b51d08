"""Nested regions, built from the results backwards.

A region is asked for some tensors. What it takes to make them are its items, down to the values
of the regions around it. Units that run under no further condition are items of this level; the
others belong to conditionals, which end in Merges of this level, and go into their sides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from converter import errors
from converter.ir import op_facts, query, serde
from converter.ir.graph import VARIABLE_OP, VARIABLE_VALUE_OP, Graph, Node, TensorRef
from converter.ir.region import Branch, Carried, Item, Loop, Region
from converter.passes.raise_control_flow.frames import ROOT, Frame, LoopParts, LoopVariable
from converter.passes.raise_control_flow.guards import (
    ALWAYS,
    Guard,
    Guards,
    Unit,
    guard_of_result,
    unit_in,
)
from converter.passes.raise_control_flow.limits import find_maximum_iterations
from converter.passes.raise_control_flow.schedule import CycleError, Work, schedule
from converter.passes.raise_control_flow.wiring import Use, Wiring

# What TensorFlow's tracing of nested functions can take, and then some.
MAX_DEPTH = 50
MAX_NODES = 1_000_000
_VARIABLES = (VARIABLE_OP, VARIABLE_VALUE_OP)


@dataclasses.dataclass(frozen=True, slots=True)
class _Scope:
    """Where a region is.

    Attributes:
      frame: The frame whose units it holds.
      assumed: What holds in all of it since it is the body of a loop.
      guard: What holds since it is a side of a conditional.
    """

    frame: Frame = ROOT
    assumed: Guard = ALWAYS
    guard: Guard = ALWAYS


@dataclasses.dataclass(frozen=True, slots=True)
class _Request:
    """What a region is asked for: tensors to give, and nodes to run for their effect."""

    results: tuple[TensorRef, ...]
    targets: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Made:
    """A region or loop, and what it needs of outside.

    Attributes:
      part: The region or loop.
      outside: The nodes outside of its frame whose tensors it uses or for which it waits.
      controls: The nodes outside of itself for which it waits.
      size: How many nodes it holds.
    """

    part: Region | Loop
    outside: tuple[str, ...]
    controls: tuple[str, ...]
    size: int


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
        self.depth = 0
        self._rewired: dict[str, Node] = {}
        self._sources: dict[Unit, tuple[str, ...]] = {}
        self._made: dict[Frame, _Made] = {}

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
        request = _Request(tuple(use.ref for use in uses), tuple(dict.fromkeys(controls)))
        region = _Level(self, _Scope(), request).make().part
        assert isinstance(region, Region)
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
        return isinstance(unit, str) and self.nodes[unit].op not in op_facts.OWN_GRADIENT_OPS

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

    def loop(self, frame: Frame) -> _Made:
        """The loop of a frame."""
        if frame not in self._made:
            self._made[frame] = self._make_loop(self._loops[frame])
        return self._made[frame]

    def _make_loop(self, parts: LoopParts) -> _Made:
        condition = self.nodes[parts.condition]
        variables = [v for v in parts.variables.values() if self.wiring.carries(v)]
        enters = [self.nodes[variable.enter] for variable in variables]
        initial = [self.wiring.use(enter.inputs[0]) for enter in enters]
        assumed = frozenset({(TensorRef(condition.name), True)})
        args = tuple(variable.merge for variable in variables)
        predicate = self._loop_part(_Scope(parts.frame), [condition], args)
        handles = [v for v in parts.variables.values() if v not in variables]
        backs = [self.nodes[variable.back] for variable in variables]
        also = [c for handle in handles for c in self._handle_controls(handle)]
        body = self._loop_part(_Scope(parts.frame, assumed), backs, args, also)
        carried = tuple(
            Carried(v.merge, use.ref, v.shape, self.wiring.exit_of(v.merge))
            for v, use in zip(variables, initial, strict=True)
        )
        loop = Loop(
            name=parts.frame[-1],
            carried=carried,
            predicate=_region(predicate),
            body=_region(body),
            parallel_iterations=parts.parallel_iterations,
            has_gradient=parts.frame[-1] not in self._without_gradient,
        )
        size = self.limit_size(predicate.size + body.size)
        _check_nothing_twice(loop)
        loop = dataclasses.replace(
            loop, maximum_iterations=find_maximum_iterations(loop, self.nodes)
        )
        controls = [*predicate.controls, *body.controls]
        controls += [control for use in initial for control in use.controls]
        controls += self.wiring.waits(c for enter in enters for c in enter.control_inputs)
        outside = [*predicate.outside, *body.outside, *controls]
        outside += [use.ref.node for use in initial]
        return _Made(loop, tuple(dict.fromkeys(outside)), tuple(dict.fromkeys(controls)), size)

    def limit_size(self, size: int) -> int:
        """Returns `size`; what loops and branches repeat could grow without bound."""
        if size > MAX_NODES:
            raise errors.UnsupportedOpError(f"nested, the graph has over {MAX_NODES} nodes")
        return size

    def _handle_controls(self, handle: LoopVariable) -> list[str]:
        """What a body waits for before it passes a handle on, which must stay the same."""
        self.wiring.check_handle(handle)
        back = self.nodes[handle.back]
        return [*self.wiring.use(back.inputs[0]).controls, *self.wiring.waits(back.control_inputs)]

    def _loop_part(
        self,
        scope: _Scope,
        ends: Sequence[Node],
        args: tuple[str, ...],
        also: Sequence[str] = (),
    ) -> _Made:
        """The predicate or the body, which ends in a LoopCond or in NextIterations."""
        uses = [self.wiring.use(end.inputs[0]) for end in ends]
        targets = [*also, *(control for use in uses for control in use.controls)]
        targets += self.wiring.waits(c for end in ends for c in end.control_inputs)
        request = _Request(tuple(use.ref for use in uses), tuple(targets))
        made = _Level(self, scope, request, args).make()
        return dataclasses.replace(made, part=dataclasses.replace(_region(made), args=args))


def _label(unit: Unit) -> str:
    """What error messages call a unit."""
    return unit if isinstance(unit, str) else unit[-1]


class _Groups:
    """Disjoint sets, by union and find."""

    def __init__(self, members: Iterable[Unit]) -> None:
        self._parents = {member: member for member in members}

    def join(self, one: Unit, other: Unit) -> None:
        """Puts the sets of two members together."""
        self._parents[self._root(other)] = self._root(one)

    def merged(self, parts: Mapping[Unit, Iterable[Unit]]) -> list[list[Unit]]:
        """The parts of all members of each set, together, each once."""
        found: dict[Unit, dict[Unit, None]] = {}
        for member, part in parts.items():
            found.setdefault(self._root(member), {}).update(dict.fromkeys(part))
        return [list(units) for units in found.values()]

    def _root(self, member: Unit) -> Unit:
        while self._parents[member] != member:
            self._parents[member] = self._parents[self._parents[member]]
            member = self._parents[member]
        return member


def _region(made: _Made) -> Region:
    assert isinstance(made.part, Region)
    return made.part


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


class _Level:
    """One region on its way.

    Args:
      builder: The graph.
      scope: Where the region is.
      request: What it is to give.
      args: The values that its loop carries.
    """

    def __init__(
        self,
        builder: RegionBuilder,
        scope: _Scope,
        request: _Request,
        args: Collection[str] = (),
    ) -> None:
        self._builder = builder
        self._scope = scope
        self._request = request
        self._args = frozenset(args) | builder.args
        self._outside: dict[str, None] = {}
        self._controls: dict[str, None] = {}
        self._needed: dict[Unit, None] = {}
        self._targets: dict[Unit, list[str]] = {}
        self._size = 0

    def make(self) -> _Made:
        self._builder.depth += 1
        if self._builder.depth > MAX_DEPTH:
            raise errors.UnsupportedOpError(f"control flow is over {MAX_DEPTH} levels deep")
        for name in self._request.targets:
            unit = self._unit_here(name)
            if unit is not None:
                self._targets.setdefault(unit, []).append(name)
        first = self._collect([ref.node for ref in self._request.results])
        self._collect(self._request.targets)
        order = self._order(first)
        units = [unit for group in order for work in group for unit in work.units]
        made = {name for unit in units for name in self._names(unit)}
        for target in self._request.targets:
            self._note_control(target, made)
        items = tuple(self._make_item(group, made) for group in order)
        self._builder.depth -= 1
        region = Region((), items, self._request.results)
        return _Made(region, tuple(self._outside), tuple(self._controls), self._size)

    def _order(self, first: set[Unit]) -> list[Sequence[Work]]:
        """What becomes an item, in the order in which to run it.

        The sides of a conditional are made together where that is possible. It is not where one
        of its outputs comes back into a side, as in the gradient of a conditional, which may use
        all that is in the sides. Then what has no effect is made once more.
        """
        try:
            return list(schedule(self._find_work(self._components(may_repeat=False), first)))
        except CycleError:
            return list(schedule(self._find_work(self._components(may_repeat=True), first)))

    # What it takes.

    def _collect(self, names: Iterable[str]) -> set[Unit]:
        """Adds what the nodes need to what the region needs; returns the units added."""
        added: set[Unit] = set()
        stack = list(names)
        while stack:
            name = stack.pop()
            unit = self._unit_here(name)
            if unit is None or unit in self._needed:
                continue
            self._needed[unit] = None
            added.add(unit)
            stack.extend(self._sources(unit))
        return added

    def _unit_here(self, name: str) -> Unit | None:
        """The unit of this region that makes `name`; None if it comes from around it."""
        if name in self._args:
            return None
        unit = self._builder.unit(self._scope.frame, name)
        if unit is None:
            self._outside[name] = None
            return None
        extra = self._extra(unit)
        if extra >= self._scope.guard:
            return unit
        if extra < self._scope.guard:
            return None
        raise errors.UnsupportedOpError("a branch uses a value of another branch", node=name)

    def _extra(self, unit: Unit) -> Guard:
        guard = self._builder.guards.of[unit]
        if guard is None:
            raise errors.FormatError("a result needs a node that never runs", node=_label(unit))
        return guard - self._scope.assumed

    def _sources(self, unit: Unit) -> Iterator[str]:
        """The nodes that a unit needs, with the predicates of what only it runs under."""
        yield from self._builder.source_names(unit)
        for predicate, _ in self._extra(unit) - self._scope.guard:
            yield self._builder.wiring.use(predicate).ref.node

    # Conditionals.

    def _is_inner(self, unit: Unit) -> bool:
        return self._extra(unit) > self._scope.guard

    def _ends(self) -> list[Unit]:
        """Where conditionals end: in Merges of this level, and in what runs for its effect."""
        joins = [u for u in self._needed if u in self._builder.guards.joins]
        targets = [u for u in self._targets if self._is_inner(u)]
        return [*(join for join in joins if not self._is_inner(join)), *targets]

    def _components(self, *, may_repeat: bool) -> list[list[Unit]]:
        """The units of each conditional: all that leads to one of its ends.

        Ends that share a unit belong together; if units may repeat, only ends that share one that
        must run once.
        """
        ends = self._ends()
        groups = _Groups(ends)
        owners: dict[Unit, Unit] = {}
        units: dict[Unit, dict[Unit, None]] = {end: {} for end in ends}
        for end in ends:
            stack: list[Unit] = [end]
            while stack:
                unit = stack.pop()
                if unit in units[end]:
                    continue
                if not may_repeat or self._runs_once(unit):
                    groups.join(owners.setdefault(unit, end), end)
                if not may_repeat and owners[unit] != end:
                    continue
                units[end][unit] = None
                sources = map(self._unit_here, self._sources(unit))
                stack += [s for s in sources if s is not None and self._is_inner(s)]
        return groups.merged(units)

    def _runs_once(self, unit: Unit) -> bool:
        """Whether it can be seen how often a unit runs."""
        if isinstance(unit, str):
            return op_facts.is_order_relevant(self._builder.nodes[unit].op)
        loop = self._builder.loop(unit).part
        assert isinstance(loop, Loop)
        nodes = (node for region in loop.regions for node in region.nodes())
        return any(op_facts.is_order_relevant(node.op) for node in nodes)

    def _find_work(self, components: Iterable[list[Unit]], first: set[Unit]) -> list[Work]:
        groups = {units[0]: units for units in components}
        together = {unit for units in groups.values() for unit in units}
        owner = {u: root for root, units in groups.items() for u in units if not self._is_inner(u)}
        single = [u for u in self._needed if u not in together]
        owner.update((unit, unit) for unit in single)
        return [
            Work(
                root=root,
                units=tuple(units),
                needs=self._needs(root, units, owner),
                position=min(self._position(unit) for unit in units),
                predicate=self._predicate(units) if root in groups else None,
                is_plain=root not in groups and self._builder.is_plain(root),
                is_first=not first.isdisjoint(units),
            )
            for root, units in (*groups.items(), *((unit, [unit]) for unit in single))
        ]

    def _needs(
        self, root: Unit, units: Collection[Unit], owner: Mapping[Unit, Unit]
    ) -> frozenset[Unit]:
        """The roots of what some units need.

        Raises:
          CycleError: if they are a conditional and need one of its outputs.
        """
        found = set()
        for unit in units:
            for name in self._sources(unit):
                source = self._unit_here(name)
                if source is not None and not self._is_inner(source):
                    found.add(owner[source])
        if root in found and len(units) > 1:
            raise CycleError("a side of a conditional uses one of its outputs", node=_label(root))
        return frozenset(found - {root})

    def _position(self, unit: Unit) -> int:
        if isinstance(unit, str):
            return self._builder.position[unit]
        part = self._builder.loop(unit).part
        assert isinstance(part, Loop)
        return min(self._builder.position[value.name] for value in part.carried)

    def _predicate(self, units: Iterable[Unit]) -> TensorRef:
        """What decides which side of a conditional runs."""
        joins = self._builder.guards.joins
        ends = [unit for unit in units if unit in joins and not self._is_inner(unit)]
        if ends:
            found = {joins[str(end)].predicate for end in ends}
        else:
            # Run for their effect alone. Any predicate that all share may come first.
            literals = [self._extra(unit) - self._scope.guard for unit in units]
            found = {p for p, _ in frozenset.intersection(*literals) if self._is_known(p)}
            found = set(sorted(found)[:1])
        if len(found) != 1:
            name = next((str(end) for end in ends), str(next(iter(units))))
            raise errors.UnsupportedOpError(
                "nodes that run under different conditions depend on each other", node=name
            )
        return found.pop()

    def _is_known(self, predicate: TensorRef) -> bool:
        unit = self._unit_here(self._builder.wiring.use(predicate).ref.node)
        return unit is None or not self._is_inner(unit)

    # Items.

    def _names(self, unit: Unit) -> Iterator[str]:
        """The names under which later items of this level may wait for a unit."""
        if isinstance(unit, tuple):
            part = self._builder.loop(unit).part
            assert isinstance(part, Loop)
            yield from (ref.node for ref in part.outputs)
        elif not self._is_inner(unit):
            yield unit

    def _note_control(self, name: str, made: Collection[str]) -> bool:
        """Whether `name` is made here; if not, the whole region has to wait for it."""
        if name in made:
            return True
        if self._unit_here(name) is None:
            self._controls[name] = None
        return False

    def _kept(self, controls: Iterable[str], made: Collection[str]) -> tuple[str, ...]:
        return tuple(name for name in controls if self._note_control(name, made))

    def _make_item(self, group: Sequence[Work], made: Collection[str]) -> Item:
        unit = group[0].root
        if group[0].predicate is not None:
            return self._make_branch(group, group[0].predicate, made)
        if isinstance(unit, str):
            node = self._builder.node(unit)
            self._size += 1
            kept = self._kept(node.control_inputs, made)
            same = kept == node.control_inputs
            return node if same else dataclasses.replace(node, control_inputs=kept)
        loop = self._builder.loop(unit)
        assert isinstance(loop.part, Loop)
        self._size = self._builder.limit_size(self._size + loop.size)
        return dataclasses.replace(loop.part, control_inputs=self._kept(loop.controls, made))

    def _make_branch(
        self, group: Sequence[Work], predicate: TensorRef, made: Collection[str]
    ) -> Branch:
        units = dict.fromkeys(unit for work in group for unit in work.units)
        joins = sorted(
            (u for u in units if u in self._builder.guards.joins and not self._is_inner(u)),
            key=self._position,
        )
        merges = [str(join) for join in joins]
        then = self._make_side(units, merges, (predicate, True))
        otherwise = self._make_side(units, merges, (predicate, False))
        self._size = self._builder.limit_size(self._size + then.size + otherwise.size)
        controls = [*then.controls, *otherwise.controls]
        for merge in merges:
            controls += self._builder.join_uses(merge)[0].controls
            controls += self._builder.wiring.waits(self._builder.nodes[merge].control_inputs)
        outputs = [TensorRef(merge) for merge in merges]
        outputs += self._indices(merges)
        return Branch(
            predicate=self._builder.wiring.use(predicate).ref,
            then=_region(then),
            otherwise=_region(otherwise),
            outputs=tuple(outputs),
            control_inputs=self._kept(dict.fromkeys(controls), made),
        )

    def _indices(self, merges: Iterable[str]) -> list[TensorRef]:
        refs = [TensorRef(merge, 1) for merge in merges]
        return [ref for ref in refs if ref in self._builder.index_refs]

    def _make_side(
        self, units: Collection[Unit], merges: Sequence[str], literal: tuple[TensorRef, bool]
    ) -> _Made:
        """One side of a conditional."""
        value = literal[1]
        uses = [self._builder.join_uses(merge)[1 if value else 2] for merge in merges]
        targets = [control for use in uses for control in use.controls]
        for unit in units:
            if unit in self._targets and literal in self._extra(unit):
                targets += self._targets[unit]
        scope = dataclasses.replace(self._scope, guard=self._scope.guard | {literal})
        request = _Request(tuple(use.ref for use in uses), tuple(targets))
        made = _Level(self._builder, scope, request, self._args).make()
        region = self._with_indices(_region(made), merges, value)
        return dataclasses.replace(made, part=region)

    def _with_indices(self, region: Region, merges: Iterable[str], value: bool) -> Region:
        """The region with the numbers of the Merges' inputs among its results."""
        constants = []
        for ref in self._indices(merges):
            true_index = self._builder.guards.joins[ref.node].true_index
            number = true_index if value else 1 - true_index
            attrs = {
                "dtype": serde.type_attr(op_facts.DT_INT32),
                "value": serde.int_scalar_attr(number),
            }
            name = query.unique_name(f"{ref.node}/value_index", self._builder.nodes)
            constants.append(Node(name, "Const", attrs=attrs))
        results = (*region.results, *(TensorRef(node.name) for node in constants))
        return dataclasses.replace(region, items=(*region.items, *constants), results=results)
