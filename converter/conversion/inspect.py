"""Describes a TF1 module and its conversion without running anything: `converter.inspect`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from converter.compile.compile_module import try_compile
from converter.compile.compiled_module import CompiledModule, RefusedModule
from converter.compile.notices import find_dropped, find_warnings
from converter.compile.variants import TRAINING_MARKS, merge_variables
from converter.conversion.options import ConversionOptions, ReadingArguments, show_options
from converter.export import record
from converter.export.attachments import describe_attachments
from converter.files.paths import StrPath
from converter.files.source_files import digest
from converter.formats.legacy_module import LegacyModule
from converter.formats.registry import read_module
from converter.ir.counts import count_control_flow
from converter.ir.graph import Program
from converter.processes import garbage_collection
from converter.processes.custom_ops import import_packages

if TYPE_CHECKING:
    from typing_extensions import Unpack

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleSummary:
    """A description of a TF1 module, as JSON values throughout.

    Attributes:
      source: The module's `name`, `format` and `digest`.
      graph_variants: For each tag set its `role`, `nodes`, `signatures` and `control_flow`.
      variables: Name, dtype, shape, whether trainable, and place in the checkpoint.
      tables: The lookup tables of each graph variant.
      assets: File names below `assets/`.
      attachments: The attached messages.
      callables: What the converted module would offer, by attribute; empty when refused.
      root: The attribute of the callable that the module itself would be.
      dropped: What the converted module would lack.
      warnings: What a user should know.
      refused: Why the module cannot be converted; None when it can.
      refusals: All reasons: for each the `error`, its `type`, and the `callables` that have it;
        among these also `table 'x'`, `signature 'x'`, `regularization loss 'x'` and `asset 'x'`.
    """

    source: Json
    graph_variants: list[Json]
    variables: list[Json]
    tables: list[Json]
    assets: list[str]
    attachments: list[Json]
    callables: Json
    root: str | None
    dropped: list[Json]
    warnings: list[str]
    refused: str | None
    refusals: list[Json]

    def to_json(self) -> Json:
        """The summary as one JSON object."""
        return dataclasses.asdict(self)


@show_options(ReadingArguments)
def inspect(source: StrPath, **options: Unpack[ReadingArguments]) -> ModuleSummary:
    """Describes a TF1 module, and what `convert` would make of it; runs nothing of it.

    Args:
      source: The module's directory.
      **options: Options of `ConversionOptions`.

    Raises:
      ConversionError: if it is not a module, or damaged. A sound module that cannot be converted
        is described, with the reasons in `refusals`.
      UsageError: if the module has no such tag set or signature.
    """
    chosen = ConversionOptions.of(options, ReadingArguments)
    import_packages(chosen.import_ops)
    with garbage_collection.paused():
        return summarize(read_module(source), chosen)


def summarize(legacy: LegacyModule, options: ConversionOptions) -> ModuleSummary:
    """Describes a module that has been read, and its conversion with these options.

    Raises:
      UsageError: if the module has no such tag set or signature.
    """
    compilation = try_compile(legacy, options.plan_options)
    compiled = compilation if isinstance(compilation, CompiledModule) else None
    refusals = compilation.refusals if isinstance(compilation, RefusedModule) else ()
    plan = compilation.plan
    programs = [legacy.variants[tags] for tags in sorted(legacy.variants, key=sorted)]
    return ModuleSummary(
        source=record.describe_source(legacy, digest(legacy.directory)),
        graph_variants=[_describe_variant(program, compiled) for program in programs],
        variables=[record.describe_variable(spec) for spec in merge_variables(programs).values()],
        tables=[table for program in programs for table in record.describe_tables(program)],
        assets=record.describe_assets(programs),
        attachments=describe_attachments(legacy.variants),
        callables=(
            {name: record.describe_callable(compiled, name) for name in compiled.callables}
            if compiled
            else {}
        ),
        root=plan.root if plan else None,
        dropped=[dataclasses.asdict(item) for item in find_dropped(compiled)] if compiled else [],
        warnings=list(find_warnings(compiled) if compiled else plan.warnings if plan else ()),
        refused=str(refusals[0].error) if refusals else None,
        refusals=[
            {
                "error": str(refusal.error),
                "type": type(refusal.error).__name__,
                "callables": list(refusal.parts),
            }
            for refusal in refusals
        ],
    )


def _describe_variant(program: Program, compiled: CompiledModule | None) -> Json:
    if compiled is None:
        role = {"role": _guess_role(program)}
    else:
        role = record.describe_role(compiled, program.tags)
    return {
        "tags": sorted(program.tags),
        **role,
        "nodes": len(program.nodes),
        "functions": len(program.functions),
        "signatures": {
            name: {
                "inputs": {k: record.describe_value(v) for k, v in signature.inputs.items()},
                "outputs": {k: record.describe_value(v) for k, v in signature.outputs.items()},
            }
            for name, signature in program.signatures.items()
        },
        "control_flow": count_control_flow(program),
        "update_ops": list(program.update_ops),
        "regularization_losses": [str(ref) for ref in program.regularization_losses],
    }


def _guess_role(program: Program) -> str:
    return "training" if program.tags.intersection(TRAINING_MARKS) else "inference"
