"""All passes in their order, and the one function that runs them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from converter import errors
from converter.ir import check, check_types, op_facts, region
from converter.ir.graph import Graph, Program
from converter.ir.region import Region
from converter.passes.bind_resources import bind_resources
from converter.passes.functionalize_control_flow import functionalize_control_flow
from converter.passes.hoist_variable_reads import hoist_variable_reads
from converter.passes.inline_functions import inline_functions
from converter.passes.lower_ref_tables import lower_ref_tables
from converter.passes.lower_ref_variables import lower_ref_variables
from converter.passes.lower_tensor_arrays import lower_tensor_arrays
from converter.passes.resolve_gradient_overrides import (
    check_overrides_kept,
    resolve_gradient_overrides,
)
from converter.passes.strip_placement import strip_placement


@dataclasses.dataclass(frozen=True, slots=True)
class Pass:
    """A rewrite, and its promise.

    Attributes:
      apply: Returns the rewritten graph, or the same object when there is nothing to do.
      removes: Op types that no graph holds afterwards; checked after this and later passes.
    """

    apply: Callable[[Graph, Program], Graph]
    removes: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The name of the rewrite."""
        return self.apply.__name__


@dataclasses.dataclass(frozen=True, slots=True)
class PassTrace:
    """What one pass did: nodes before and after, and how long it took in seconds."""

    name: str
    nodes_before: int
    nodes_after: int
    seconds: float


PIPELINE: tuple[Pass, ...] = (
    # First, so that all later passes see the bodies of functions.
    Pass(inline_functions, removes=op_facts.CALL_OPS | op_facts.FUNCTIONAL_CONTROL_FLOW),
    Pass(strip_placement),
    # Before the passes that rewrite nodes, of which none may lose an override.
    Pass(resolve_gradient_overrides),
    # Refs before binding, which knows resource handles only.
    Pass(lower_ref_tables, removes=frozenset(op_facts.REF_TABLE_OPS)),
    Pass(lower_ref_variables, removes=op_facts.REF_VARIABLES | op_facts.REF_CONTROL_FLOW),
    # Before hoisting, which must see lookups of values, and raising, which must see no handles.
    Pass(lower_tensor_arrays, removes=op_facts.TENSOR_ARRAY_OPS),
    Pass(bind_resources, removes=op_facts.VARIABLE_HANDLES | op_facts.TABLE_HANDLES),
    # Needs bound handles, to see that two handles are one variable.
    Pass(hoist_variable_reads),
)


def lower(graph: Graph, program: Program) -> Region:
    """Runs the pipeline, and gives the result its nested form.

    Args:
      graph: The computation of one call, cut out of `program`.
      program: The graph variant.

    Raises:
      ConversionError: if the graph cannot be carried over.
      InternalError: if a pass broke its promise.
    """
    try:
        lowered, _ = run_passes(graph, program)
        nested = functionalize_control_flow(lowered, program)
        region.check_region(nested)
    except RecursionError as error:
        raise errors.UnsupportedOpError("control flow is nested too deeply") from error
    return nested


def run_passes(graph: Graph, program: Program) -> tuple[Graph, tuple[PassTrace, ...]]:
    """Runs the pipeline, and checks the graph before it and after every pass.

    Args:
      graph: The computation of one call, cut out of `program`.
      program: The graph variant, for its functions, variables, tables and assets.

    Raises:
      ConversionError: if the graph cannot be carried over.
      InternalError: if a pass broke its promise.
    """
    check.check_graph(graph, functions=program.functions)
    removed: frozenset[str] = frozenset()
    traces: list[PassTrace] = []
    resolved = None
    for step in PIPELINE:
        before, start = len(graph.nodes), time.perf_counter()
        after = step.apply(graph, program)
        seconds = time.perf_counter() - start
        removed |= step.removes
        if after is not graph or step.removes:
            check.check_graph(after, absent=removed)
        graph = after
        if step.apply is resolve_gradient_overrides:
            resolved = graph
        traces.append(PassTrace(step.name, before, len(graph.nodes), seconds))
    if resolved is not None:
        check_overrides_kept(resolved, graph)
    check_types.check_types(graph, program)
    return graph, tuple(traces)
