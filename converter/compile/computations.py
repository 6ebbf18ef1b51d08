"""The graphs that the calls of a callable run."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping

from converter import errors
from converter.compile.lowering import Lowering
from converter.compile.plan import CallablePlan, needs_trace_per_call
from converter.formats.legacy_module import LegacyModule
from converter.ir import attributes
from converter.ir.check_types import check_result_shapes, check_results
from converter.ir.graph import (
    VARIABLE_OP,
    VARIABLE_VALUE_OP,
    Graph,
    Program,
    Signature,
    TensorInfo,
    TensorRef,
)
from converter.ir.region import Region
from converter.passes.prune_unreachable import Feed, needing_placeholders, prune_unreachable

_NOT_IN_NODE_NAMES = re.compile(r"[^0-9A-Za-z_./-]")


@dataclasses.dataclass(frozen=True, slots=True)
class Arguments:
    """One combination of the arguments that decide which graph a call runs.

    Attributes:
      training: Whether to run the training variant and its update ops.
      endpoints: Whether to return all outputs.
      given: The keywords of the hparams given, of those whose default only the graph can compute.
    """

    training: bool = False
    endpoints: bool = False
    given: frozenset[str] = frozenset()

    def format_call(self, name: str) -> str:
        """Prints a call of the callable `name`: `default(training=True, mean=…)`."""
        shown = ["training=True"] if self.training else []
        shown += ["return_endpoints=True"] if self.endpoints else []
        shown += [f"{keyword}=…" for keyword in sorted(self.given)]
        return f"{name}({', '.join(shown)})"


@dataclasses.dataclass(frozen=True, slots=True)
class Computation:
    """One graph that is traced.

    Attributes:
      program: The graph variant that it comes from.
      region: The graph's nested form, after all passes.
      inputs: The inputs that are fed, by name, in the order of the region's arguments.
      outputs: The outputs by name, in the order of the region's results.
      update_ops: The update ops that run.
      unresolved_overrides: By node, the gradient overrides that no library resolves.
    """

    program: Program
    region: Region
    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    update_ops: tuple[str, ...]
    unresolved_overrides: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def variable_names(self) -> set[str]:
        """The TF1 names of the variables that it uses."""
        return variable_names(self.region)


@dataclasses.dataclass(frozen=True, slots=True)
class CompiledCallable:
    """The graphs of one callable.

    Attributes:
      plan: The callable.
      programs: The graph variants of plain calls and, where it can train, of training calls.
      computations: What it runs, by each allowed combination of arguments.
    """

    plan: CallablePlan
    programs: Mapping[bool, Program]
    computations: Mapping[Arguments, Computation]

    @property
    def takes_endpoints(self) -> bool:
        """Whether the callable has the argument `return_endpoints`."""
        return any(arguments.endpoints for arguments in self.computations)

    @property
    def takes_training(self) -> bool:
        """Whether the callable has the argument `training`."""
        return self.plan.training_tags is not None

    @property
    def signature(self) -> Signature:
        """The TF1 signature that plain calls run."""
        return self.programs[False].signatures[self.plan.signature]

    def inputs(self, *, training: bool) -> Mapping[str, TensorInfo]:
        """All inputs that the graph variant knows, required and optional ones."""
        return known_inputs(self.plan, self.programs[training])

    def variable_names(self) -> set[str]:
        """The TF1 names of the variables that any call of it uses."""
        return set().union(*(c.variable_names() for c in self.computations.values()))


def variable_names(region: Region) -> set[str]:
    """The TF1 names of the variables that a region uses."""
    return {
        attributes.get_key(node)
        for node in region.nodes()
        if node.op in (VARIABLE_OP, VARIABLE_VALUE_OP)
    }


def find_programs(plan: CallablePlan, legacy: LegacyModule) -> dict[bool, Program]:
    """The graph variants that a callable runs, by whether the call is a training call."""
    programs = {False: legacy.variants[plan.tags]}
    if plan.training_tags is not None:
        programs[True] = legacy.variants[plan.training_tags]
    return programs


def list_arguments(plan: CallablePlan, *, takes_endpoints: bool) -> Iterator[Arguments]:
    """All combinations of arguments with which a callable may be called."""
    optional = [h.keyword for h in plan.hparams if needs_trace_per_call(h)]
    subsets = [
        frozenset(subset)
        for size in range(len(optional) + 1)
        for subset in itertools.combinations(optional, size)
    ]
    for training, endpoints, given in itertools.product(
        (False, True) if plan.training_tags is not None else (False,),
        (False, True) if takes_endpoints else (False,),
        subsets,
    ):
        yield Arguments(training, endpoints, given)


def known_inputs(plan: CallablePlan, program: Program) -> Mapping[str, TensorInfo]:
    """The inputs of a callable that a graph variant knows, required and optional ones."""
    signatures = program.signatures
    extended = signatures[plan.source].inputs if plan.source in signatures else {}
    return {**extended, **signatures[plan.signature].inputs}


def compile_call(
    plan: CallablePlan, program: Program, arguments: Arguments, lowering: Lowering
) -> Computation:
    """Compiles the graph that calls with these arguments run.

    Args:
      plan: The callable.
      program: The graph variant that such calls run.
      arguments: The arguments.
      lowering: Runs the passes.

    Raises:
      ConversionError: if the graph cannot be converted exactly.
    """
    known = known_inputs(plan, program)
    fed = list(plan.inputs) + [
        hparam.input
        for hparam in plan.hparams
        if hparam.keyword in arguments.given or not needs_trace_per_call(hparam)
    ]
    outputs = program.signatures[plan.signature].outputs
    if "default" in outputs and not arguments.endpoints:
        outputs = {"default": outputs["default"]}
    inputs = {name: known[name] for name in fed if name in known}
    trains = arguments.training or plan.always_trains
    what = f"signature {plan.signature!r}"
    return compile_computation(program, inputs, outputs, lowering, updates=trains, what=what)


def compile_computation(
    program: Program,
    inputs: Mapping[str, TensorInfo],
    outputs: Mapping[str, TensorInfo],
    lowering: Lowering,
    *,
    updates: bool,
    what: str = "the computation",
) -> Computation:
    """Cuts a computation out of a graph variant and lowers it.

    Args:
      program: The graph variant.
      inputs: The inputs to feed.
      outputs: The outputs to return.
      lowering: Runs the passes.
      updates: Whether to run the update ops that need no other inputs.
      what: The computation, as errors name it: `signature 'default'`.

    Raises:
      ConversionError: if it cannot be converted exactly.
    """
    graph = cut_computation(program, inputs, outputs, updates=updates, what=what)
    shapes = [shape for info in inputs.values() for shape in info.component_shapes]
    made = lowering.lower(graph, program, shapes)
    dtypes = [dtype for info in outputs.values() for dtype in info.component_dtypes]
    check_results(graph, dtypes, program.functions)
    check_result_shapes(graph, [s for info in outputs.values() for s in info.component_shapes])
    overrides = made.unresolved_overrides
    return Computation(program, made.region, inputs, outputs, graph.targets, overrides)


def cut_computation(
    program: Program,
    inputs: Mapping[str, TensorInfo],
    outputs: Mapping[str, TensorInfo],
    *,
    updates: bool,
    what: str = "the computation",
) -> Graph:
    """Cuts a computation out of a graph variant.

    Args:
      program: The graph variant.
      inputs: The inputs that are fed.
      outputs: The outputs that are returned.
      updates: Whether to run the update ops that `inputs` can feed, the targets of the graph.
      what: The computation, as errors name it: `signature 'default'`.

    Raises:
      ConversionError: if an output needs a placeholder that is not fed, or two inputs feed one.
    """
    feeds = feeds_for(inputs)
    update_ops: tuple[str, ...] = ()
    if updates and program.update_ops:
        unfed = needing_placeholders(program, feeds)
        update_ops = tuple(name for name in program.update_ops if name not in unfed)
    results = [ref for info in outputs.values() for ref in info.components]
    return prune_unreachable(program, feeds, results, update_ops, what)


def feeds_for(inputs: Mapping[str, TensorInfo]) -> dict[TensorRef, Feed]:
    """Returns the graph tensors that the inputs feed, in call order.

    Raises:
      ConversionError: if two inputs feed one tensor, since a call could give them two values.
    """
    feeds: dict[TensorRef, Feed] = {}
    fed_by: dict[TensorRef, str] = {}
    for name, info in inputs.items():
        parts = zip(info.components, info.component_dtypes, strict=True)
        for index, (ref, dtype) in enumerate(parts):
            if ref in feeds:
                raise errors.ConversionError(
                    f"input {name!r} of a signature feeds the same tensor as {fed_by[ref]!r}",
                    node=ref.node,
                )
            fed_by[ref] = name
            argument = _NOT_IN_NODE_NAMES.sub("_", name) or "_"
            argument = f"{argument}_{index}" if index else argument
            feeds[ref] = Feed(argument, dtype)
    return feeds
