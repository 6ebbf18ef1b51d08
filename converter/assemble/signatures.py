"""Serves every TF1 signature under its own name, with its own tensor names.

Nothing is traced for this: a signature is a call of its callable's trace.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from converter.assemble.callables import TracedCallable
from converter.compile.compiled_module import CompiledModule
from converter.compile.computations import Arguments, CompiledCallable
from converter.compile.plan import needs_trace_per_call
from converter.compile.signature_names import InputName, part_keys, served_inputs, serving_names

SERVING_DEFAULT = "serving_default"


@dataclasses.dataclass(frozen=True, slots=True)
class ServedFunction:
    """A concrete function as a serving signature.

    Attributes:
      function: The concrete function.
      arguments: For each tensor that it takes, captures aside, the names of the input that feeds
        it, or its value.
      results: For each output, by its key in the SignatureDef, the index of the function's result.
    """

    function: Any
    arguments: tuple[InputName | np.ndarray, ...]
    results: Mapping[str, int]


def serve_functions(
    compiled: CompiledModule, traced: Mapping[str, TracedCallable]
) -> dict[str, ServedFunction]:
    """Serves the signatures of the inference variant, and the root's as `serving_default`.

    A module without an inference variant serves the signatures of all its callables.

    Args:
      compiled: The module.
      traced: Its traced callables, by attribute.
    """
    signatures = {}
    for name, served in compiled.serving.items():
        part, trace = compiled.callables[served.attribute], traced[served.attribute]
        signatures[name] = ServedFunction(
            trace.traces[served.arguments],
            tuple(_arguments(part)),
            _results(part, served.arguments),
        )
    if compiled.plan.root is not None:
        root = signatures[serving_names(compiled.plan)[compiled.plan.root]]
        signatures.setdefault(SERVING_DEFAULT, root)
    return signatures


def _arguments(part: CompiledCallable) -> Iterator[InputName | np.ndarray]:
    """Yields what feeds each tensor of a trace: of inputs sorted by name, then of hparams."""
    inputs = part.signature.inputs
    names = iter(served_inputs(part.signature))
    fed = {name: [next(names) for _ in info.components] for name, info in inputs.items()}
    for name in sorted(part.plan.inputs):
        yield from fed[name]
    for hparam in part.plan.hparams:
        if hparam.input in fed:
            yield from fed[hparam.input]
        elif not needs_trace_per_call(hparam):
            dtype = tf.as_dtype(part.inputs(training=False)[hparam.input].dtype)
            yield np.array(hparam.default, dtype.as_numpy_dtype)


def _results(part: CompiledCallable, arguments: Arguments) -> dict[str, int]:
    """Returns the place of each tensor among the results of a trace, which are sorted by name."""
    outputs = part.computations[arguments].outputs
    keys = part_keys(part.signature.outputs)
    flat = [key for name in sorted(outputs) for key in keys[name]]
    return {key: index for index, key in enumerate(flat)}
