"""Builds serving signatures: every TF1 signature under its own name, with its own tensor names."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter import errors
from converter.assemble.callables import keyword_arguments
from converter.assemble.emit import emit
from converter.assemble.resources import Resources
from converter.assemble.values import component_specs, compose_parts, decompose
from converter.compile.compiled_module import CompiledModule
from converter.compile.computations import Arguments, CompiledCallable
from converter.compile.serving import ServedSignature
from converter.compile.signature_names import InputName, part_keys, served_inputs, serving_names

SERVING_DEFAULT = "serving_default"

Run = Callable[[Mapping[str, Any]], Mapping[str, Any]]  # Inputs to outputs, each by name.


@dataclasses.dataclass(frozen=True, slots=True)
class ServingSignatures:
    """The functions for `tf.saved_model.save`, and the input names that it would not accept.

    Attributes:
      functions: A concrete function for each signature.
      input_names: For each signature, the names of its inputs in the function and in the saved
        file, where they are corrected.
    """

    functions: Mapping[str, Any]
    input_names: Mapping[str, Sequence[InputName]]


def build_signatures(
    compiled: CompiledModule, functions: Mapping[str, Any], resources: Resources
) -> ServingSignatures:
    """Builds the signatures of the inference variant, and `serving_default` for the root.

    A module without an inference variant gets the signatures of all its callables.

    Args:
      compiled: The module.
      functions: The traced function of each callable, by attribute.
      resources: The module's state.
    """
    plan = compiled.plan
    signatures: dict[str, Any] = {}
    input_names: dict[str, Sequence[InputName]] = {}
    for signature, served in compiled.serving.items():
        part = compiled.callables[served.attribute]
        run = _make_run(served, part, functions[served.attribute], resources)
        signatures[signature], input_names[signature] = _build(part, run)
    if plan.root is not None and SERVING_DEFAULT not in signatures:
        root = serving_names(plan)[plan.root]
        signatures[SERVING_DEFAULT] = signatures[root]
        input_names[SERVING_DEFAULT] = input_names[root]
    return ServingSignatures(signatures, input_names)


def _make_run(
    served: ServedSignature, part: CompiledCallable, function: Any, resources: Resources
) -> Run:
    """Returns the function that a signature runs: a call of the callable, if one does the same.

    Such a call is already traced, and costs nothing: TensorFlow wraps signatures in functions
    anyway, and inlines what they call.
    """
    if served.call is not None:
        return functools.partial(_call, part, function, served.call)
    computation, signature = served.computation, part.signature
    bindings = resources.bind(computation.program)
    bindings.prepare(computation.region)

    def run(values: Mapping[str, Any]) -> Mapping[str, Any]:
        args = [
            tensor
            for name, info in signature.inputs.items()
            for tensor in decompose(values[name], info)
        ]
        return compose_parts(emit(computation.region, args, bindings), signature.outputs)

    return run


def _call(
    part: CompiledCallable, function: Any, arguments: Arguments, values: Mapping[str, Any]
) -> Mapping[str, Any]:
    traces = function.experimental_get_tracing_count()
    outputs = function(**keyword_arguments(part, arguments, values))
    if function.experimental_get_tracing_count() != traces:
        raise errors.InternalError(f"signature {part.plan.signature!r} was traced again")
    return outputs if isinstance(outputs, Mapping) else {"default": outputs}


def _build(part: CompiledCallable, run: Run) -> tuple[Any, tuple[InputName, ...]]:
    signature = part.signature
    names = served_inputs(signature)
    parts = [spec for info in signature.inputs.values() for spec in component_specs(info)]
    specs = {
        name.traced: tf.TensorSpec(spec.shape, spec.dtype, name=name.traced)
        for name, spec in zip(names, parts, strict=True)
    }
    keys = part_keys(signature.outputs)

    def serve(**kwargs: tf.Tensor) -> dict[str, tf.Tensor]:
        values = compose_parts([kwargs[name] for name in specs], signature.inputs)
        outputs = run(values)
        return {
            key: tensor
            for name, info in signature.outputs.items()
            for key, tensor in zip(keys[name], decompose(outputs[name], info), strict=True)
        }

    serve.__name__ = part.plan.attribute
    return tf.function(serve, autograph=False).get_concrete_function(**specs), names
