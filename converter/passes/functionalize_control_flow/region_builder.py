"""Builds one region, backwards from what it has to yield.

The region's members are what its results and targets need, down to the values of the regions
around it. Members that run under no further condition become its items. The others belong to
conditionals: those end in Merges of this region, and their members go into the two sides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from converter import errors, limits
from converter.ir import op_facts, query
from converter.ir.constants import int_constant
from converter.ir.graph import VARIABLE_OP, TensorRef
from converter.ir.region import Branch, Item, Region
from converter.passes.functionalize_control_flow.conditionals import find_components
from converter.passes.functionalize_control_flow.guards import Guard, Literal, Member, label
from converter.passes.functionalize_control_flow.schedule import CycleError, PlannedItem, schedule
from converter.passes.functionalize_control_flow.scopes import Built, BuiltRegion, Fetches, Scope

if TYPE_CHECKING:
    from converter.passes.functionalize_control_flow.functionalizer import Functionalizer

# What TensorFlow's tracing of nested functions can take.
MAX_DEPTH = limits.MAX_REGION_DEPTH
MAX_NODES = limits.MAX_NODES

_FIRST = op_facts.VALUE_READS | {VARIABLE_OP}


def limit_size(size: int) -> int:
    """Returns `size`; nodes that loops and branches repeat could grow without bound.

    Raises:
      UnsupportedOpError: if it is over `MAX_NODES`.
    """
    if size > MAX_NODES:
        raise errors.UnsupportedOpError(
            f"nested conditionals make more than {MAX_NODES} nodes of the graph"
        )
    return size


class _Place(NamedTuple):
    """Where members of one guard are, as one region sees them.

    Attributes:
      guard: The guard, without what holds throughout the body of the loop.
      is_here: Whether they are in the region.
      is_around: Whether they are in a region around it.
      is_conditional: Whether they run under a condition that not the whole region runs under.
    """

    guard: Guard
    is_here: bool
    is_around: bool
    is_conditional: bool


class RegionBuilder:
    """Builds one region.

    Args:
      context: The functionalizer of the whole graph.
      scope: The place of the region.
      fetches: What the region has to yield.
      args: The arguments of the graph, and the values that loops around the region carry.
    """

    def __init__(
        self,
        context: Functionalizer,
        scope: Scope,
        fetches: Fetches,
        args: frozenset[str],
    ) -> None:
        self._context = context
        self._scope = scope
        self._fetches = fetches
        self._args = args
        self._captures: dict[str, None] = {}
        self._outer_dependencies: dict[str, None] = {}
        self._members: dict[Member, None] = {}
        self._targets: dict[Member, list[str]] = {}
        self._sources_of: dict[Member, tuple[Member, ...]] = {}
        # By guard, of which there are few: a nested member is asked for in each region around it.
        self._places: dict[Guard, _Place] = {}
        self._predicates_of: dict[Guard, tuple[str, ...]] = {}
        self._size = 0
        self._height = 1

    def build(self) -> BuiltRegion:
        """Builds the region.

        Raises:
          ConversionError: if the members have no nested form.
        """
        for name in self._fetches.targets:
            member = self._member_here(name)
            if member is not None:
                self._targets.setdefault(member, []).append(name)
        for_results = self._collect([ref.node for ref in self._fetches.results])
        self._collect(self._fetches.targets)
        order = self._plan(for_results)
        members = [member for group in order for planned in group for member in planned.members]
        made = {name for member in members for name in self._names(member)}
        for target in self._fetches.targets:
            self._is_made_here(target, made)
        items = tuple(self._build_item(group, made) for group in order)
        region = Region((), items, self._fetches.results)
        if self._height > MAX_DEPTH:
            raise errors.UnsupportedOpError(
                f"control flow is nested more than {MAX_DEPTH} levels deep"
            )
        return BuiltRegion(
            captures=tuple(self._captures),
            control_dependencies=tuple(self._outer_dependencies),
            size=self._size,
            height=self._height,
            region=region,
        )

    # The members.

    def _collect(self, names: Iterable[str]) -> set[Member]:
        """Adds the members that these nodes need; returns those that are new."""
        added: set[Member] = set()
        stack = self._members_here(names)
        while stack:
            member = stack.pop()
            if member in self._members:
                continue
            self._members[member] = None
            added.add(member)
            stack.extend(self._sources(member))
        return added

    def _members_here(self, names: Iterable[str]) -> list[Member]:
        members = map(self._member_here, names)
        return [member for member in members if member is not None]

    def _member_here(self, name: str) -> Member | None:
        """The member of this region that makes `name`; None if it comes from around it."""
        if name in self._args:
            return None
        member = self._context.member(self._scope.frame, name)
        if member is None:
            self._captures[name] = None
            return None
        place = self._place(member)
        if place.is_here:
            return member
        if place.is_around:
            return None
        raise errors.UnsupportedOpError("a branch uses a value of another branch", node=name)

    def _place(self, member: Member) -> _Place:
        guard = self._context.guards.of[member]
        if guard is None:
            raise errors.FormatError(
                "a node that must run waits for one that never runs", node=label(member)
            )
        if guard not in self._places:
            self._places[guard] = self._find_place(guard - self._scope.assumed)
        return self._places[guard]

    def _find_place(self, guard: Guard) -> _Place:
        here = self._scope.guard
        return _Place(guard, guard >= here, guard < here, guard > here)

    def _is_conditional(self, member: Member) -> bool:
        """Whether a member runs under a condition that not the whole region runs under."""
        return self._place(member).is_conditional

    def _sources(self, member: Member) -> tuple[Member, ...]:
        """The members that a member needs, among them those that make its own predicates."""
        if member not in self._sources_of:
            predicates = self._predicates(self._place(member).guard)
            names = (*self._context.source_names(member), *predicates)
            self._sources_of[member] = tuple(self._members_here(names))
        return self._sources_of[member]

    def _predicates(self, guard: Guard) -> tuple[str, ...]:
        """The nodes that make the predicates by which a guard goes beyond that of the region."""
        if guard not in self._predicates_of:
            literals = sorted(guard - self._scope.guard)
            resolved = (self._context.edges.resolve(predicate) for predicate, _ in literals)
            self._predicates_of[guard] = tuple(source.ref.node for source in resolved)
        return self._predicates_of[guard]

    # The order of the items.

    def _plan(self, for_results: set[Member]) -> list[Sequence[PlannedItem]]:
        """The items to build, in the order in which to run them.

        The sides of a conditional are built together where that is possible. It is not where one
        of its outputs comes back into a side, as in the gradient of a conditional, which may use
        every value in the sides. Then members without an effect are built once more.
        """
        joins = [member for member in self._members if self._is_join(member)]
        targets = [member for member in self._targets if self._is_conditional(member)]
        ends = [*joins, *targets]
        try:
            components = find_components(ends, self._conditional_sources)
            return list(schedule(self._plan_items(components, for_results)))
        except CycleError:
            components = find_components(ends, self._conditional_sources, self._must_run_once)
            return list(schedule(self._plan_items(components, for_results)))

    def _is_join(self, member: Member) -> bool:
        """Whether a member is a Merge that ends a conditional of this region."""
        return member in self._context.guards.joins and not self._is_conditional(member)

    def _conditional_sources(self, member: Member) -> list[Member]:
        return [source for source in self._sources(member) if self._is_conditional(source)]

    def _must_run_once(self, member: Member) -> bool:
        """Whether running a member twice would be visible."""
        if isinstance(member, str):
            return op_facts.is_order_relevant(self._context.nodes[member].op)
        loop = self._context.loop(member).loop
        nodes = (node for region in loop.regions for node in region.nodes())
        return any(op_facts.is_order_relevant(node.op) for node in nodes)

    def _plan_items(
        self, components: Iterable[list[Member]], for_results: set[Member]
    ) -> list[PlannedItem]:
        groups = {members[0]: members for members in components}
        grouped = {member for members in groups.values() for member in members}
        single = [member for member in self._members if member not in grouped]
        owners = {member: member for member in single}
        for root, members in groups.items():
            owners |= {member: root for member in members if not self._is_conditional(member)}
        return [
            PlannedItem(
                root=root,
                members=tuple(members),
                depends_on=self._dependencies(root, members, owners),
                position=min(self._position(member) for member in members),
                predicate=self._predicate(members) if root in groups else None,
                is_plain=root not in groups and self._context.is_plain(root),
                feeds_results=not for_results.isdisjoint(members),
            )
            for root, members in (*groups.items(), *((member, [member]) for member in single))
        ]

    def _dependencies(
        self, root: Member, members: Collection[Member], owners: Mapping[Member, Member]
    ) -> frozenset[Member]:
        """The roots of the items that some members need.

        Raises:
          CycleError: if the members are a conditional and need one of its outputs.
        """
        sources = (source for member in members for source in self._sources(member))
        found = {owners[source] for source in sources if not self._is_conditional(source)}
        if root in found and len(members) > 1:
            raise CycleError(
                "a branch of a conditional uses one of the conditional's outputs", node=label(root)
            )
        return frozenset(found - {root})

    def _position(self, member: Member) -> int:
        """The place of a member in the graph; reads of variables come before all that is there.

        A session reads variables at once, long before the values are there that updates assign
        without waiting for the reads: the averages of a batch norm that two towers share.
        """
        if isinstance(member, str):
            position = self._context.position[member]
            is_first = self._context.nodes[member].op in _FIRST
            return position - len(self._context.nodes) if is_first else position
        carried = self._context.loop(member).loop.carried
        return min(self._context.position[value.name] for value in carried)

    def _predicate(self, members: Sequence[Member]) -> TensorRef:
        """The predicate that decides which side of a conditional runs."""
        joins = [str(member) for member in members if self._is_join(member)]
        if joins:
            found = {self._context.guards.joins[join].predicate for join in joins}
        else:
            # Run for their effect alone. Any predicate that all share may come first.
            guards = {self._place(member).guard for member in members}
            shared = frozenset.intersection(*guards) - self._scope.guard
            found = set(sorted(p for p, _ in shared if self._is_known(p))[:1])
        if len(found) != 1:
            raise errors.UnsupportedOpError(
                "nodes that run under different conditions depend on each other",
                node=joins[0] if joins else str(members[0]),
            )
        return found.pop()

    def _is_known(self, predicate: TensorRef) -> bool:
        """Whether a predicate has a value wherever the region runs."""
        member = self._member_here(self._context.edges.resolve(predicate).ref.node)
        return member is None or not self._is_conditional(member)

    # The items.

    def _names(self, member: Member) -> Iterator[str]:
        """The names under which later items of this region may wait for a member."""
        if isinstance(member, tuple):
            yield from (ref.node for ref in self._context.loop(member).loop.outputs)
        elif not self._is_conditional(member):
            yield member

    def _is_made_here(self, name: str, made: Collection[str]) -> bool:
        """Whether this region makes `name`; if not, the whole region has to wait for it."""
        if name in made:
            return True
        if self._member_here(name) is None:
            self._outer_dependencies[name] = None
        return False

    def _inner_dependencies(
        self, dependencies: Iterable[str], made: Collection[str]
    ) -> tuple[str, ...]:
        return tuple(name for name in dependencies if self._is_made_here(name, made))

    def _build_item(self, group: Sequence[PlannedItem], made: Collection[str]) -> Item:
        member = group[0].root
        if group[0].predicate is not None:
            return self._build_branch(group, group[0].predicate, made)
        if isinstance(member, str):
            node = self._context.node(member)
            self._size += 1
            kept = self._inner_dependencies(node.control_inputs, made)
            same = kept == node.control_inputs
            return node if same else dataclasses.replace(node, control_inputs=kept)
        built = self._context.loop(member)
        self._count(built)
        kept = self._inner_dependencies(built.control_dependencies, made)
        return dataclasses.replace(built.loop, control_inputs=kept)

    def _count(self, inner: Built) -> None:
        """Adds an inner region or loop to the region's size and height."""
        self._size = limit_size(self._size + inner.size)
        self._height = max(self._height, inner.height + 1)

    def _build_branch(
        self, group: Sequence[PlannedItem], predicate: TensorRef, made: Collection[str]
    ) -> Branch:
        edges = self._context.edges
        members = dict.fromkeys(member for planned in group for member in planned.members)
        joins = sorted((m for m in members if self._is_join(m)), key=self._position)
        merges = [str(join) for join in joins]
        then = self._build_side(members, merges, (predicate, True))
        otherwise = self._build_side(members, merges, (predicate, False))
        self._count(then)
        self._count(otherwise)
        dependencies = [*then.control_dependencies, *otherwise.control_dependencies]
        for merge in merges:
            dependencies += self._context.resolve_join(merge)[0].control_dependencies
            dependencies += edges.dependencies(self._context.nodes[merge].control_inputs)
        return Branch(
            predicate=edges.resolve(predicate).ref,
            then=then.region,
            otherwise=otherwise.region,
            outputs=(*map(TensorRef, merges), *self._value_indices(merges)),
            control_inputs=self._inner_dependencies(dict.fromkeys(dependencies), made),
        )

    def _value_indices(self, merges: Iterable[str]) -> list[TensorRef]:
        """The outputs `value_index` of Merges that are used: which input arrived."""
        refs = [TensorRef(merge, 1) for merge in merges]
        return [ref for ref in refs if ref in self._context.value_indices]

    def _build_side(
        self, members: Collection[Member], merges: Sequence[str], literal: Literal
    ) -> BuiltRegion:
        """Builds one side of a conditional."""
        value = literal[1]
        inputs = [self._context.resolve_join(merge)[1 if value else 2] for merge in merges]
        targets = [name for resolved in inputs for name in resolved.control_dependencies]
        for member in members:
            if member in self._targets and literal in self._place(member).guard:
                targets += self._targets[member]
        scope = dataclasses.replace(self._scope, guard=self._scope.guard | {literal})
        fetches = Fetches(tuple(resolved.ref for resolved in inputs), tuple(targets))
        built = RegionBuilder(self._context, scope, fetches, self._args).build()
        region = self._with_value_indices(built.region, merges, value)
        return dataclasses.replace(built, region=region)

    def _with_value_indices(self, region: Region, merges: Iterable[str], value: bool) -> Region:
        """The side of a conditional that also returns the `value_index` of its Merges."""
        constants = []
        for ref in self._value_indices(merges):
            true_index = self._context.guards.joins[ref.node].true_index
            number = true_index if value else 1 - true_index
            name = query.unique_name(f"{ref.node}/value_index", self._context.nodes)
            constants.append(int_constant(name, number))
        results = (*region.results, *(TensorRef(node.name) for node in constants))
        return dataclasses.replace(region, items=(*region.items, *constants), results=results)
