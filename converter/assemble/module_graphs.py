"""The graphs of a whole module and what they use: all that is known before anything is traced."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from converter.assemble.computations import CallableGraphs, variable_names
from converter.assemble.plan import ModulePlan
from converter.assemble.variants import Tags, format_option, format_tags, has_runnable_updates
from converter.formats.legacy_module import LegacyModule
from converter.formats.source_files import list_files
from converter.ir import query
from converter.ir.graph import Program, TensorRef, VariableSpec
from converter.ir.region import Region, format_region
from converter.passes.pipeline import lower
from converter.passes.prune_unreachable import needing_placeholders, prune_unreachable
from converter.passes.strip_gradient_overrides import OVERRIDE
from converter.passes.strip_placement import COLOCATION

_SHOWN = 3  # Names in a warning, before the rest is only counted.


@dataclasses.dataclass(frozen=True, slots=True)
class LossGraph:
    """A regularization loss.

    Attributes:
      program: The graph variant that has it.
      ref: The tensor that it was.
      region: How to compute it from the weights.
      variants: All graph variants that have it, `program` among them.
    """

    program: Program
    ref: TensorRef
    region: Region
    variants: frozenset[Tags]

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
      used: For each callable, the names of the variables that any call of it uses, in the same
        order: those behind endpoints, too, which would silently not be trained otherwise.
    """

    legacy: LegacyModule
    plan: ModulePlan
    callables: Mapping[str, CallableGraphs]
    losses: Sequence[LossGraph]
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
    """Runs all passes over all that a module offers.

    Raises:
      ConversionError: if a part of it cannot be carried over exactly.
    """
    callables = {name: CallableGraphs(part, legacy) for name, part in plan.callables.items()}
    used = {name: _variables_of(graphs) for name, graphs in callables.items()}
    anywhere = set().union(*used.values())
    variables = {
        name: spec for name, spec in _all_variables(legacy, plan).items() if name in anywhere
    }
    return ModuleGraphs(
        legacy=legacy,
        plan=plan,
        callables=callables,
        losses=_count_once(_loss_graphs(legacy, plan)),
        variables=variables,
        used={
            name: tuple(variable for variable in variables if variable in names)
            for name, names in used.items()
        },
    )


def _variables_of(graphs: CallableGraphs) -> set[str]:
    return set().union(*(computation.variable_names() for computation in graphs.all()))


def used_variants(plan: ModulePlan) -> list[Tags]:
    """The tag sets that some callable runs."""
    return list(plan.variants.used)


def _all_variables(legacy: LegacyModule, plan: ModulePlan) -> dict[str, VariableSpec]:
    specs: dict[str, VariableSpec] = {}
    for tags in used_variants(plan):
        for spec in legacy.variants[tags].variables.values():
            specs.setdefault(spec.name, spec)
    return specs


def _loss_variants(plan: ModulePlan) -> list[Tags]:
    """The variants whose losses count for some callable."""
    variants = [plan.variants.loss_variant(part.tags) for part in plan.callables.values()]
    return list(dict.fromkeys(variants))


def _loss_graphs(legacy: LegacyModule, plan: ModulePlan) -> Iterator[LossGraph]:
    for tags in _loss_variants(plan):
        program = legacy.variants[tags]
        unfed = needing_placeholders(program, {}) if program.regularization_losses else set()
        for ref in program.regularization_losses:
            if ref.node not in unfed:
                region = lower(prune_unreachable(program, {}, [ref]), program)
                yield LossGraph(program, ref, region, variants=frozenset({tags}))


def _count_once(losses: Iterable[LossGraph]) -> list[LossGraph]:
    """The losses in order; one that several variants share counts once.

    What one variant lists twice counts twice.
    """
    found: dict[tuple[str, int], LossGraph] = {}
    times: collections.Counter[tuple[str, Tags]] = collections.Counter()
    for loss in losses:
        text = format_region(loss.region)
        times[text, loss.program.tags] += 1
        key = text, times[text, loss.program.tags]
        known = found.setdefault(key, loss)
        found[key] = dataclasses.replace(known, variants=known.variants | loss.variants)
    return list(found.values())


# What a user should know of it, and what the converted module lacks.


def find_warnings(graphs: ModuleGraphs) -> tuple[str, ...]:
    """What a user should know before using the result, in full sentences."""
    return (*graphs.plan.warnings, *_warn_of_update_ops(graphs))


def _warn_of_update_ops(graphs: ModuleGraphs) -> Iterator[str]:
    for tags, names in _unused_update_ops(graphs).items():
        some = ", ".join(map(repr, names[:_SHOWN])) + (" and others" if names[_SHOWN:] else "")
        number = "1 update op" if len(names) == 1 else f"{len(names)} update ops"
        what = f"No call runs {number} of graph variant {format_tags(tags)} ({some})"
        instead = _trained_instead(graphs, tags)
        if instead is None:
            yield f"{what}: no signature gives all of their inputs."
            continue
        options = f"{format_option('--tags', tags)} {format_option('--training-tags', tags)}"
        yield (
            f"{what}: training calls run graph variant {format_tags(instead)} instead. Convert with"
            f" {options} to have them run."
        )


def _trained_instead(graphs: ModuleGraphs, tags: Tags) -> Tags | None:
    """The graph variant for training that keeps the update ops of `tags` from running, if any."""
    training = graphs.plan.variants.training_of(tags)
    if training == tags or not has_runnable_updates(graphs.legacy.variants[tags]):
        return None
    return training


def find_dropped(graphs: ModuleGraphs) -> tuple[Dropped, ...]:
    """Lists what is left out of the converted module, and why that changes no result."""
    return (
        *_unused_variables(graphs),
        *_unusable_losses(graphs),
        *_dropped_update_ops(graphs),
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
    listed = {index for name in graphs.callables for index in graphs.losses_of(name)}
    for index, loss in enumerate(graphs.losses):
        if index not in listed:
            why = f"no callable uses all of its variables {sorted(loss.variable_names())}"
            yield Dropped("regularization loss", str(loss.ref), why)


def _dropped_update_ops(graphs: ModuleGraphs) -> Iterator[Dropped]:
    for tags, names in _unused_update_ops(graphs).items():
        if _trained_instead(graphs, tags) is None:
            why = "no signature feeds all of its inputs"
        else:
            why = "training calls run another graph variant"
        yield from (Dropped("update op", name, why) for name in names)


def _unused_update_ops(graphs: ModuleGraphs) -> dict[Tags, list[str]]:
    """The update ops that no call runs, by graph variant."""
    run = {
        (computation.program.tags, name)
        for callable_graphs in graphs.callables.values()
        for computation in callable_graphs.all()
        for name in computation.update_ops
    }
    found: dict[Tags, list[str]] = {}
    for tags in used_variants(graphs.plan):
        for name in graphs.legacy.variants[tags].update_ops:
            if (tags, name) not in run:
                found.setdefault(tags, []).append(name)
    return found


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
