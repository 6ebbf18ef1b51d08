"""The signature to export, with the names, sizes and dtypes that the exporters see."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter import errors
from converter.assemble.signatures import SERVING_DEFAULT
from converter.export.record import CallableInfo, Record
from converter.exporters.names import choose_names

Shapes = Mapping[str, Sequence[int | None]]


@dataclasses.dataclass(frozen=True, slots=True)
class ExportedSignature:
    """A signature under names that every exporter takes.

    Attributes:
      name: Its name in the SavedModel.
      module: The loaded SavedModel, which owns the variables.
      part: What the record says of it; None if it says nothing.
      inputs: The specs of its input tensors, by TF1 name; a sparse or ragged input is several.
      input_names: Their exported names, by TF1 name.
      output_names: The exported names of the outputs, by TF1 name.
      concrete: The function to export: takes the inputs in their order, returns the outputs by
        their exported names.
      function: The `tf.function` around it.
    """

    name: str
    module: Any
    part: CallableInfo | None
    inputs: Mapping[str, tf.TensorSpec]
    input_names: Mapping[str, str]
    output_names: Mapping[str, str]
    concrete: Any
    function: Any


def read_signature(
    module: Any, record: Record, name: str | None, shapes: Shapes
) -> ExportedSignature:
    """Wraps a signature of a converted module.

    Args:
      module: The loaded SavedModel.
      record: Its record.
      name: The signature; None for the default one.
      shapes: The sizes to fix, by TF1 name of an input tensor; None leaves one open.

    Raises:
      UsageError: if there is no such signature or input, or a shape does not fit.
    """
    chosen = _choose(module.signatures, name)
    served = module.signatures[chosen]
    part = _find_callable(record, chosen)
    keywords = {} if part is None else part.serving_keywords
    tf1_names = {keyword: tf1_name for tf1_name, keyword in keywords.items()}
    taken = served.structured_input_signature[1]
    inputs = _fix_shapes({tf1_names.get(k, k): spec for k, spec in taken.items()}, shapes)
    input_names, output_names = choose_names(inputs, served.structured_outputs)
    function = _wrap(served, [keywords.get(n, n) for n in inputs], output_names)
    specs = [
        tf.TensorSpec(spec.shape, spec.dtype, name=input_names[n]) for n, spec in inputs.items()
    ]
    wrapped = tf.function(function, autograph=False, input_signature=specs)
    return ExportedSignature(
        name=chosen,
        module=module,
        part=part,
        inputs=inputs,
        input_names=input_names,
        output_names=output_names,
        concrete=wrapped.get_concrete_function(),
        function=wrapped,
    )


def _choose(signatures: Mapping[str, Any], name: str | None) -> str:
    if name in signatures:
        return str(name)
    if name is None and SERVING_DEFAULT in signatures:
        return SERVING_DEFAULT
    if name is None and len(signatures) == 1:
        return next(iter(signatures))
    known = ", ".join(map(repr, signatures)) or "none"
    if name is None:
        raise errors.UsageError(
            "the model has no default signature to export",
            remedy=f"Choose one with --signature (in Python: signature=): {known}.",
        )
    raise errors.UsageError(
        f"the model has no signature {name!r}", remedy=f"Its signatures are {known}."
    )


def _find_callable(record: Record, signature: str) -> CallableInfo | None:
    for part in record.callables.values():
        if part.served_as == signature:
            return part
    is_default = signature == SERVING_DEFAULT and record.root is not None
    return record.callables[str(record.root)] if is_default else None


def _fix_shapes(specs: Mapping[str, tf.TensorSpec], shapes: Shapes) -> dict[str, tf.TensorSpec]:
    unknown = [name for name in shapes if name not in specs]
    if unknown:
        raise errors.UsageError(
            f"the signature has no input {unknown[0]!r} to give a shape",
            remedy=f"Its inputs are {', '.join(map(repr, specs)) or 'none'}.",
        )
    return {name: _fix_shape(name, spec, shapes.get(name)) for name, spec in specs.items()}


def _fix_shape(name: str, spec: tf.TensorSpec, sizes: Sequence[int | None] | None) -> tf.TensorSpec:
    if sizes is None:
        return spec
    shape = tf.TensorShape(sizes)
    if not spec.shape.is_compatible_with(shape):
        raise errors.UsageError(
            f"input {name!r} has the shape {spec.shape}, which {shape} does not fit",
            remedy="Give all sizes, with ? for those to leave open: --shape NAME=1,?,3.",
        )
    return tf.TensorSpec(spec.shape.merge_with(shape), spec.dtype)


def _wrap(served: Any, keywords: Sequence[str], outputs: Mapping[str, str]) -> Any:
    """Returns a function of the signature that names its outputs anew.

    Each output is a tensor of its own: one that is also an input has one name to the exporters.
    """

    def export(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        found = served(**dict(zip(keywords, tensors, strict=True)))
        return {safe: tf.identity(found[name], name=safe) for name, safe in outputs.items()}

    return export
