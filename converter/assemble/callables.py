"""Traces the graphs of a callable into a `tf.function`.

Every allowed combination of arguments has a direct trace. Calls of a shared inner function cost
45 % of every forward pass, measured on an Inception-v3 graph.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter.assemble.emit import emit
from converter.assemble.resources import Resources
from converter.assemble.values import compose_parts, decompose, value_spec
from converter.compile.computations import Arguments, CompiledCallable
from converter.compile.plan import needs_trace_per_call


@dataclasses.dataclass(frozen=True, slots=True)
class TracedCallable:
    """A traced callable.

    Attributes:
      function: The `tf.function`.
      traces: Its concrete functions, by the arguments that choose them.
    """

    function: Any
    traces: Mapping[Arguments, Any]


def build_callable(part: CompiledCallable, resources: Resources) -> TracedCallable:
    """Traces a callable with all combinations of arguments.

    Args:
      part: The callable.
      resources: The module's state.

    Raises:
      ConversionError: if TensorFlow rejects one of the graphs.
    """
    signature = python_signature(part)

    def call(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return _run(part, resources, bound.arguments)

    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__name__ = call.__qualname__ = part.plan.attribute
    for computation in part.computations.values():
        resources.bind(computation.program).prepare(computation.region)
    function = tf.function(call, autograph=False)
    traces = {}
    for arguments in part.computations:
        known = {**part.inputs(training=False), **part.inputs(training=arguments.training)}
        specs = {name: value_spec(info) for name, info in known.items()}
        args, kwargs = _name_specs(signature, keyword_arguments(part, arguments, specs))
        traces[arguments] = function.get_concrete_function(*args, **kwargs)
    return TracedCallable(function, traces)


def _name_specs(
    signature: inspect.Signature, specs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Returns the arguments of a trace with the names that TensorFlow gives to their tensors.

    When TensorFlow (2.15 and 2.21) saves a function, it looks its traces up by arguments with
    names, and would trace again what was traced without.
    """

    def probe(*args: Any, **kwargs: Any) -> tf.Tensor:
        del args, kwargs
        return tf.constant(0)

    probe.__signature__ = signature  # type: ignore[attr-defined]
    traced = tf.function(probe, autograph=False).get_concrete_function(**specs)
    args, kwargs = traced.structured_input_signature
    return args, kwargs


def python_signature(part: CompiledCallable) -> inspect.Signature:
    """Returns the parameters: `inputs`, then `training`, `return_endpoints` and the hparams.

    If the only input is optional, it comes first.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    hparams = [
        inspect.Parameter(hparam.keyword, kind, default=hparam.default)
        for hparam in part.plan.hparams
    ]
    parameters = [inspect.Parameter("inputs", kind)] if part.plan.inputs else []
    if not parameters and len(hparams) == 1:
        parameters.append(hparams.pop())
    flags = [inspect.Parameter(name, kind, default=False) for name in _flags(part)]
    return inspect.Signature([*parameters, *flags, *hparams])


def _flags(part: CompiledCallable) -> list[str]:
    flags = ["training"] if part.takes_training else []
    return [*flags, "return_endpoints"] if part.takes_endpoints else flags


def keyword_arguments(
    part: CompiledCallable, arguments: Arguments, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the keyword arguments of a call.

    Args:
      part: The callable.
      arguments: The combination of arguments to call it with.
      values: The inputs by their TF1 names, hparams among them.
    """
    flags = {"training": arguments.training, "return_endpoints": arguments.endpoints}
    keywords: dict[str, Any] = {name: flags[name] for name in _flags(part)}
    required = {name: values[name] for name in part.plan.inputs}
    if required:
        keywords["inputs"] = required if len(required) > 1 else next(iter(required.values()))
    for hparam in part.plan.hparams:
        is_given = hparam.keyword in arguments.given or not needs_trace_per_call(hparam)
        keywords[hparam.keyword] = values[hparam.input] if is_given else None
    return keywords


def _run(part: CompiledCallable, resources: Resources, values: Mapping[str, Any]) -> Any:
    """Emits the graph that the arguments choose, and returns its outputs."""
    flags = _flags(part)
    arguments = Arguments(
        training="training" in flags and bool(values["training"]),
        endpoints="return_endpoints" in flags and bool(values["return_endpoints"]),
        given=frozenset(
            hparam.keyword
            for hparam in part.plan.hparams
            if needs_trace_per_call(hparam) and values[hparam.keyword] is not None
        ),
    )
    computation = part.computations[arguments]
    fed = {hparam.input: values[hparam.keyword] for hparam in part.plan.hparams}
    if len(part.plan.inputs) == 1:
        fed[part.plan.inputs[0]] = values["inputs"]
    elif part.plan.inputs:
        fed.update(values["inputs"])
    args = [
        tensor for name, info in computation.inputs.items() for tensor in decompose(fed[name], info)
    ]
    results = emit(computation.region, args, resources.bind(computation.program))
    outputs = compose_parts(results, computation.outputs)
    default_only = "default" in outputs and not arguments.endpoints
    return outputs["default"] if default_only else outputs
