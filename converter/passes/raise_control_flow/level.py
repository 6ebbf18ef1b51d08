"""One region, built from what it is asked for backwards.

What it takes to make that are its items, down to the values of the regions around it. Units that
run under no further condition are items of this level; the others belong to conditionals, which
end in Merges of this level, and go into their sides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from converter import errors
from converter.ir import op_facts, query
from converter.ir.constants import int_constant
from converter.ir.graph import TensorRef
from converter.ir.region import Branch, Item, Region
from converter.passes.raise_control_flow.conditionals import find_components
from converter.passes.raise_control_flow.guards import Guard, Unit, label
from converter.passes.raise_control_flow.parts import MadeRegion, Needs, Request, Scope
from converter.passes.raise_control_flow.schedule import CycleError, Work, schedule

if TYPE_CHECKING:
    from converter.passes.raise_control_flow.regions import RegionBuilder

# What TensorFlow's tracing of nested functions can take.
MAX_DEPTH = 50
MAX_NODES = 1_000_000


def limit_size(size: int) -> int:
    """Returns `size`; what loops and branches repeat could grow without bound.

    Raises:
      UnsupportedOpError: if it is over `MAX_NODES`.
    """
    if size > MAX_NODES:
        raise errors.UnsupportedOpError(f"nested, the graph has over {MAX_NODES} nodes")
    return size


class Level:
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
        scope: Scope,
        request: Request,
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
        self._units_needed: dict[Unit, tuple[Unit, ...]] = {}
        self._size = 0
        self._height = 1

    def make(self) -> MadeRegion:
        """Makes the region.

        Raises:
          ConversionError: if there is none.
        """
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
        region = Region((), items, self._request.results)
        if self._height > MAX_DEPTH:
            raise errors.UnsupportedOpError(f"control flow is over {MAX_DEPTH} levels deep")
        return MadeRegion(
            tuple(self._outside), tuple(self._controls), self._size, self._height, region
        )

    def _order(self, first: set[Unit]) -> list[Sequence[Work]]:
        """What becomes an item, in the order in which to run it.

        The sides of a conditional are made together where that is possible. It is not where one
        of its outputs comes back into a side, as in the gradient of a conditional, which may use
        all that is in the sides. Then what has no effect is made once more.
        """
        ends = self._ends()
        try:
            components = find_components(ends, self._inner_sources)
            return list(schedule(self._find_work(components, first)))
        except CycleError:
            components = find_components(ends, self._inner_sources, self._runs_once)
            return list(schedule(self._find_work(components, first)))

    # What it takes.

    def _collect(self, names: Iterable[str]) -> set[Unit]:
        """Adds what the nodes need to what the region needs; returns the units added."""
        added: set[Unit] = set()
        stack = self._units_here(names)
        while stack:
            unit = stack.pop()
            if unit in self._needed:
                continue
            self._needed[unit] = None
            added.add(unit)
            stack.extend(self._sources(unit))
        return added

    def _units_here(self, names: Iterable[str]) -> list[Unit]:
        units = map(self._unit_here, names)
        return [unit for unit in units if unit is not None]

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
            raise errors.FormatError("a result needs a node that never runs", node=label(unit))
        return guard - self._scope.assumed

    def _sources(self, unit: Unit) -> tuple[Unit, ...]:
        """The units of this region that a unit needs: with the predicates it alone runs under."""
        if unit not in self._units_needed:
            names = [*self._builder.source_names(unit)]
            for predicate, _ in sorted(self._extra(unit) - self._scope.guard):
                names.append(self._builder.wiring.use(predicate).ref.node)
            self._units_needed[unit] = tuple(self._units_here(names))
        return self._units_needed[unit]

    # Conditionals.

    def _is_inner(self, unit: Unit) -> bool:
        return self._extra(unit) > self._scope.guard

    def _ends(self) -> list[Unit]:
        """Where conditionals end: in Merges of this level, and in what runs for its effect."""
        joins = [u for u in self._needed if u in self._builder.guards.joins]
        targets = [u for u in self._targets if self._is_inner(u)]
        return [*(join for join in joins if not self._is_inner(join)), *targets]

    def _inner_sources(self, unit: Unit) -> list[Unit]:
        return [source for source in self._sources(unit) if self._is_inner(source)]

    def _runs_once(self, unit: Unit) -> bool:
        """Whether it can be seen how often a unit runs."""
        if isinstance(unit, str):
            return op_facts.is_order_relevant(self._builder.nodes[unit].op)
        loop = self._builder.loop(unit).loop
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
        sources = (source for unit in units for source in self._sources(unit))
        found = {owner[source] for source in sources if not self._is_inner(source)}
        if root in found and len(units) > 1:
            raise CycleError("a side of a conditional uses one of its outputs", node=label(root))
        return frozenset(found - {root})

    def _position(self, unit: Unit) -> int:
        if isinstance(unit, str):
            return self._builder.position[unit]
        carried = self._builder.loop(unit).loop.carried
        return min(self._builder.position[value.name] for value in carried)

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
            yield from (ref.node for ref in self._builder.loop(unit).loop.outputs)
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
        made_loop = self._builder.loop(unit)
        self._count(made_loop)
        controls = self._kept(made_loop.controls, made)
        return dataclasses.replace(made_loop.loop, control_inputs=controls)

    def _count(self, inner: Needs) -> None:
        """Counts what is inside of the region, which could grow without bound."""
        self._size = limit_size(self._size + inner.size)
        self._height = max(self._height, inner.height + 1)

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
        self._count(then)
        self._count(otherwise)
        controls = [*then.controls, *otherwise.controls]
        for merge in merges:
            controls += self._builder.join_uses(merge)[0].controls
            controls += self._builder.wiring.waits(self._builder.nodes[merge].control_inputs)
        outputs = [TensorRef(merge) for merge in merges]
        outputs += self._indices(merges)
        return Branch(
            predicate=self._builder.wiring.use(predicate).ref,
            then=then.region,
            otherwise=otherwise.region,
            outputs=tuple(outputs),
            control_inputs=self._kept(dict.fromkeys(controls), made),
        )

    def _indices(self, merges: Iterable[str]) -> list[TensorRef]:
        refs = [TensorRef(merge, 1) for merge in merges]
        return [ref for ref in refs if ref in self._builder.index_refs]

    def _make_side(
        self, units: Collection[Unit], merges: Sequence[str], literal: tuple[TensorRef, bool]
    ) -> MadeRegion:
        """One side of a conditional."""
        value = literal[1]
        uses = [self._builder.join_uses(merge)[1 if value else 2] for merge in merges]
        targets = [control for use in uses for control in use.controls]
        for unit in units:
            if unit in self._targets and literal in self._extra(unit):
                targets += self._targets[unit]
        scope = dataclasses.replace(self._scope, guard=self._scope.guard | {literal})
        request = Request(tuple(use.ref for use in uses), tuple(targets))
        made = Level(self._builder, scope, request, self._args).make()
        region = self._with_indices(made.region, merges, value)
        return dataclasses.replace(made, region=region)

    def _with_indices(self, region: Region, merges: Iterable[str], value: bool) -> Region:
        """The region with the numbers of the Merges' inputs among its results."""
        constants = []
        for ref in self._indices(merges):
            true_index = self._builder.guards.joins[ref.node].true_index
            number = true_index if value else 1 - true_index
            name = query.unique_name(f"{ref.node}/value_index", self._builder.nodes)
            constants.append(int_constant(name, number))
        results = (*region.results, *(TensorRef(node.name) for node in constants))
        return dataclasses.replace(region, items=(*region.items, *constants), results=results)
