"""The graphs of a whole module and what they use: all that is known before anything is traced."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from converter import errors
from converter.assemble.computations import CallableGraphs, variable_names
from converter.assemble.definitions import Definitions, DefinitionsMaker
from converter.assemble.plan import ModulePlan
from converter.assemble.refusals import Refusals
from converter.assemble.serving import ServedSignature, list_served, prepare_served
from converter.assemble.variants import Tags, format_tags
from converter.formats.legacy_module import LegacyModule
from converter.formats.source_files import list_files
from converter.ir import query
from converter.ir.graph import Program, TensorRef, VariableSpec
from converter.ir.region import Region, format_region
from converter.passes.pipeline import lower
from converter.passes.prune_unreachable import needing_placeholders, prune_unreachable
from converter.passes.strip_gradient_overrides import OVERRIDE
from converter.passes.strip_placement import COLOCATION


@dataclasses.dataclass(frozen=True, slots=True)
class LossGraph:
    """A regularization loss: the tensor that it was, and how to compute it from the weights."""

    program: Program
    ref: TensorRef
    region: Region

    def variable_names(self) -> set[str]:
        """The TF1 names of the variables that it uses."""
        return variable_names(self.region)


@dataclasses.dataclass(frozen=True, slots=True)
class Dropped:
    """Something of the TF1 module that the converted one does not have."""

    what: str
    name: str
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleGraphs:
    """What a converted module is made of.

    Attributes:
      legacy: The TF1 module.
      plan: What is offered.
      callables: The graphs of each callable, by attribute.
      serving: What each serving signature runs, by its name.
      losses: The regularization losses that are functions of the weights alone.
      definitions: The tables, and the functions with gradients of their own, that these use.
      variables: The variables that callables use, by TF1 name, in the order of the collections.
      used: For each callable, the names of the variables that it lists, in the same order: those
        that plain calls use. A variable behind endpoints that no plain call returns is listed by
        the callables that have such endpoints, so that each is listed somewhere.
      used_by_root: The names of the variables that plain calls of the module itself use; all of
        them, when it cannot be called. Keras warns of more.
    """

    legacy: LegacyModule
    plan: ModulePlan
    callables: Mapping[str, CallableGraphs]
    serving: Mapping[str, ServedSignature]
    losses: Sequence[LossGraph]
    definitions: Definitions
    variables: Mapping[str, VariableSpec]
    used: Mapping[str, tuple[str, ...]]
    used_by_root: tuple[str, ...]

    def losses_of(self, variables: Sequence[str]) -> list[int]:
        """The losses that a callable with these variables lists: those that need no others."""
        used = set(variables)
        return [i for i, loss in enumerate(self.losses) if loss.variable_names() <= used]


def make_graphs(legacy: LegacyModule, plan: ModulePlan) -> ModuleGraphs:
    """Runs all passes over all that a module offers; what is traced later is only read off.

    Raises:
      ConversionError: if a part of it cannot be carried over exactly.
    """
    graphs, refusals = try_graphs(legacy, plan)
    if refusals.first is not None:
        raise refusals.first
    assert graphs is not None
    return graphs


def try_graphs(legacy: LegacyModule, plan: ModulePlan) -> tuple[ModuleGraphs | None, Refusals]:
    """The graphs of a module, or None and all that speaks against them."""
    lowering = _Lowering(legacy, plan)
    lowering.run()
    return (None if lowering.refusals.first else _put_together(lowering)), lowering.refusals


class _Lowering:
    """Lowers each part of a module; one that is refused does not hide the others."""

    def __init__(self, legacy: LegacyModule, plan: ModulePlan) -> None:
        self.legacy = legacy
        self.plan = plan
        self.refusals = Refusals()
        self.definitions = DefinitionsMaker(self.refusals)
        self.callables = {
            name: CallableGraphs(part, legacy) for name, part in plan.callables.items()
        }
        self.serving: dict[str, ServedSignature] = {}
        self.losses: list[LossGraph] = []
        self._stored: dict[str, VariableSpec] = {}

    def run(self) -> None:
        lowered = [name for name in self.callables if self._lower_callable(name)]
        for signature, name in list_served(self.plan).items():
            if name in lowered:
                self._lower_served(signature, name)
        self._lower_losses()
        self._check_tables()
        self._check_assets()

    def _lower_callable(self, name: str) -> bool:
        """Lowers what all calls run; returns whether that can be done."""
        graphs = self.callables[name]
        computations = []
        for arguments in graphs.combinations():
            with self.refusals.collected(name):
                computations.append(graphs.get(arguments))
        for computation in computations:
            self._require(computation.region, computation.program, name)
        return len(computations) == len(list(graphs.combinations()))

    def _lower_served(self, signature: str, name: str) -> None:
        part = f"signature {signature!r}"
        with self.refusals.collected(part):
            served = prepare_served(name, self.callables[name])
            self.serving[signature] = served
            if served.call is None:
                self._require(served.computation.region, served.computation.program, part)

    def _lower_losses(self) -> None:
        found = [
            self._lower_loss(self.legacy.variants[tags], ref)
            for tags in _loss_variants(self.plan)
            for ref in _usable_losses(self.legacy.variants[tags])
        ]
        self.losses = _count_once(loss for loss in found if loss is not None)

    def _lower_loss(self, program: Program, ref: TensorRef) -> LossGraph | None:
        part = f"regularization loss '{ref}'"
        with self.refusals.collected(part):
            region = lower(prune_unreachable(program, {}, [ref]), program)
            self._require(region, program, part)
            return LossGraph(program, ref, region)
        return None

    def _require(self, region: Region, program: Program, part: str) -> None:
        """Lowers what `region` stands on, and checks that its variables have values."""
        self.definitions.require(region, program, part)
        for name in sorted(variable_names(region)):
            spec = program.variables[name]
            with self.refusals.collected(part):
                _check_same_storage(self._stored.setdefault(name, spec), spec)
                self.legacy.checkpoint.check(spec)

    def _check_tables(self) -> None:
        for (tags, node), table in self.definitions.finish().tables.items():
            for region in table.regions:
                self._require(region, self.legacy.variants[tags], f"table {node!r}")

    def _check_assets(self) -> None:
        for tags in used_variants(self.plan):
            for asset in self.legacy.variants[tags].assets.values():
                with self.refusals.collected(f"asset {asset.filename!r}"):
                    self.legacy.asset_path(asset.filename)


def _check_same_storage(one: VariableSpec, other: VariableSpec) -> None:
    if one.checkpoint_key != other.checkpoint_key:
        raise errors.WeightsError(f"two graph variants store variable {one.name!r} differently")


def _put_together(lowering: _Lowering) -> ModuleGraphs:
    legacy, plan, callables = lowering.legacy, lowering.plan, lowering.callables
    plain = {name: _variables_of(graphs, endpoints=False) for name, graphs in callables.items()}
    full = {name: _variables_of(graphs, endpoints=True) for name, graphs in callables.items()}
    hidden = _union(full.values()) - _union(plain.values())
    definitions = lowering.definitions.finish()
    of_tables = {
        name
        for table in definitions.tables.values()
        for region in table.regions
        for name in variable_names(region)
    }
    anywhere = _union(full.values()) | _union(plain.values()) | of_tables
    variables = {
        name: spec for name, spec in _all_variables(legacy, plan).items() if name in anywhere
    }

    def in_order(names: Collection[str]) -> tuple[str, ...]:
        return tuple(name for name in variables if name in names)

    return ModuleGraphs(
        legacy=legacy,
        plan=plan,
        callables=callables,
        serving=lowering.serving,
        losses=lowering.losses,
        definitions=definitions,
        variables=variables,
        used={name: in_order(plain[name] | (full[name] & hidden)) for name in callables},
        used_by_root=in_order(anywhere if plan.root is None else plain[plan.root]),
    )


def _variables_of(graphs: CallableGraphs, *, endpoints: bool) -> set[str]:
    return _union(
        graphs.get(arguments).variable_names()
        for arguments in graphs.combinations()
        if arguments.endpoints == (endpoints and graphs.takes_endpoints)
    )


def _union(sets: Iterable[set[str]]) -> set[str]:
    return set().union(*sets)


def used_variants(plan: ModulePlan) -> list[Tags]:
    """The tag sets that some callable runs."""
    chosen = plan.variants
    pair = [tags for tags in (chosen.inference, chosen.training) if tags is not None]
    return [*pair, *chosen.others]


def _all_variables(legacy: LegacyModule, plan: ModulePlan) -> dict[str, VariableSpec]:
    specs: dict[str, VariableSpec] = {}
    for tags in used_variants(plan):
        for spec in legacy.variants[tags].variables.values():
            specs.setdefault(spec.name, spec)
    return specs


def _loss_variants(plan: ModulePlan) -> list[Tags]:
    """The variants whose losses count: training's, else inference's, else those of all."""
    chosen = plan.variants
    if chosen.training is not None:
        return [chosen.training]
    return list(chosen.others) if chosen.inference is None else [chosen.inference]


def _usable_losses(program: Program) -> list[TensorRef]:
    """The losses that are functions of the weights alone."""
    unfed = needing_placeholders(program, {}) if program.regularization_losses else set()
    return [ref for ref in program.regularization_losses if ref.node not in unfed]


def _count_once(losses: Iterable[LossGraph]) -> list[LossGraph]:
    """The losses, in order; one that several variants share counts once."""
    first: dict[str, Tags] = {}
    return [
        loss
        for loss in losses
        if first.setdefault(format_region(loss.region), loss.program.tags) == loss.program.tags
    ]


# What a user should know of it, and what the converted module lacks.


def find_warnings(graphs: ModuleGraphs) -> tuple[str, ...]:
    """What a user should know before using the result, in full sentences."""
    return tuple(graphs.plan.warnings)


def find_dropped(graphs: ModuleGraphs) -> tuple[Dropped, ...]:
    """Lists what is left out of the converted module, and why that changes no result."""
    return (
        *_unused_variables(graphs),
        *_unusable_losses(graphs),
        *_unused_update_ops(graphs),
        *_unused_files(graphs),
        *_stripped(graphs),
    )


def _unused_variables(graphs: ModuleGraphs) -> Iterator[Dropped]:
    for name in _all_variables(graphs.legacy, graphs.plan):
        if name not in graphs.variables:
            yield Dropped("variable", name, "no signature uses it")


def _unusable_losses(graphs: ModuleGraphs) -> Iterator[Dropped]:
    for tags in _loss_variants(graphs.plan):
        program = graphs.legacy.variants[tags]
        unfed = needing_placeholders(program, {})
        for ref in program.regularization_losses:
            if ref.node in unfed:
                why = "it depends on an input, so it is no function of the weights"
                yield Dropped("regularization loss", str(ref), why)
    listed = {index for name in graphs.callables for index in graphs.losses_of(graphs.used[name])}
    for index, loss in enumerate(graphs.losses):
        if index not in listed:
            why = f"no callable uses all of its variables {sorted(loss.variable_names())}"
            yield Dropped("regularization loss", str(loss.ref), why)


def _unused_update_ops(graphs: ModuleGraphs) -> Iterator[Dropped]:
    run = {
        (computation.program.tags, name)
        for callable_graphs in graphs.callables.values()
        for computation in callable_graphs.all()
        for name in computation.update_ops
    }
    for tags in used_variants(graphs.plan):
        program = graphs.legacy.variants[tags]
        if tags == graphs.plan.variants.training:
            why = "no signature feeds all of its inputs"
        else:
            why = "its graph variant has no training mode, so no call runs it"
        for name in program.update_ops:
            if (tags, name) not in run:
                yield Dropped("update op", name, why)


def _unused_files(graphs: ModuleGraphs) -> Iterator[Dropped]:
    named = {
        asset.filename
        for program in graphs.legacy.variants.values()
        for asset in program.assets.values()
    }
    for folder in ("assets", "assets.extra"):
        root = graphs.legacy.directory / folder
        for path in list_files(root) if root.is_dir() else ():
            name = path.relative_to(root).as_posix()
            if not (folder == "assets" and name in named):
                yield Dropped("file", f"{folder}/{name}", "the graph does not refer to it")


def _stripped(graphs: ModuleGraphs) -> Iterator[Dropped]:
    for tags in used_variants(graphs.plan):
        program = graphs.legacy.variants[tags]
        reachable = _reachable(program)
        nodes = [node for name, node in program.nodes.items() if name in reachable]
        placed = [node for node in nodes if node.device or COLOCATION in node.attrs]
        if placed:
            why = "placement changes no result; TensorFlow places the ops anew"
            yield Dropped("placement", f"{len(placed)} nodes of {format_tags(tags)}", why)
        for node in nodes:
            if OVERRIDE in node.attrs:
                override = node.attrs[OVERRIDE].s.decode(errors="replace")
                why = "its Python code is not in the file; the op has its natural gradient"
                yield Dropped("gradient override", f"{node.name}: {override}", why)


def _reachable(program: Program) -> set[str]:
    refs = {
        ref.node
        for signature in program.signatures.values()
        for info in signature.outputs.values()
        for ref in info.components
    }
    return query.reachable(program.nodes, refs)
