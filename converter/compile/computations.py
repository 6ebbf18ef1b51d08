"""What each combination of a callable's arguments runs, as graphs; nothing is traced here."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping

from converter.assemble.values import feeds_for
from converter.compile.plan import CallablePlan, has_endpoints, needs_trace_per_call
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import VARIABLE_OP, VARIABLE_VALUE_OP, Program, Signature, TensorInfo
from converter.ir.region import Region
from converter.passes.pipeline import lower
from converter.passes.prune_unreachable import needing_placeholders, prune_unreachable
from converter.passes.resolve_gradient_overrides import find_unresolved_overrides


@dataclasses.dataclass(frozen=True, slots=True)
class Arguments:
    """A combination of the arguments that decide which graph a call runs.

    Attributes:
      training: Whether to run the training variant and its update ops.
      endpoints: Whether to return all outputs.
      given: The hparams given, of those whose default only the graph can compute.
    """

    training: bool = False
    endpoints: bool = False
    given: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Computation:
    """What one combination of arguments runs.

    Attributes:
      program: The graph variant that it comes from.
      region: Its nested form, after all passes.
      inputs: The inputs that are fed, by name, in the order of the region's arguments.
      outputs: The outputs in the order of the region's results.
      update_ops: The update ops that it runs.
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


def variable_names(region: Region) -> set[str]:
    """The TF1 names of the variables that a bound computation uses."""
    return {
        node.attrs["key"].s.decode()
        for node in region.nodes()
        if node.op in (VARIABLE_OP, VARIABLE_VALUE_OP)
    }


def prepare_computation(
    program: Program,
    inputs: Mapping[str, TensorInfo],
    outputs: Mapping[str, TensorInfo],
    *,
    updates: bool,
) -> Computation:
    """Cuts a computation out of a graph variant and runs all passes over it.

    Args:
      program: The graph variant.
      inputs: What is fed.
      outputs: What is returned.
      updates: Whether to run the update ops that `inputs` can feed.

    Raises:
      ConversionError: if it cannot be carried over exactly.
    """
    feeds = feeds_for(inputs)
    update_ops: tuple[str, ...] = ()
    if updates and program.update_ops:
        unfed = needing_placeholders(program, feeds)
        update_ops = tuple(name for name in program.update_ops if name not in unfed)
    results = [ref for info in outputs.values() for ref in info.components]
    graph = prune_unreachable(program, feeds, results, update_ops)
    unresolved = find_unresolved_overrides(graph, program)
    return Computation(program, lower(graph, program), inputs, outputs, update_ops, unresolved)


class CallableGraphs:
    """The graphs of one callable, each made when it is first asked for.

    Args:
      plan: The callable.
      legacy: The module.
    """

    def __init__(self, plan: CallablePlan, legacy: LegacyModule) -> None:
        self.plan = plan
        self._legacy = legacy
        self._computations: dict[Arguments, Computation] = {}

    @property
    def takes_endpoints(self) -> bool:
        """Whether the callable has the argument `return_endpoints`."""
        return has_endpoints(self.program(training=False), self.plan)

    @property
    def takes_training(self) -> bool:
        """Whether the callable has the argument `training`."""
        return self.plan.training_tags is not None

    @property
    def signature(self) -> Signature:
        """The TF1 signature that plain calls run."""
        return self.program(training=False).signatures[self.plan.signature]

    def combinations(self) -> Iterator[Arguments]:
        """All allowed combinations of arguments."""
        optional = [h.keyword for h in self.plan.hparams if needs_trace_per_call(h)]
        subsets = [
            frozenset(subset)
            for size in range(len(optional) + 1)
            for subset in itertools.combinations(optional, size)
        ]
        for training, endpoints, given in itertools.product(
            (False, True) if self.takes_training else (False,),
            (False, True) if self.takes_endpoints else (False,),
            subsets,
        ):
            yield Arguments(training, endpoints, given)

    def all(self) -> list[Computation]:
        """The computations of all combinations.

        Raises:
          ConversionError: if one of them cannot be carried over exactly.
        """
        return [self.get(arguments) for arguments in self.combinations()]

    def get(self, arguments: Arguments) -> Computation:
        """What calls with these arguments run."""
        if arguments not in self._computations:
            self._computations[arguments] = self._prepare(arguments)
        return self._computations[arguments]

    def inputs(self, training: bool) -> Mapping[str, TensorInfo]:
        """All inputs that the graph variant knows, required and optional ones."""
        signatures = self.program(training).signatures
        own = signatures[self.plan.signature].inputs
        more = signatures[self.plan.source].inputs if self.plan.source in signatures else {}
        return {**more, **own}

    def program(self, training: bool) -> Program:
        """The graph variant that calls run."""
        tags = self.plan.training_tags if training else self.plan.tags
        return self._legacy.variants[self.plan.tags if tags is None else tags]

    def _prepare(self, arguments: Arguments) -> Computation:
        program = self.program(arguments.training)
        known = self.inputs(arguments.training)
        fed = list(self.plan.inputs) + [
            hparam.input
            for hparam in self.plan.hparams
            if hparam.keyword in arguments.given or not needs_trace_per_call(hparam)
        ]
        outputs = program.signatures[self.plan.signature].outputs
        if "default" in outputs and not arguments.endpoints:
            outputs = {"default": outputs["default"]}
        inputs = {name: known[name] for name in fed if name in known}
        trains = arguments.training or self.plan.always_trains
        return prepare_computation(program, inputs, outputs, updates=trains)
