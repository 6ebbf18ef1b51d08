"""Serving signatures: every TF1 signature under its own name, with its own tensor names."""

from __future__ import annotations

import dataclasses
import keyword
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from converter.assemble.computations import prepare_computation
from converter.assemble.emit import emit
from converter.assemble.plan import CallablePlan, ModulePlan
from converter.assemble.resources import Resources
from converter.assemble.values import component_names, component_specs, compose, decompose
from converter.formats.legacy_module import LegacyModule
from converter.ir import query

SERVING_DEFAULT = "serving_default"


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
    legacy: LegacyModule, plan: ModulePlan, resources: Resources
) -> ServingSignatures:
    """Builds the signatures of the inference variant, and `serving_default` for the root.

    A module without an inference variant has those of all its callables.
    """
    served = {
        callable_plan.signature if plan.variants.inference is not None else name: callable_plan
        for name, callable_plan in plan.callables.items()
        if plan.variants.inference in (None, callable_plan.tags)
    }
    functions: dict[str, Any] = {}
    input_names: dict[str, Mapping[str, str]] = {}
    for name, callable_plan in served.items():
        functions[name], input_names[name] = _build(legacy, callable_plan, resources)
    if plan.root is not None and SERVING_DEFAULT not in functions:
        root = plan.callables[plan.root].signature
        functions[SERVING_DEFAULT] = functions[root]
        input_names[SERVING_DEFAULT] = input_names[root]
    return ServingSignatures(functions, input_names)


def _build(
    legacy: LegacyModule, plan: CallablePlan, resources: Resources
) -> tuple[Any, Mapping[str, str]]:
    program = legacy.variants[plan.tags]
    signature = program.signatures[plan.signature]
    computation = prepare_computation(program, signature.inputs, signature.outputs, updates=False)
    bindings = resources.bind(program)
    bindings.prepare(computation.region)
    specs: dict[str, tf.TensorSpec] = {}
    names: dict[str, str] = {}
    for name, info in signature.inputs.items():
        for part, spec in zip(component_names(name, info), component_specs(info), strict=True):
            safe = part if _is_parameter(part) else f"input_{len(names)}"
            safe = query.unique_name(safe, names)
            names[safe] = part
            specs[safe] = tf.TensorSpec(spec.shape, spec.dtype, name=safe)

    def serve(**kwargs: tf.Tensor) -> dict[str, tf.Tensor]:
        results = iter(emit(computation.region, [kwargs[name] for name in specs], bindings))
        outputs: dict[str, tf.Tensor] = {}
        for name, info in signature.outputs.items():
            tensors = [next(results) for _ in info.components]
            parts = decompose(compose(tensors, info), info)
            outputs.update(zip(component_names(name, info), parts, strict=True))
        return outputs

    serve.__name__ = plan.attribute
    return tf.function(serve, autograph=False).get_concrete_function(**specs), names
