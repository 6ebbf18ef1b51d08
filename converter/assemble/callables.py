"""A `CallablePlan` to a traced `tf.function`.

One direct trace for every allowed combination of arguments: calls through a shared inner
function were measured on an Inception-v3 graph, and cost 45 % of every forward pass.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter.assemble.emit import emit
from converter.assemble.plan import CallablePlan, has_endpoints, needs_trace_per_call
from converter.assemble.resources import Resources
from converter.assemble.variants import Tags
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import (
    VARIABLE_OP,
    VARIABLE_VALUE_OP,
    Graph,
    Kind,
    Program,
    TensorInfo,
    TensorRef,
)
from converter.passes.pipeline import run_passes
from converter.passes.prune_unreachable import Feed, needs_placeholder, prune_unreachable


@dataclasses.dataclass(frozen=True, slots=True)
class Computation:
    """What one combination of arguments runs.

    Attributes:
      graph: The graph after all passes.
      inputs: The inputs that are fed, by name, in the order of the graph's arguments.
      outputs: The outputs in the order of the graph's results.
      update_ops: The update ops that it runs.
    """

    graph: Graph
    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    update_ops: tuple[str, ...]

    def variable_names(self) -> set[str]:
        """The TF1 names of the variables that it uses."""
        return variable_names(self.graph)


def variable_names(graph: Graph) -> set[str]:
    """The TF1 names of the variables that a bound graph uses."""
    return {
        node.attrs["key"].s.decode()
        for node in graph.nodes.values()
        if node.op in (VARIABLE_OP, VARIABLE_VALUE_OP)
    }


def feeds_for(inputs: Mapping[str, TensorInfo]) -> dict[TensorRef, Feed]:
    """The graph tensors that the given inputs stand for, in call order."""
    return {
        ref: Feed(f"{name}_{index}" if index else name, spec.dtype.as_datatype_enum)
        for name, info in inputs.items()
        for index, (ref, spec) in enumerate(
            zip(info.components, component_specs(info), strict=True)
        )
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
    """
    feeds = feeds_for(inputs)
    update_ops = tuple(
        name for name in program.update_ops if updates and not needs_placeholder(program, feeds, name)
    )
    results = [ref for info in outputs.values() for ref in info.components]
    pruned = prune_unreachable(program, feeds, results, update_ops)
    graph, _ = run_passes(pruned, program)
    return Computation(graph, inputs, outputs, update_ops)


class CallableBuilder:
    """Builds the `tf.function` of one callable, and knows what it uses.

    Args:
      plan: What to build.
      legacy: The module.
      resources: Its state.
    """

    def __init__(self, plan: CallablePlan, legacy: LegacyModule, resources: Resources) -> None:
        self.plan = plan
        self._legacy = legacy
        self._resources = resources
        self._computations: dict[tuple[Any, ...], Computation] = {}

    def computations(self) -> list[Computation]:
        """What its calls run, one entry for each combination of arguments."""
        return [
            self._computation(training, endpoints, given)
            for training, endpoints, given in self._combinations()
        ]

    def build(self) -> Any:
        """Returns the function with all its traces."""
        signature = self._signature()

        def call(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return self._run(bound.arguments)

        call.__signature__ = signature  # type: ignore[attr-defined]
        call.__name__ = call.__qualname__ = self.plan.attribute
        for computation in self.computations():
            self._bindings(computation).prepare(computation.graph)
        function = tf.function(call, autograph=False)
        for training, endpoints, given in self._combinations():
            function.get_concrete_function(**self._specs(training, endpoints, given))
        return function

    def _program(self, training: bool) -> Program:
        return self._legacy.variants[self._tags(training)]

    def _tags(self, training: bool) -> Tags:
        if training and self.plan.training_tags is not None:
            return self.plan.training_tags
        return self.plan.tags

    def _bindings(self, computation: Computation) -> Any:
        for (training, _, _), known in self._computations.items():
            if known is computation:
                return self._resources.bind(self._program(training))
        raise KeyError(computation)

    def _combinations(self) -> Iterator[tuple[bool, bool, frozenset[str]]]:
        """All allowed values of (training, return_endpoints, hparams without a default given)."""
        modes = (False, True) if self.plan.training_tags is not None else (False,)
        endpoints = (False, True) if self._takes_endpoints() else (False,)
        optional = [h.keyword for h in self.plan.hparams if needs_trace_per_call(h)]
        subsets = [
            frozenset(subset)
            for size in range(len(optional) + 1)
            for subset in itertools.combinations(optional, size)
        ]
        yield from itertools.product(modes, endpoints, subsets)

    def _takes_endpoints(self) -> bool:
        return has_endpoints(self._program(False), self.plan)

    def _inputs(self, training: bool) -> Mapping[str, TensorInfo]:
        """All inputs that the graph variant knows, required and optional ones."""
        signatures = self._program(training).signatures
        own = signatures[self.plan.signature].inputs
        more = signatures[self.plan.source].inputs if self.plan.source in signatures else {}
        return {**more, **own}

    def _computation(
        self, training: bool, endpoints: bool, given: frozenset[str]
    ) -> Computation:
        key = (training, endpoints, given)
        if key not in self._computations:
            program = self._program(training)
            known = self._inputs(training)
            fed = list(self.plan.inputs) + [
                h.input
                for h in self.plan.hparams
                if h.keyword in given or not needs_trace_per_call(h)
            ]
            outputs = program.signatures[self.plan.signature].outputs
            if "default" in outputs and not endpoints:
                outputs = {"default": outputs["default"]}
            inputs = {name: known[name] for name in fed if name in known}
            self._computations[key] = prepare_computation(
                program, inputs, outputs, updates=training
            )
        return self._computations[key]

    # The Python side: parameters, and the values that stand for them in a trace.

    def _signature(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        hparams = [
            inspect.Parameter(h.keyword, kind, default=h.default) for h in self.plan.hparams
        ]
        parameters = [inspect.Parameter("inputs", kind)] if self.plan.inputs else []
        if not parameters and len(hparams) == 1:
            parameters.append(hparams.pop())
        for name in self._flags():
            parameters.append(inspect.Parameter(name, kind, default=False))
        return inspect.Signature(parameters + hparams)

    def _flags(self) -> list[str]:
        flags = ["training"] if self.plan.training_tags is not None else []
        return [*flags, "return_endpoints"] if self._takes_endpoints() else flags

    def _specs(self, training: bool, endpoints: bool, given: frozenset[str]) -> dict[str, Any]:
        known = self._inputs(training)
        values: dict[str, Any] = {"training": training, "return_endpoints": endpoints}
        specs: dict[str, Any] = {name: values[name] for name in self._flags()}
        if self.plan.inputs:
            required = {name: value_spec(known[name]) for name in self.plan.inputs}
            specs["inputs"] = required if len(required) > 1 else next(iter(required.values()))
        for hparam in self.plan.hparams:
            if hparam.keyword in given or not needs_trace_per_call(hparam):
                info = known.get(hparam.input) or self._inputs(False)[hparam.input]
                specs[hparam.keyword] = value_spec(info)
            else:
                specs[hparam.keyword] = None
        return specs

    def _run(self, arguments: Mapping[str, Any]) -> Any:
        training = bool(arguments.get("training", False)) and "training" in self._flags()
        endpoints = bool(arguments.get("return_endpoints", False))
        given = frozenset(
            h.keyword
            for h in self.plan.hparams
            if needs_trace_per_call(h) and arguments[h.keyword] is not None
        )
        computation = self._computation(training, endpoints, given)
        values = {h.input: arguments[h.keyword] for h in self.plan.hparams}
        if self.plan.inputs:
            inputs = arguments["inputs"]
            values.update(inputs if len(self.plan.inputs) > 1 else {self.plan.inputs[0]: inputs})
        args = [
            tensor
            for name, info in computation.inputs.items()
            for tensor in decompose(values[name], info)
        ]
        results = emit(computation.graph, args, self._bindings(computation))
        outputs = compose_outputs(results, computation.outputs)
        default_only = "default" in computation.outputs and not endpoints
        return outputs["default"] if default_only else outputs


# Values of signatures, as specs and as tensors.


def value_spec(info: TensorInfo, name: str | None = None) -> Any:
    """The `tf.TypeSpec` of a value."""
    dtype = tf.as_dtype(info.dtype)
    if info.kind is Kind.SPARSE:
        return tf.SparseTensorSpec(info.shape, dtype)
    if info.kind is Kind.RAGGED:
        return tf.RaggedTensorSpec(
            info.shape, dtype, info.ragged_rank, tf.as_dtype(info.row_splits_dtype)
        )
    return tf.TensorSpec(info.shape, dtype, name=name)


def component_specs(info: TensorInfo) -> list[tf.TensorSpec]:
    """The specs of the tensors that make up a value."""
    dtype = tf.as_dtype(info.dtype)
    if info.kind is Kind.SPARSE:
        rank = None if info.shape is None else len(info.shape)
        return [
            tf.TensorSpec([None, rank], tf.int64),
            tf.TensorSpec([None], dtype),
            tf.TensorSpec([rank], tf.int64),
        ]
    if info.kind is Kind.RAGGED:
        inner = None if info.shape is None else info.shape[1 + info.ragged_rank :]
        flat = None if inner is None else [None, *inner]
        splits = tf.TensorSpec([None], tf.as_dtype(info.row_splits_dtype))
        return [tf.TensorSpec(flat, dtype)] + [splits] * info.ragged_rank
    return [tf.TensorSpec(info.shape, dtype)]


def decompose(value: Any, info: TensorInfo) -> list[tf.Tensor]:
    """The tensors that make up a value, in the order of `TensorInfo.components`."""
    if info.kind is Kind.SPARSE:
        return [value.indices, value.values, value.dense_shape]
    if info.kind is Kind.RAGGED:
        return [value.flat_values, *value.nested_row_splits]
    return [value]


def compose(tensors: Sequence[tf.Tensor], info: TensorInfo) -> Any:
    """The value that tensors make up, with the static shape that the signature declares."""
    for tensor, spec in zip(tensors, component_specs(info), strict=True):
        if tensor.shape.is_compatible_with(spec.shape):
            tensor.set_shape(spec.shape)
    if info.kind is Kind.SPARSE:
        return tf.SparseTensor(*tensors)
    if info.kind is Kind.RAGGED:
        return tf.RaggedTensor.from_nested_row_splits(tensors[0], tensors[1:], validate=False)
    return tensors[0]


def compose_outputs(
    tensors: Sequence[tf.Tensor], outputs: Mapping[str, TensorInfo]
) -> dict[str, Any]:
    """The outputs that tensors make up, by name."""
    remaining = iter(tensors)
    return {
        name: compose(list(itertools.islice(remaining, len(info.components))), info)
        for name, info in outputs.items()
    }
