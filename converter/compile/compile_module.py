"""Compiles a module: decides what it offers, and lowers every one of its graphs.

Passes run nowhere else. Compiling creates no TensorFlow objects and runs nothing of the module.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping

from converter import errors
from converter.compile.compiled_module import (
    Compilation,
    CompiledModule,
    LossGraph,
    RefusedModule,
)
from converter.compile.computations import (
    CompiledCallable,
    compile_call,
    find_programs,
    list_arguments,
    variable_names,
)
from converter.compile.definitions import DefinitionCompiler, Definitions
from converter.compile.lowering import Lowering
from converter.compile.plan import (
    CallablePlan,
    ModulePlan,
    has_endpoints,
    make_plan,
    needs_trace_per_call,
)
from converter.compile.plan_options import PlanOptions
from converter.compile.refusals import Refusal, Refusals
from converter.compile.serving import ServedSignature, serve_signature
from converter.compile.signature_names import serving_names
from converter.compile.tokenization import find_tokenization_info
from converter.compile.trainable import choose_trainable
from converter.compile.variants import Tags, merge_variables
from converter.formats.legacy_module import LegacyModule
from converter.ir import op_facts
from converter.ir.graph import Program, TensorRef, VariableSpec
from converter.ir.region import Region, region_digest
from converter.passes.prune_unreachable import needing_placeholders, prune_unreachable


def compile_module(legacy: LegacyModule, options: PlanOptions | None = None) -> CompiledModule:
    """Decides what the converted module offers, and lowers every one of its graphs.

    Args:
      legacy: The module.
      options: The user's choices; none by default.

    Raises:
      ConversionError: if a part of it cannot be converted exactly.
      UsageError: if the module has no such tag set or signature.
    """
    compilation = try_compile(legacy, options)
    if isinstance(compilation, RefusedModule):
        raise compilation.error
    return compilation


def try_compile(legacy: LegacyModule, options: PlanOptions | None = None) -> Compilation:
    """Compiles a module, or returns all reasons why it cannot be converted.

    Args:
      legacy: The module.
      options: The user's choices; none by default.

    Raises:
      UsageError: if the module has no such tag set or signature, or TensorFlow no such op.
    """
    try:
        _check_names(options)
        legacy = choose_trainable(legacy, options.trainable if options else None)
        plan = make_plan(legacy, options)
    except errors.UsageError:
        raise
    except errors.ConversionError as error:
        return RefusedModule(None, (Refusal(error),))
    return _Compiler(legacy, plan, options or PlanOptions()).run()


def _check_names(options: PlanOptions | None) -> None:
    """Checks that the ops that the user lets through exist: a misspelled one would not help."""
    for op in options.allowed_ops.names if options else ():
        if op_facts.find_op_def(op) is None:
            raise errors.UsageError(
                f"--allow-op names {op!r}, which is not an op of this TensorFlow",
                remedy="Copy the name from the error that refuses it.",
            )


class _Compiler:
    """Compiles each part of a module; one that is refused does not hide the others."""

    def __init__(self, legacy: LegacyModule, plan: ModulePlan, options: PlanOptions) -> None:
        self._legacy = legacy
        self._plan = plan
        self._refusals = Refusals()
        self._lowering = Lowering(options.allowed_ops)
        self._definitions = DefinitionCompiler(self._lowering, self._refusals)
        self._stored: dict[str, VariableSpec] = {}

    def run(self) -> Compilation:
        parts = [self._compile_callable(plan) for plan in self._plan.callables.values()]
        callables = {part.plan.attribute: part for part in parts if part is not None}
        losses = self._compile_losses()
        self._check_resources()
        if self._refusals.all:
            return RefusedModule(self._plan, self._refusals.all)
        variables, used = self._find_variables(callables)
        return CompiledModule(
            legacy=self._legacy,
            plan=self._plan,
            callables=callables,
            serving=_serve_signatures(self._plan, callables),
            losses=losses,
            definitions=self._definitions.definitions,
            tokenization=find_tokenization_info(self._legacy, self._plan),
            variables=variables,
            used=used,
            unsafe_ops=self._lowering.unsafe_ops,
        )

    def _compile_callable(self, plan: CallablePlan) -> CompiledCallable | None:
        """Compiles all calls; None if one of them is refused."""
        programs = find_programs(plan, self._legacy)
        takes_endpoints = has_endpoints(programs[False], plan)
        combinations = list(list_arguments(plan, takes_endpoints=takes_endpoints))
        computations = {}
        for arguments in combinations:
            with self._refusals.collected(plan.attribute):
                program = programs[arguments.training]
                computations[arguments] = compile_call(plan, program, arguments, self._lowering)
        self._check_defaults(plan, programs[False])
        for computation in computations.values():
            self._require(computation.region, computation.program, plan.attribute)
        if len(computations) < len(combinations):
            return None
        return CompiledCallable(plan, programs, computations)

    def _check_defaults(self, plan: CallablePlan, program: Program) -> None:
        """Checks the nodes of the defaults that callables give in Python, which no graph has."""
        inputs = program.signatures[plan.source].inputs
        for hparam in plan.hparams:
            if not needs_trace_per_call(hparam):
                with self._refusals.collected(plan.attribute):
                    graph = prune_unreachable(program, {}, inputs[hparam.input].components)
                    self._lowering.lower(graph, program)

    def _compile_losses(self) -> list[LossGraph]:
        compiled = [
            self._compile_loss(self._legacy.variants[tags], ref)
            for tags in loss_variants(self._plan)
            for ref in losses_of_weights(self._legacy.variants[tags])
        ]
        return _merge_losses(loss for loss in compiled if loss is not None)

    def _compile_loss(self, program: Program, ref: TensorRef) -> LossGraph | None:
        part = f"regularization loss '{ref}'"
        with self._refusals.collected(part):
            made = self._lowering.lower(prune_unreachable(program, {}, [ref]), program)
            self._require(made.region, program, part)
            variants = frozenset({program.tags})
            return LossGraph(program, ref, made.region, variants, made.unresolved_overrides)
        return None

    def _require(self, region: Region, program: Program, part: str) -> None:
        """Compiles what `region` uses, and checks that its variables have values."""
        self._definitions.require(region, program, part)
        for name in sorted(variable_names(region)):
            spec = program.variables[name]
            with self._refusals.collected(part):
                known = self._stored.setdefault(name, spec)
                if spec.checkpoint_key != known.checkpoint_key:
                    raise errors.WeightsError(
                        f"two graph variants store variable {name!r} differently"
                    )
                self._legacy.checkpoint.check(spec)

    def _check_resources(self) -> None:
        """Checks the variables that tables are filled from, and that all assets are there."""
        for (tags, node), table in list(self._definitions.definitions.tables.items()):
            for region in table.regions:
                self._require(region, self._legacy.variants[tags], f"table {node!r}")
        for tags in self._plan.variants.used:
            for asset in self._legacy.variants[tags].assets.values():
                with self._refusals.collected(f"asset {asset.filename!r}"):
                    self._legacy.asset_path(asset.filename)

    def _find_variables(
        self, callables: Mapping[str, CompiledCallable]
    ) -> tuple[dict[str, VariableSpec], dict[str, tuple[str, ...]]]:
        """The variables that callables and tables use, and the names of those of each callable."""
        used = {name: part.variable_names() for name, part in callables.items()}
        anywhere = _table_variables(self._definitions.definitions).union(*used.values())
        variables = {
            name: spec
            for name, spec in all_variables(self._legacy, self._plan).items()
            if name in anywhere
        }
        return variables, {
            name: tuple(variable for variable in variables if variable in names)
            for name, names in used.items()
        }


def _table_variables(definitions: Definitions) -> set[str]:
    return {
        name
        for table in definitions.tables.values()
        for region in table.regions
        for name in variable_names(region)
    }


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


def losses_of_weights(program: Program) -> list[TensorRef]:
    """The regularization losses that are functions of the weights alone."""
    unfed = needing_placeholders(program, {}) if program.regularization_losses else set()
    return [ref for ref in program.regularization_losses if ref.node not in unfed]


def _merge_losses(losses: Iterable[LossGraph]) -> list[LossGraph]:
    """Returns the losses in order, with one that several variants share listed once.

    A loss that one variant lists twice stays listed twice.
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


def _serve_signatures(
    plan: ModulePlan, callables: Mapping[str, CompiledCallable]
) -> dict[str, ServedSignature]:
    names = serving_names(plan)
    return {name: serve_signature(callables[attribute]) for attribute, name in names.items()}
