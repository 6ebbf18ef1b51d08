"""Traces the graphs of a callable into a `tf.function`.

Every allowed combination of arguments has a direct trace. Calls of a shared inner function cost
45 % of every forward pass, measured on an Inception-v3 graph. Other spellings of the inputs are
traced as calls of these traces; a BERT is no slower for that.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter.assemble.emit import emit
from converter.assemble.resources import Resources
from converter.assemble.values import as_tensors, compose_parts, decompose, value_spec
from converter.compile.computations import Arguments, CompiledCallable
from converter.compile.conventions import Spelling
from converter.compile.plan import needs_trace_per_call


@dataclasses.dataclass(frozen=True, slots=True)
class TracedCallable:
    """A traced callable.

    Attributes:
      function: The `tf.function`.
      traces: Its concrete functions for TF1's names, by the arguments that choose them.
      spelled: Those for other spellings, each with its arguments.
    """

    function: Any
    traces: Mapping[Arguments, Any]
    spelled: Sequence[tuple[Arguments, Any]] = ()

    @property
    def training_traces(self) -> list[Any]:
        """The concrete functions of training calls."""
        all_traces = (*self.traces.items(), *self.spelled)
        return [trace for arguments, trace in all_traces if arguments.training]


def build_callable(part: CompiledCallable, resources: Resources) -> TracedCallable:
    """Traces a callable with all combinations of arguments.

    Args:
      part: The callable.
      resources: The module's state.

    Raises:
      ConversionError: if TensorFlow rejects one of the graphs.
    """
    signature = python_signature(part)
    traces: dict[Arguments, Any] = {}

    def call(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if _find_spelling(part, bound.arguments) is not None:
            return _call_trace(part, traces, bound.arguments)
        return _run(part, resources, bound.arguments)

    for computation in part.computations.values():
        resources.bind(computation.program).prepare(computation.region)
    function = _make_function(call, part.plan.attribute, signature)
    for arguments in part.computations:
        traces[arguments] = _trace(function, signature, part, arguments)
    spelled = [
        (arguments, _trace(function, signature, part, arguments, spelling))
        for spelling in part.plan.spellings
        for arguments in part.computations
    ]
    return TracedCallable(function, traces, spelled)


def build_training_endpoint(
    name: str, part: CompiledCallable, traced: TracedCallable, *, live: bool
) -> Any:
    """Returns the `tf.function` that makes the training calls of a callable, and no others.

    Args:
      name: Its name.
      part: The callable.
      traced: Its traces.
      live: Whether to trace it. A SavedModel lets it have the traces of the callable.
    """
    parameters = python_signature(part).parameters.values()
    signature = inspect.Signature(
        [p.replace(default=True) if p.name == "training" else p for p in parameters]
    )

    def call(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if not bound.arguments["training"]:
            raise ValueError(f"{name} always trains: call the module itself with training=False")
        return _call_trace(part, traced.traces, bound.arguments)

    function = _make_function(call, name, signature)
    for arguments in filter(lambda each: live and each.training, part.computations):
        for spelling in (None, *part.plan.spellings):
            _trace(function, signature, part, arguments, spelling)
    return function


def _make_function(call: Any, name: str, signature: inspect.Signature) -> Any:
    call.__signature__ = signature
    call.__name__ = call.__qualname__ = name
    return tf.function(call, autograph=False)


def _trace(
    function: Any,
    signature: inspect.Signature,
    part: CompiledCallable,
    arguments: Arguments,
    spelling: Spelling | None = None,
) -> Any:
    """Traces a function for calls with these arguments, in TF1's spelling or another."""
    known = {**part.inputs(training=False), **part.inputs(training=arguments.training)}
    specs = {name: value_spec(info) for name, info in known.items()}
    given = keyword_arguments(part, arguments, specs)
    if spelling is not None:
        given["inputs"] = spelling.write(given["inputs"])
    args, kwargs = _name_specs(signature, given)
    return function.get_concrete_function(*args, **kwargs)


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


def _find_spelling(part: CompiledCallable, values: Mapping[str, Any]) -> Spelling | None:
    """Returns the spelling that a call uses; None for TF1's."""
    return next((s for s in part.plan.spellings if s.fits(values["inputs"])), None)


def _find_arguments(part: CompiledCallable, values: Mapping[str, Any]) -> Arguments:
    """Returns the combination of arguments of a call that chooses the graph."""
    flags = _flags(part)
    return Arguments(
        training="training" in flags and bool(values["training"]),
        endpoints="return_endpoints" in flags and bool(values["return_endpoints"]),
        given=frozenset(
            hparam.keyword
            for hparam in part.plan.hparams
            if needs_trace_per_call(hparam) and values[hparam.keyword] is not None
        ),
    )


def _name_inputs(part: CompiledCallable, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the inputs of a call by their TF1 names, hparams among them."""
    named = {hparam.input: values[hparam.keyword] for hparam in part.plan.hparams}
    spelling = _find_spelling(part, values)
    if spelling is not None:
        named.update(spelling.read(values["inputs"]))
    elif len(part.plan.inputs) == 1:
        named[part.plan.inputs[0]] = values["inputs"]
    elif part.plan.inputs:
        named.update(values["inputs"])
    return named


def _call_trace(
    part: CompiledCallable, traces: Mapping[Arguments, Any], values: Mapping[str, Any]
) -> Any:
    """Calls the trace that the arguments choose; returns its outputs in the call's spelling."""
    arguments = _find_arguments(part, values)
    known = {**part.inputs(training=False), **part.inputs(training=arguments.training)}
    fed = {
        name: value if value is None else as_tensors(value, known[name])
        for name, value in _name_inputs(part, values).items()
    }
    outputs = traces[arguments](**keyword_arguments(part, arguments, fed))
    spelling = _find_spelling(part, values)
    return outputs if spelling is None else spelling.write_outputs(outputs)


def _run(part: CompiledCallable, resources: Resources, values: Mapping[str, Any]) -> Any:
    """Emits the graph that the arguments choose, and returns its outputs."""
    arguments = _find_arguments(part, values)
    computation = part.computations[arguments]
    fed = _name_inputs(part, values)
    args = [
        tensor for name, info in computation.inputs.items() for tensor in decompose(fed[name], info)
    ]
    results = emit(computation.region, args, resources.bind(computation.program))
    outputs = compose_parts(results, computation.outputs)
    default_only = "default" in outputs and not arguments.endpoints
    return outputs["default"] if default_only else outputs
