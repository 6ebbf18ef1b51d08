"""Serving signatures: every TF1 signature under its own name, with its own tensor names."""

from __future__ import annotations

import dataclasses
import functools
import keyword
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from converter import errors
from converter.assemble.callables import keyword_arguments
from converter.assemble.computations import Arguments, CallableGraphs, prepare_computation
from converter.assemble.emit import emit
from converter.assemble.module_graphs import ModuleGraphs
from converter.assemble.resources import Resources
from converter.assemble.values import component_names, component_specs, compose_parts, decompose
from converter.ir import query
from converter.ir.graph import Kind

SERVING_DEFAULT = "serving_default"

Run = Callable[[Mapping[str, Any]], Mapping[str, Any]]  # Inputs to outputs, each by name.


@dataclasses.dataclass(frozen=True, slots=True)
class ServingSignatures:
    """What `tf.saved_model.save` takes, and the input names that it cannot take.

    Attributes:
      functions: A concrete function for each signature.
      input_names: For each signature, its input names by the safe names that the functions use.
        TensorFlow mangles names that are no identifiers; they are put right in the saved file.
    """

    functions: Mapping[str, Any]
    input_names: Mapping[str, Mapping[str, str]]


def _is_parameter(name: str) -> bool:
    """Whether TensorFlow takes `name` for a function's keyword as it is."""
    return name.isidentifier() and not keyword.iskeyword(name) and name != "self"


def build_signatures(
    graphs: ModuleGraphs, functions: Mapping[str, Any], resources: Resources
) -> ServingSignatures:
    """Builds the signatures of the inference variant, and `serving_default` for the root.

    A module without an inference variant has those of all its callables.

    Args:
      graphs: What the module is made of.
      functions: The traced function of each callable, by attribute.
      resources: The module's state.
    """
    plan = graphs.plan
    served = {
        part.plan.signature if plan.variants.inference is not None else name: name
        for name, part in graphs.callables.items()
        if plan.variants.inference in (None, part.plan.tags) and not part.plan.always_trains
    }
    signatures: dict[str, Any] = {}
    input_names: dict[str, Mapping[str, str]] = {}
    for signature, name in served.items():
        part = graphs.callables[name]
        run = _find_call(part, functions[name]) or _make_run(part, resources)
        signatures[signature], input_names[signature] = _build(part, run)
    if plan.root is not None and SERVING_DEFAULT not in signatures:
        root = next(signature for signature, name in served.items() if name == plan.root)
        signatures[SERVING_DEFAULT] = signatures[root]
        input_names[SERVING_DEFAULT] = input_names[root]
    return ServingSignatures(signatures, input_names)


def _find_call(graphs: CallableGraphs, function: Any) -> Run | None:
    """The call of the callable that does what the signature does, if there is one.

    It is traced already. TensorFlow wraps signatures in functions anyway, and runs what they call
    as if it stood there.
    """
    signature = graphs.signature
    if any(info.kind is not Kind.DENSE for info in signature.inputs.values()):
        return None  # A composite made of its parts has lost its static shape.
    keywords = frozenset(h.keyword for h in graphs.plan.hparams if h.input in signature.inputs)
    for arguments in graphs.combinations():
        computation = graphs.get(arguments)
        if (
            not arguments.training
            and arguments.given <= keywords
            and computation.inputs == signature.inputs
            and computation.outputs == signature.outputs
        ):
            return functools.partial(_call, graphs, function, arguments)
    return None


def _call(
    graphs: CallableGraphs, function: Any, arguments: Arguments, values: Mapping[str, Any]
) -> Mapping[str, Any]:
    traces = function.experimental_get_tracing_count()
    outputs = function(**keyword_arguments(graphs, arguments, values))
    if function.experimental_get_tracing_count() != traces:
        raise errors.InternalError(f"signature {graphs.plan.signature!r} was traced anew")
    return outputs if isinstance(outputs, Mapping) else {"default": outputs}


def _make_run(graphs: CallableGraphs, resources: Resources) -> Run:
    """Emits the signature as no call of the callable has it."""
    signature, program = graphs.signature, graphs.program(training=False)
    computation = prepare_computation(program, signature.inputs, signature.outputs, updates=False)
    bindings = resources.bind(program)
    bindings.prepare(computation.region)

    def run(values: Mapping[str, Any]) -> Mapping[str, Any]:
        args = [
            tensor
            for name, info in signature.inputs.items()
            for tensor in decompose(values[name], info)
        ]
        return compose_parts(emit(computation.region, args, bindings), signature.outputs)

    return run


def _build(graphs: CallableGraphs, run: Run) -> tuple[Any, Mapping[str, str]]:
    signature = graphs.signature
    specs: dict[str, tf.TensorSpec] = {}
    names: dict[str, str] = {}
    for name, info in signature.inputs.items():
        for part, spec in zip(component_names(name, info), component_specs(info), strict=True):
            safe = part if _is_parameter(part) else f"input_{len(names)}"
            safe = query.unique_name(safe, names)
            names[safe] = part
            specs[safe] = tf.TensorSpec(spec.shape, spec.dtype, name=safe)

    def serve(**kwargs: tf.Tensor) -> dict[str, tf.Tensor]:
        values = compose_parts([kwargs[name] for name in specs], signature.inputs)
        outputs = run(values)
        return {
            part: tensor
            for name, info in signature.outputs.items()
            for part, tensor in zip(
                component_names(name, info), decompose(outputs[name], info), strict=True
            )
        }

    serve.__name__ = graphs.plan.attribute
    return tf.function(serve, autograph=False).get_concrete_function(**specs), names
