"""The graphs of a whole module and what they use: all that is known before anything is traced."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from converter.assemble.computations import CallableGraphs, variable_names
from converter.assemble.gradient_warnings import find_gradient_warnings
from converter.assemble.plan import ModulePlan
from converter.assemble.variants import Tags, format_tags
from converter.formats.legacy_module import LegacyModule
from converter.formats.source_files import list_files
from converter.ir import query
from converter.ir.graph import Program, TensorRef, VariableSpec
from converter.ir.region import Region, format_region
from converter.passes.pipeline import lower
from converter.passes.prune_unreachable import needing_placeholders, prune_unreachable
from converter.passes.resolve_gradient_overrides import find_unresolved_overrides
from converter.passes.strip_placement import COLOCATION


@dataclasses.dataclass(frozen=True, slots=True)
class LossGraph:
    """A regularization loss: the tensor that it was, and how to compute it from the weights.

    `unresolved_overrides` are the gradient overrides that no library resolves, by node.
    """

    program: Program
    ref: TensorRef
    region: Region
    unresolved_overrides: Mapping[str, str] = dataclasses.field(default_factory=dict)

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
      losses: The regularization losses that are functions of the weights alone.
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
    losses: Sequence[LossGraph]
    variables: Mapping[str, VariableSpec]
    used: Mapping[str, tuple[str, ...]]
    used_by_root: tuple[str, ...]

    def losses_of(self, variables: Sequence[str]) -> list[int]:
        """The losses that a callable with these variables lists: those that need no others."""
        used = set(variables)
        return [i for i, loss in enumerate(self.losses) if loss.variable_names() <= used]


def make_graphs(legacy: LegacyModule, plan: ModulePlan) -> ModuleGraphs:
    """Runs all passes over all that a module offers.

    Raises:
      ConversionError: if a part of it cannot be carried over exactly.
    """
    callables = {name: CallableGraphs(part, legacy) for name, part in plan.callables.items()}
    plain = {name: _variables_of(graphs, endpoints=False) for name, graphs in callables.items()}
    full = {name: _variables_of(graphs, endpoints=True) for name, graphs in callables.items()}
    hidden = _union(full.values()) - _union(plain.values())
    anywhere = _union(full.values()) | _union(plain.values())
    variables = {
        name: spec for name, spec in _all_variables(legacy, plan).items() if name in anywhere
    }

    def in_order(names: Collection[str]) -> tuple[str, ...]:
        return tuple(name for name in variables if name in names)

    return ModuleGraphs(
        legacy=legacy,
        plan=plan,
        callables=callables,
        losses=list(_loss_graphs(legacy, plan)),
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


def _loss_graphs(legacy: LegacyModule, plan: ModulePlan) -> Iterator[LossGraph]:
    """The losses, in order; one that several variants share counts once."""
    seen: set[str] = set()
    for tags in _loss_variants(plan):
        program = legacy.variants[tags]
        here = []
        unfed = needing_placeholders(program, {}) if program.regularization_losses else set()
        for ref in program.regularization_losses:
            if ref.node not in unfed:
                pruned = prune_unreachable(program, {}, [ref])
                unresolved = find_unresolved_overrides(pruned, program)
                here.append(LossGraph(program, ref, lower(pruned, program), unresolved))
        texts = [format_region(loss.region) for loss in here]
        yield from (loss for loss, text in zip(here, texts, strict=True) if text not in seen)
        seen.update(texts)


# What a user should know of it, and what the converted module lacks.


def find_warnings(graphs: ModuleGraphs) -> tuple[str, ...]:
    """What a user should know before using the result, in full sentences."""
    losses = (loss.unresolved_overrides for loss in graphs.losses)
    return (*graphs.plan.warnings, *find_gradient_warnings(graphs.callables, losses))


def find_dropped(graphs: ModuleGraphs) -> tuple[Dropped, ...]:
    """Lists what is left out of the converted module, and why that changes no result."""
    return (
        *_unused_variables(graphs),
        *_unusable_losses(graphs),
        *_unused_update_ops(graphs),
        *_unused_files(graphs),
        *_stripped(graphs),
        *_unresolved_overrides(graphs),
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


def _unresolved_overrides(graphs: ModuleGraphs) -> Iterator[Dropped]:
    found = [c.unresolved_overrides for part in graphs.callables.values() for c in part.all()]
    found += [loss.unresolved_overrides for loss in graphs.losses]
    names = dict.fromkeys(f"{node}: {name}" for part in found for node, name in part.items())
    for name in names:
        why = "its Python code is not in the file; the op has its natural gradient"
        yield Dropped("gradient override", name, why)


def _reachable(program: Program) -> set[str]:
    refs = {
        ref.node
        for signature in program.signatures.values()
        for info in signature.outputs.values()
        for ref in info.components
    }
    return query.reachable(program.nodes, refs)
