"""Describes a TF1 module and its conversion without running anything: `converter.inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from converter import errors, tf_private
from converter.compile.compile_module import try_compile
from converter.compile.compiled_module import CompiledModule, RefusedModule
from converter.compile.notices import find_warnings
from converter.compile.refusals import RefusalInfo
from converter.compile.variants import TRAINING_MARKS, merge_variables
from converter.conversion import sizes
from converter.conversion.options import ConversionOptions, ReadingArguments, show_options
from converter.display.shown import Shown
from converter.export import describe, usage
from converter.export.attachments import describe_attachments
from converter.export.conventions import describe_conventions, describe_image
from converter.export.record import (
    AttachmentInfo,
    CallableInfo,
    ConventionsInfo,
    DroppedInfo,
    GraphVariant,
    ImageInfo,
    Role,
    SourceInfo,
    TableInfo,
    ValueInfo,
    VariableInfo,
)
from converter.files.json_values import to_json_values
from converter.formats.hub_module import read_saved_model
from converter.formats.legacy_module import LegacyModule
from converter.formats.registry import read_module
from converter.ir.counts import count_control_flow
from converter.ir.graph import Program
from converter.printable import printable
from converter.processes import garbage_collection
from converter.processes.custom_ops import import_packages
from converter.quantities import count
from converter.safety.findings import Finding
from converter.safety.judge import inspect_saved_model
from converter.sources.registry import open_in
from converter.sources.source import ModuleSource, Source, Surroundings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from converter.display.console import Console


class SignatureInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A signature.

    Attributes:
      inputs: The types of its inputs, by name.
      outputs: The types of its outputs, by name.
    """

    inputs: dict[str, ValueInfo]
    outputs: dict[str, ValueInfo]


class VariantSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A graph variant.

    Attributes:
      tags: Its tag set, sorted.
      role: The part that it would have in the converted module.
      why: Why it would be left out; absent if it would not be.
      nodes: The number of its nodes.
      functions: The number of functions in its library.
      signatures: Its signatures, by name.
      control_flow: How many loops, conditionals and the like it has.
      update_ops: Its update ops.
      regularization_losses: The tensors of its losses.
    """

    tags: tuple[str, ...]
    role: Role
    why: str | None = None
    nodes: int
    functions: int
    signatures: dict[str, SignatureInfo]
    control_flow: dict[str, int]
    update_ops: tuple[str, ...]
    regularization_losses: tuple[str, ...]


class ModuleSummary(Shown, msgspec.Struct, frozen=True, kw_only=True):
    """A description of a TF1 module.

    Attributes:
      source: The module's name, format and digest.
      graph_variants: Its graph variants.
      variables: Its variables, and their places in the checkpoint.
      tables: The lookup tables of each graph variant.
      assets: The files below `assets/`.
      attachments: The attached messages.
      callables: The functions that the converted module would have, by attribute; empty if the
        module is refused.
      root: The callable that the converted module itself would be.
      conventions: What would stand beside TF1's names; None if the module is refused.
      image: The images that the converted module itself would take; None if it takes none.
      dropped: What the converted module would lack.
      warnings: The warnings for the user, in full sentences.
      refused: Why the module cannot be converted; None if it can.
      refusals: All reasons why it cannot be converted.
      findings: What is not plainly safe in it, as `converter.scan` finds it.
      size_bytes: The size of its files, unpacked.
      parameters: How many elements its variables have, as far as their shapes are known.
      trainable_parameters: The same of the trainable variables.
      variable_bytes: The bytes that the values of its variables take, as far as that is known.

    Example:
      ```python
      summary = converter.inspect("module")
      for variant in summary.graph_variants:
          print(variant.tags, variant.role, [*variant.signatures])
      ```
    """

    source: SourceInfo
    graph_variants: tuple[VariantSummary, ...]
    variables: tuple[VariableInfo, ...]
    tables: tuple[TableInfo, ...]
    assets: tuple[str, ...]
    attachments: tuple[AttachmentInfo, ...]
    callables: dict[str, CallableInfo]
    root: str | None
    conventions: ConventionsInfo | None
    image: ImageInfo | None
    dropped: tuple[DroppedInfo, ...]
    warnings: tuple[str, ...]
    refused: str | None
    refusals: tuple[RefusalInfo, ...]
    findings: tuple[Finding, ...]
    size_bytes: int
    parameters: int
    trainable_parameters: int
    variable_bytes: int

    def without_placement(self) -> ModuleSummary:
        """Returns the summary without the placement that is left out, which changes no result."""
        dropped = tuple(item for item in self.dropped if item.what != "placement")
        return msgspec.structs.replace(self, dropped=dropped)

    def _headline(self) -> str:
        offers = "refused" if self.refused else count(len(self.callables), "callable")
        variables = count(len(self.variables), "variable")
        return f"{self.source.name!r}, {self.source.format}, {variables}, {offers}"

    def _show(self, console: Console) -> None:
        print_summary(self.without_placement(), console)
        print_usage(self, console, "converter.convert(…, 'DST')")

    def to_json(self) -> dict[str, Any]:
        """Converts the summary to JSON values."""
        values: dict[str, Any] = to_json_values(self)
        return values


def print_summary(
    summary: ModuleSummary, console: Console, *, list_all: bool = False, more: str = ""
) -> None:
    """Prints a summary as tables.

    Args:
      summary: The summary.
      console: Where to print it.
      list_all: Whether tables have all rows, however many.
      more: What lists all rows, for the lines that count those left out.
    """
    from converter.conversion import scan_table, summary_tables

    limit = None if list_all else summary_tables.MANY
    summary_tables.print_summary(summary.to_json(), console, limit=limit, more=more)
    if summary.findings:
        title = "Not plainly safe"
        scan_table.print_findings(summary.findings, console, limit, title, more)


def print_usage(summary: ModuleSummary, console: Console, conversion: str) -> None:
    """Prints the lines of Python that would use the converted module, with its own names.

    Args:
      summary: The summary.
      console: Where to print them.
      conversion: The command, or the call, that converts the module to `DST`.
    """
    text = "" if summary.refused else usage.format_example(summary, "DST")
    if text:
        console.print(f"After `{printable(conversion)}`:\n\n{text}", soft_wrap=True, markup=False)


@show_options(ReadingArguments)
@errors.explaining_exhaustion()
@tf_private.eager_mode()
def inspect(
    source: ModuleSource, *, session: Any = None, **options: Unpack[ReadingArguments]
) -> ModuleSummary:
    """Describes a TF1 module, and what `convert` would make of it; runs nothing of it.

    Args:
      source: The module's directory, archive or handle, or what `open_source` yields. Also what
        `hub.create_module_spec` returns, whose initializers run, or a live `hub.Module`.
      session: The session that runs a live `hub.Module`; the default session if None.
      **options: Options of `ConversionOptions`.

    Returns:
      What the module has, and what its SavedModel would offer. A sound module that cannot be
      converted is described, too, with the reasons in `refusals`.

    Raises:
      UsageError: if the module has no such tag set or signature, or an option has a value of the
        wrong type.
      PathNotFoundError: if there is nothing at `source`.
      FormatError: if it is not a TF1 module, or damaged.
      DownloadError: if it cannot be downloaded.
      UnsafeModuleError: if a link leads out of its directory, or an archive could do harm.
      WeightsError: if its checkpoint is damaged, or lacks what the graph needs.
      DestinationError: if there is no space to download or unpack it.
      OutOfMemoryError: if there is less memory than the module needs.
      UnsupportedOpError: if its graphs are nested too deeply to be read.
      ConversionError: if it cannot be read for another reason; all of the above are of this class.
      TypeError: if there is no such option.

    Example:
      ```python
      summary = converter.inspect("module")
      print(summary)  # The tables that `tf1hub inspect` prints.
      trainable = [variable.name for variable in summary.variables if variable.trainable]
      if summary.refused is None:
          converter.convert("module", "converted")
      ```
    """
    chosen = ConversionOptions.of(options, ReadingArguments)
    import_packages(chosen.import_ops)
    allowed = chosen.plan_options.allowed_ops
    surroundings = Surroundings(session=session, allowed_ops=allowed)
    with open_in(surroundings, source) as opened, garbage_collection.paused():
        return summarize(read_module(opened.directory), opened, chosen)


def summarize(legacy: LegacyModule, source: Source, options: ConversionOptions) -> ModuleSummary:
    """Describes a module that has been read, and its conversion with these options.

    Args:
      legacy: The module.
      source: Where it was read from.
      options: The options of the conversion.

    Raises:
      UsageError: if the module has no such tag set or signature.
    """
    compilation = try_compile(legacy, options.plan_options)
    compiled = compilation if isinstance(compilation, CompiledModule) else None
    refusals = compilation.refusals if isinstance(compilation, RefusedModule) else ()
    plan = compilation.plan
    programs = [legacy.variants[tags] for tags in sorted(legacy.variants, key=sorted)]
    variables = tuple(map(describe.describe_variable, merge_variables(programs).values()))
    return ModuleSummary(
        source=describe.describe_source(legacy, source.digest(), source),
        graph_variants=tuple(_describe_variant(program, compiled) for program in programs),
        variables=variables,
        tables=describe.describe_tables(programs),
        assets=describe.describe_assets(programs),
        attachments=describe_attachments(legacy.variants),
        callables=(
            {name: describe.describe_callable(compiled, name) for name in compiled.callables}
            if compiled
            else {}
        ),
        root=plan.root if plan else None,
        conventions=describe_conventions(compiled) if compiled else None,
        image=describe_image(legacy, plan) if plan else None,
        dropped=describe.describe_dropped(compiled) if compiled else (),
        warnings=(
            *describe.describe_values_in_memory(source),
            *(find_warnings(compiled) if compiled else plan.warnings if plan else ()),
        ),
        refused=str(refusals[0].error) if refusals else None,
        refusals=tuple(refusal.to_info() for refusal in refusals),
        findings=inspect_saved_model(read_saved_model(legacy.directory)).findings,
        size_bytes=sizes.count_bytes_on_disk(legacy.directory),
        parameters=sizes.count_parameters(variables),
        trainable_parameters=sizes.count_parameters(v for v in variables if v.trainable),
        variable_bytes=sizes.count_all_bytes(variables),
    )


def _describe_variant(program: Program, compiled: CompiledModule | None) -> VariantSummary:
    if compiled is None:
        is_training = program.tags.intersection(TRAINING_MARKS)
        variant = GraphVariant(
            tags=tuple(sorted(program.tags)), role="training" if is_training else "inference"
        )
    else:
        variant = describe.describe_variant(compiled, program.tags)
    return VariantSummary(
        tags=variant.tags,
        role=variant.role,
        why=variant.why,
        nodes=len(program.nodes),
        functions=len(program.functions),
        signatures={
            name: SignatureInfo(
                inputs=describe.describe_values(signature.inputs),
                outputs=describe.describe_values(signature.outputs),
            )
            for name, signature in program.signatures.items()
        },
        control_flow=dict(count_control_flow(program)),
        update_ops=tuple(program.update_ops),
        regularization_losses=tuple(str(ref) for ref in program.regularization_losses),
    )
