"""Runs the passes over one signature of a module, and keeps the program after each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from converter import errors
from converter.compile.computations import cut_computation
from converter.compile.variants import Tags, choose_variants, format_option, format_tags
from converter.formats.legacy_module import LegacyModule
from converter.formats.registry import read_module
from converter.ir import check
from converter.ir.graph import Graph, Program
from converter.passes import pipeline
from converter.passes.pipeline import Form, PassTrace, trace_passes
from converter.processes.custom_ops import import_packages
from converter.sources.registry import open_source
from converter.sources.source import ModuleSource

CHECK = "check_graph"  # Runs before all passes.


@dataclasses.dataclass(frozen=True, slots=True)
class SignatureTrace:
    """The passes that ran over the graph of one signature.

    Attributes:
      tags: The tag set of the graph variant.
      signature: The name of the signature.
      graph: The graph before all passes.
      passes: The passes that ran, in order.
      failed: The name of the pass that refused what it took, or failed; None if all ran.
      error: The exception that it raised.
    """

    tags: Tags
    signature: str
    graph: Graph
    passes: tuple[PassTrace, ...]
    failed: str | None
    error: Exception | None

    @property
    def reached(self) -> Form:
        """The graph or region after the last pass that ran."""
        return self.passes[-1].after if self.passes else self.graph


@errors.explaining_exhaustion()
def trace_signature(
    source: ModuleSource,
    signature: str | None = None,
    *,
    tags: Collection[str] | None = None,
    training: bool = False,
    import_ops: Sequence[str] = (),
) -> SignatureTrace:
    """Runs the passes over the graph of one signature; runs none of its ops.

    Args:
      source: The module's directory, archive or handle, or what `open_source` yields; also a
        `hub.ModuleSpec` or a `hub.Module`.
      signature: The name of the signature; `default`, or the only one, if not given.
      tags: The tag set of the graph variant; found by rule if not given.
      training: Whether to take the variant that trains it, and its update ops.
      import_ops: Packages that register custom ops.

    Raises:
      ConversionError: if the module cannot be read, or the signature not be cut out of its graph.
      UsageError: if there is no such graph variant, training variant or signature.
    """
    import_packages(import_ops)
    with open_source(source, needs_values=False) as opened:
        program = _find_program(read_module(opened.directory), tags, training=training)
    name = _find_signature(program, signature)
    chosen = program.signatures[name]
    what = f"signature {name!r}"
    graph = cut_computation(program, chosen.inputs, chosen.outputs, updates=training, what=what)
    passes: list[PassTrace] = []
    error, is_checked = None, False
    try:
        check.check_graph(graph, functions=program.functions)
        is_checked = True
        for trace in trace_passes(graph, program):
            passes.append(trace)
    except Exception as failure:
        error = failure  # Of any type: a pass that crashes is to be seen, too.
    failed = None
    if error is not None:
        failed = pipeline.PIPELINE[len(passes)].name if is_checked else CHECK
    return SignatureTrace(program.tags, name, graph, tuple(passes), failed, error)


def _find_program(legacy: LegacyModule, tags: Collection[str] | None, *, training: bool) -> Program:
    choice = choose_variants(legacy, tags)
    if choice.inference is None:
        raise errors.UsageError(
            "no rule tells which graph variant is for inference",
            remedy="Choose one: "
            + ", ".join(format_option("--tags", v) for v in sorted(legacy.variants, key=sorted))
            + ".",
        )
    if not training:
        return legacy.variants[choice.inference]
    if choice.training is None:
        raise errors.UsageError(
            f"graph variant {format_tags(choice.inference)} has no training variant",
            remedy="Leave out --training.",
        )
    return legacy.variants[choice.training]


def _find_signature(program: Program, signature: str | None) -> str:
    names = sorted(program.signatures)
    if signature is None and len(names) == 1:
        return names[0]
    wanted = "default" if signature is None else signature
    if wanted not in names:
        listed = ", ".join(map(repr, names))
        raise errors.UsageError(
            f"graph variant {format_tags(program.tags)} has no signature {wanted!r}",
            remedy=f"Choose one with --signature: {listed}." if names else "It has no signatures.",
        )
    return wanted
