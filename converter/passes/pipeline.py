"""All passes in their order, and the function that runs them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from converter import errors
from converter.ir import check, check_types, op_facts
from converter.ir.graph import Graph, Node, Nodes, Program
from converter.ir.region import Region, check_region
from converter.passes.bind_resources import bind_resources
from converter.passes.cut_missing_gradients import cut_missing_gradients
from converter.passes.functionalize_control_flow import functionalize_control_flow
from converter.passes.hoist_variable_reads import hoist_variable_reads
from converter.passes.inline_functions import inline_functions
from converter.passes.lower_ref_tables import lower_ref_tables
from converter.passes.lower_ref_variables import lower_ref_variables
from converter.passes.lower_tensor_arrays import lower_tensor_arrays
from converter.passes.lower_unfed_defaults import PLACEHOLDER, lower_unfed_defaults
from converter.passes.resolve_gradient_overrides import (
    check_overrides_kept,
    resolve_gradient_overrides,
)
from converter.passes.strip_placement import strip_placement

Form: TypeAlias = Graph | Region


@dataclasses.dataclass(frozen=True, slots=True)
class Pass:
    """A rewrite, with its needs and its promises.

    Attributes:
      apply: Takes the graph (or the region that an earlier pass returned) and its program.
        Returns the rewritten graph or region, or the same object when there is nothing to do.
      requires: Op types that earlier passes must have promised to remove.
      requires_types: Whether the types of all tensors must have been checked.
      removes: Op types that are gone afterwards; checked after this and every later pass.
      check_kept: Takes the nodes that the pass returned and those that a later pass returned, and
        raises if the later one lost something; called after every later pass.
    """

    apply: Callable[[Any, Program], Form]
    requires: frozenset[str] = frozenset()
    requires_types: bool = False
    removes: frozenset[str] = frozenset()
    check_kept: Callable[[Nodes, Nodes], None] | None = None

    @property
    def name(self) -> str:
        """The name of the rewrite."""
        return self.apply.__name__


_CALLS = op_facts.CALL_OPS | op_facts.FUNCTIONAL_CONTROL_FLOW
_REFS = op_facts.REF_VARIABLES | op_facts.REF_CONTROL_FLOW
_REF_TABLES = frozenset(op_facts.REF_TABLE_OPS)
_HANDLES = op_facts.VARIABLE_HANDLES | op_facts.TABLE_HANDLES

PIPELINE: tuple[Pass, ...] = (
    # First, so that all later passes see the bodies of functions.
    Pass(inline_functions, removes=_CALLS),
    Pass(strip_placement, requires=_CALLS),
    # Before overrides are resolved, for which an Identity is special.
    Pass(lower_unfed_defaults, requires=_CALLS, removes=frozenset({PLACEHOLDER})),
    # Before the passes that rewrite nodes, of which none may lose an override.
    Pass(resolve_gradient_overrides, requires=_CALLS, check_kept=check_overrides_kept),
    Pass(lower_ref_tables, requires=_CALLS, removes=_REF_TABLES),
    Pass(lower_ref_variables, requires=_CALLS, removes=_REFS),
    Pass(lower_tensor_arrays, requires=_CALLS | _REFS, removes=op_facts.TENSOR_ARRAY_OPS),
    # Knows the handles of resources only, not refs.
    Pass(bind_resources, requires=_CALLS | _REFS | _REF_TABLES, removes=_HANDLES),
    # Must see that two handles are one variable, and that lookups in arrays are lookups of values.
    Pass(hoist_variable_reads, requires=_HANDLES | op_facts.TENSOR_ARRAY_OPS),
    # Needs the values of variables, and gradient overrides as they stay.
    Pass(cut_missing_gradients, requires=_HANDLES | op_facts.TENSOR_ARRAY_OPS),
    # Last of the passes over flat graphs. Handles of arrays and refs have no place in regions.
    Pass(
        functionalize_control_flow,
        requires=_CALLS | _REFS | _HANDLES | op_facts.TENSOR_ARRAY_OPS,
        requires_types=True,
        removes=op_facts.V1_CONTROL_FLOW,
    ),
)


@dataclasses.dataclass(frozen=True, slots=True)
class PassTrace:
    """One pass that ran.

    Attributes:
      name: The name of the pass.
      before: The graph or region that it took.
      after: The graph or region that it returned; the same object if nothing changed.
      seconds: How long it took, without the checks.
    """

    name: str
    before: Form
    after: Form
    seconds: float


def list_nodes(form: Form) -> list[Node]:
    """All nodes of a graph, or of a region and those inside of it."""
    return [*form.nodes.values()] if isinstance(form, Graph) else [*form.nodes()]


def lower(graph: Graph, program: Program) -> Region:
    """Runs the pipeline, and returns the nested form of a graph.

    Args:
      graph: The computation of one call, cut out of `program`.
      program: The graph variant.

    Raises:
      ConversionError: if the graph cannot be carried over.
      InternalError: if a pass broke its promise.
    """
    form: Form = graph
    for trace in trace_passes(graph, program):
        form = trace.after
    assert isinstance(form, Region)
    return form


def trace_passes(graph: Graph, program: Program) -> Iterator[PassTrace]:
    """Runs the pipeline, pass by pass; checks the graph before it and after every pass.

    Args:
      graph: The computation of one call, cut out of `program`.
      program: The graph variant, for its functions, variables, tables and assets.

    Yields:
      Each pass when it has run and its result has been checked.

    Raises:
      ConversionError: if the graph cannot be carried over.
      InternalError: if a pass broke its promise, or comes before another that it needs.
    """
    check.check_graph(graph, functions=program.functions)
    form: Form = graph
    checked: Form | None = None  # Of calls, which the first pass inlines, little can be checked.
    removed: frozenset[str] = frozenset()
    kept: list[tuple[Callable[[Nodes, Nodes], None], Nodes]] = []
    for step in PIPELINE:
        _check_requirements(step, form, program, removed)
        start = time.perf_counter()
        after = _apply(step, form, program)
        seconds = time.perf_counter() - start
        removed |= step.removes
        check.check_absent(list_nodes(after), removed if after is not form else step.removes)
        if after is not form:
            _check_form(checked, after)
            for check_kept, nodes in kept:
                check_kept(nodes, _by_name(after))
        if step.check_kept is not None:
            kept.append((step.check_kept, _by_name(after)))
        yield PassTrace(step.name, form, after, seconds)
        form = checked = after


def _check_requirements(step: Pass, form: Form, program: Program, removed: frozenset[str]) -> None:
    left = step.requires - removed
    if left:
        raise errors.InternalError(f"no pass before {step.name!r} removes {sorted(left)}")
    if step.requires_types and isinstance(form, Graph):
        check_types.check_types(form, program)


def _apply(step: Pass, form: Form, program: Program) -> Form:
    try:
        return step.apply(form, program)
    except RecursionError as error:
        raise errors.UnsupportedOpError("control flow is nested too deeply") from error


def _check_form(checked: Form | None, form: Form) -> None:
    if isinstance(form, Region):
        check_region(form)
    elif isinstance(checked, Graph):
        check.check_changes(checked, form)
    else:
        check.check_graph(form)


def _by_name(form: Form) -> Nodes:
    return form.nodes if isinstance(form, Graph) else {node.name: node for node in form.nodes()}
