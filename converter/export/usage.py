"""Lines of Python that use a converted module, with its own names and shapes.

A size that the module leaves open is 2 for the first dimension and 8 for others; integers, which
are lengths and identifiers, are ones, other numbers zeros, and strings "a text". Serialized
tf.Examples have the features that they must have. So the lines run as they stand unless an input
has a format, or sizes, of which the module says nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from converter.export.record import (
    CallableInfo,
    FeatureInfo,
    Record,
    Shape,
    ValueInfo,
    VariableInfo,
)
from converter.printable import printable

_FIRST_SIZE, _OTHER_SIZE = 2, 8
_TEXT = "a text"
# The fields of a feature, and values for them, by dtype.
_FEATURES = {
    "float32": ("float_list", "0.0"),
    "int64": ("int64_list", "1"),
    "string": ("bytes_list", repr(_TEXT.encode())),
}
_INTEGER = re.compile("u?int")


class Offer(Protocol):
    """A converted module, or one that would be: a `Record`, or a `ModuleSummary`."""

    @property
    def callables(self) -> Mapping[str, CallableInfo]:
        """Its callables, by attribute."""

    @property
    def root(self) -> str | None:
        """The callable that the module itself is."""

    @property
    def variables(self) -> Sequence[VariableInfo]:
        """Its variables."""


def load_lines(path: str | os.PathLike[str]) -> list[str]:
    """The lines that load a SavedModel as `module`."""
    return ["import tensorflow as tf", "", f"module = tf.saved_model.load({os.fspath(path)!r})"]


def find_callable(record: Offer) -> str | None:
    """The attribute of the callable that an example calls: the root, else the first; if any."""
    return record.root if record.root is not None else next(iter(record.callables), None)


def format_example(record: Offer, path: str) -> str:
    """The lines that load a module and call it, indented; empty if it has nothing to call.

    Args:
      record: The module's record or summary.
      path: The path of the SavedModel.
    """
    name = find_callable(record)
    if name is None:
        return ""
    lines = [*load_lines(path), *call_lines(record, name)]
    return "\n".join(f"    {printable(line)}".rstrip() for line in lines)


def call_lines(record: Offer, attribute: str, *arguments: str) -> list[str]:
    """The lines that call a callable.

    Args:
      record: The module's record or summary.
      attribute: The callable's attribute; the module itself is called if it is its root.
      *arguments: Further arguments, as Python has them.
    """
    function = "module" if attribute == record.root else f"module.{attribute}"
    return call_with(function, record.callables[attribute].inputs, *arguments)


def call_with(function: str, inputs: Mapping[str, ValueInfo], *arguments: str) -> list[str]:
    """The lines that call a function with examples of its inputs, by name."""
    made: list[str] = []
    values: dict[str, str] = {}
    for name, value in inputs.items():
        variable = "example" if len(inputs) < 2 else f"example_{len(values)}"
        made += _example_lines(variable, value.features or {})
        values[name] = example_value(value, variable)
    if len(inputs) < 2:
        return [*made, f"outputs = {function}({', '.join([*values.values(), *arguments])})"]
    end = ", ".join(["}", *arguments])
    named = [f"    {name!r}: {value}," for name, value in values.items()]
    return [*made, f"outputs = {function}({{", *named, f"{end})"]


def _example_lines(variable: str, features: Mapping[str, FeatureInfo]) -> list[str]:
    """The lines that make a tf.Example; none if it needs no features."""
    lines = [f"{variable} = tf.train.Example()"] if features else []
    for name, feature in features.items():
        field, element = _FEATURES.get(feature.dtype, _FEATURES["float32"])
        values = f"[{element}]" + (f" * {feature.count}" if feature.count != 1 else "")
        lines.append(f"{variable}.features.feature[{name!r}].{field}.value.extend({values})")
    return lines


def returns_tensor(part: CallableInfo) -> bool:
    """Whether a plain call returns the output `default` alone, and not the dict of all outputs."""
    return "default" in part.outputs


def training_lines(record: Record, attribute: str) -> list[str]:
    """The lines of a step of gradient descent, with a loss that stands for the user's."""
    part = record.callables[attribute]
    owner = "module" if attribute == record.root else f"module.{attribute}"
    call = call_lines(record, attribute, *(["training=True"] if part.training_tags else []))
    output = "outputs" if returns_tensor(part) else f"outputs[{_float_output(part)!r}]"
    losses = [f"    loss += tf.add_n([f() for f in {owner}.regularization_losses])"]
    return [
        f"variables = {owner}.trainable_variables",
        "with tf.GradientTape() as tape:",
        *(f"    {line}" for line in call),
        f"    loss = tf.reduce_mean(tf.square({output}))  # yours goes here",
        *(losses if part.regularization_losses else []),
        "for variable, gradient in zip(variables, tape.gradient(loss, variables)):",
        "    if gradient is not None:",
        "        variable.assign_sub(0.01 * tf.convert_to_tensor(gradient))",
    ]


def can_train(record: Record, attribute: str) -> bool:
    """Whether a callable has variables to train, and an output to compute a loss from."""
    part = record.callables[attribute]
    trainable = {variable.name for variable in record.variables if variable.trainable}
    output = part.outputs["default"] if returns_tensor(part) else None
    has_loss = _is_float(output) if output else _float_output(part) is not None
    return has_loss and not trainable.isdisjoint(part.variables)


def _float_output(part: CallableInfo) -> str | None:
    return next((name for name, value in part.outputs.items() if _is_float(value)), None)


def _is_float(value: ValueInfo) -> bool:
    return value.kind == "dense" and value.dtype in ("float16", "bfloat16", "float32", "float64")


def example_value(value: ValueInfo, example: str = "example") -> str:
    """An expression that makes an input of a type: `tf.zeros([2, 224, 224, 3])`.

    Args:
      value: The type.
      example: The variable that holds a tf.Example, if the input is serialized ones with features.
    """
    if value.kind == "dense" and value.features is not None:
        made = example if value.features else "tf.train.Example()"
        sizes = list(_sizes((None,) if value.shape is None else value.shape))
        return f"tf.fill({sizes}, {made}.SerializeToString())"
    if value.kind == "sparse":
        return f"tf.sparse.from_dense({_dense(value.dtype, value.shape or (None, None))})"
    if value.kind == "ragged":
        return f"tf.RaggedTensor.from_tensor({_dense(value.dtype, value.shape or (None, None))})"
    return _dense(value.dtype, value.shape)


def _dense(dtype: str, shape: Shape) -> str:
    sizes = list(_sizes((None,) if shape is None else shape))
    if dtype == "string":
        return f"tf.fill({sizes}, {_TEXT!r})"
    if dtype == "bool":
        return f"tf.fill({sizes}, False)"
    function = "ones" if _INTEGER.match(dtype) else "zeros"
    return f"tf.{function}({sizes}{'' if dtype == 'float32' else f', tf.{dtype}'})"


def _sizes(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    unknown = [_FIRST_SIZE, *[_OTHER_SIZE] * len(shape)]
    return tuple(u if size is None else size for size, u in zip(shape, unknown, strict=False))


def keras_2_lines(record: Record, path: str | os.PathLike[str]) -> list[str] | None:
    """The lines that make a tf_keras model with the module as a layer; None if it is no such layer.

    Its root has to take dense inputs with a batch of any size.
    """
    trains = record.root is not None and can_train(record, record.root)
    layer = f"hub.KerasLayer({os.fspath(path)!r}, trainable={trains})"
    imports = ["import tensorflow_hub as hub", "import tf_keras"]
    return _keras_lines(record, "tf_keras", layer, imports)


def keras_3_lines(record: Record, path: str | os.PathLike[str]) -> list[str] | None:
    """The same for Keras 3, with a `ModuleLayer`."""
    layer = f"ModuleLayer({os.fspath(path)!r})"
    imports = ["import keras", "from converter.keras import ModuleLayer"]
    return _keras_lines(record, "keras", layer, imports)


def _keras_lines(record: Record, package: str, layer: str, imports: list[str]) -> list[str] | None:
    part = record.callables.get(record.root or "")
    if part is None or not part.inputs or not all(map(_is_batch, part.inputs.values())):
        return None
    made = {
        name: f"{package}.Input({list((value.shape or ())[1:])}, dtype={value.dtype!r}"
        # Keras wants the inputs of a dict to have its names; it takes not every string for one.
        + (f", name={name!r})" if len(part.inputs) > 1 and name.isidentifier() else ")")
        for name, value in part.inputs.items()
    }
    if len(made) == 1:
        inputs = [f"inputs = {next(iter(made.values()))}"]
    else:
        inputs = ["inputs = {", *(f"    {name!r}: {value}," for name, value in made.items()), "}"]
    model = f"model = {package}.Model(inputs, layer(inputs))"
    return [*imports, "", f"layer = {layer}", *inputs, model]


def _is_batch(value: ValueInfo) -> bool:
    return value.kind == "dense" and value.shape is not None and value.shape[:1] == (None,)
