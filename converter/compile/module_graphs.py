"""The graphs of a whole module and what they use: all that is known before anything is traced."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from converter import errors
from converter.compile.computations import CallableGraphs, variable_names
from converter.compile.definitions import Definitions, DefinitionsMaker
from converter.compile.plan import ModulePlan
from converter.compile.refusals import Refusals
from converter.compile.serving import ServedSignature, prepare_served
from converter.compile.signature_names import serving_names
from converter.compile.variants import Tags, merge_variables
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import Program, TensorRef, VariableSpec
from converter.ir.region import Region, region_digest
from converter.passes.pipeline import lower
from converter.passes.prune_unreachable import needing_placeholders, prune_unreachable
from converter.passes.resolve_gradient_overrides import find_unresolved_overrides


@dataclasses.dataclass(frozen=True, slots=True)
class LossGraph:
    """A regularization loss.

    Attributes:
      program: The graph variant that has it.
      ref: The tensor that it was.
      region: How to compute it from the weights.
      variants: All graph variants that have it, `program` among them.
      unresolved_overrides: The gradient overrides that no library resolves, by node.
    """

    program: Program
    ref: TensorRef
    region: Region
    variants: frozenset[Tags]
    unresolved_overrides: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def variable_names(self) -> set[str]:
        """The TF1 names of the variables that it uses."""
        return variable_names(self.region)


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
      used: For each callable, the names of the variables that any call of it uses, in the same
        order: those behind endpoints, too, which would silently not be trained otherwise.
    """

    legacy: LegacyModule
    plan: ModulePlan
    callables: Mapping[str, CallableGraphs]
    serving: Mapping[str, ServedSignature]
    losses: Sequence[LossGraph]
    definitions: Definitions
    variables: Mapping[str, VariableSpec]
    used: Mapping[str, tuple[str, ...]]

    @property
    def used_by_root(self) -> tuple[str, ...]:
        """The names of the variables that the module lists; all, when it cannot be called."""
        return tuple(self.variables) if self.plan.root is None else self.used[self.plan.root]

    def losses_of(self, name: str) -> list[int]:
        """The losses that a callable lists: of its training variant, those of its variables."""
        variant = self.plan.variants.loss_variant(self.plan.callables[name].tags)
        used = set(self.used[name])
        return [
            index
            for index, loss in enumerate(self.losses)
            if variant in loss.variants and loss.variable_names() <= used
        ]

    @property
    def losses_of_root(self) -> list[int]:
        """The losses that the module lists; those of all callables, when it cannot be called."""
        if self.plan.root is not None:
            return self.losses_of(self.plan.root)
        return sorted({index for name in self.callables for index in self.losses_of(name)})


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
        for name, signature in serving_names(self.plan).items():
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
        lowered = [
            self._lower_loss(self.legacy.variants[tags], ref)
            for tags in loss_variants(self.plan)
            for ref in _usable_losses(self.legacy.variants[tags])
        ]
        self.losses = _count_once(loss for loss in lowered if loss is not None)

    def _lower_loss(self, program: Program, ref: TensorRef) -> LossGraph | None:
        part = f"regularization loss '{ref}'"
        with self.refusals.collected(part):
            graph = prune_unreachable(program, {}, [ref])
            region = lower(graph, program)
            self._require(region, program, part)
            unresolved = find_unresolved_overrides(graph, program)
            return LossGraph(program, ref, region, frozenset({program.tags}), unresolved)
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
        for tags in self.plan.variants.used:
            for asset in self.legacy.variants[tags].assets.values():
                with self.refusals.collected(f"asset {asset.filename!r}"):
                    self.legacy.asset_path(asset.filename)


def _check_same_storage(one: VariableSpec, other: VariableSpec) -> None:
    if one.checkpoint_key != other.checkpoint_key:
        raise errors.WeightsError(f"two graph variants store variable {one.name!r} differently")


def _put_together(lowering: _Lowering) -> ModuleGraphs:
    legacy, plan, callables = lowering.legacy, lowering.plan, lowering.callables
    used = {name: _variables_of(graphs) for name, graphs in callables.items()}
    definitions = lowering.definitions.finish()
    of_tables = {
        name
        for table in definitions.tables.values()
        for region in table.regions
        for name in variable_names(region)
    }
    anywhere = of_tables.union(*used.values())
    variables = {
        name: spec for name, spec in all_variables(legacy, plan).items() if name in anywhere
    }
    return ModuleGraphs(
        legacy=legacy,
        plan=plan,
        callables=callables,
        serving=lowering.serving,
        losses=lowering.losses,
        definitions=definitions,
        variables=variables,
        used={
            name: tuple(variable for variable in variables if variable in names)
            for name, names in used.items()
        },
    )


def _variables_of(graphs: CallableGraphs) -> set[str]:
    return set().union(*(computation.variable_names() for computation in graphs.all()))


def all_variables(legacy: LegacyModule, plan: ModulePlan) -> dict[str, VariableSpec]:
    """The variables of the variants that some callable runs, by TF1 name."""
    used = [legacy.variants[tags] for tags in plan.variants.used]
    names = {spec.name for program in used for spec in program.variables.values()}
    merged = merge_variables([*used, *legacy.variants.values()])
    return {name: spec for name, spec in merged.items() if name in names}


def loss_variants(plan: ModulePlan) -> list[Tags]:
    """The variants whose losses count for some callable."""
    variants = [plan.variants.loss_variant(part.tags) for part in plan.callables.values()]
    return list(dict.fromkeys(variants))


def _usable_losses(program: Program) -> list[TensorRef]:
    """The losses that are functions of the weights alone."""
    unfed = needing_placeholders(program, {}) if program.regularization_losses else set()
    return [ref for ref in program.regularization_losses if ref.node not in unfed]


def _count_once(losses: Iterable[LossGraph]) -> list[LossGraph]:
    """The losses in order; one that several variants share counts once.

    What one variant lists twice counts twice.
    """
    found: dict[tuple[str, int], LossGraph] = {}
    times: collections.Counter[tuple[str, Tags]] = collections.Counter()
    for loss in losses:
        digest = region_digest(loss.region)
        times[digest, loss.program.tags] += 1
        key = digest, times[digest, loss.program.tags]
        known = found.setdefault(key, loss)
        found[key] = dataclasses.replace(known, variants=known.variants | loss.variants)
    return list(found.values())
