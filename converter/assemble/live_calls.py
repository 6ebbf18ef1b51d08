"""The calls of live modules: how they are written, and what a wrong one is told."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converter import errors
from converter.assemble.callables import python_signature
from converter.compile.computations import CompiledCallable
from converter.compile.conventions import Spelling
from converter.display.tables import format_shape, format_type
from converter.ir.graph import Kind, TensorInfo
from converter.ir.text import dtype_name

_TYPES = {Kind.DENSE: tf.Tensor, Kind.SPARSE: tf.SparseTensor, Kind.RAGGED: tf.RaggedTensor}


@dataclasses.dataclass(frozen=True, slots=True)
class LiveCall:
    """A call of a live module, or of one of its callables.

    Attributes:
      callee: What is called, as a user writes it: `module.tokens`.
      signature: Its Python parameters.
      inputs: The types of the inputs that it needs, by TF1 name.
      outputs: The types of its outputs, by TF1 name.
      spellings: Other ways to give the inputs.
    """

    callee: str
    signature: inspect.Signature
    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    spellings: Sequence[Spelling] = ()

    def __str__(self) -> str:
        return f"{self.format_call()} -> {self._format_outputs()}"

    def format_call(self) -> str:
        """Formats it with the type of each input: `module(float32 [?, 3], training=False)`."""
        inputs = _format_types(self.inputs)
        given = [_format_dict(inputs) if len(inputs) > 1 else "".join(inputs.values())]
        keywords = [
            f"{p.name}={_format_default(p.default)}"
            for p in self.signature.parameters.values()
            if p.default is not p.empty
        ]
        return f"{self.callee}({', '.join([*filter(None, given), *keywords])})"

    def _format_outputs(self) -> str:
        types = _format_types(self.outputs)
        return types["default"] if "default" in types else _format_dict(types)

    def check(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Checks the names, kinds and dtypes of the inputs of a call.

        Raises:
          CallError: if they are not those that it takes.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise errors.CallError(
                f"{self.callee} takes other arguments: {error}", remedy=self._remedy()
            ) from error
        for name, value in self._name(bound).items():
            self._check_type(name, value)

    def _name(self, bound: inspect.BoundArguments) -> Mapping[str, Any]:
        """Returns the inputs of a call by their TF1 names; none if they have another spelling."""
        inputs = bound.arguments.get("inputs")
        if not self.inputs or any(spelling.fits(inputs) for spelling in self.spellings):
            return {}
        if len(self.inputs) == 1:
            return dict.fromkeys(self.inputs, inputs)
        if not isinstance(inputs, Mapping):
            kind = type(inputs).__name__
            raise errors.CallError(
                f"{self.callee} takes a dict of inputs, and was given a {kind}",
                remedy=self._remedy(),
            )
        missing = [name for name in self.inputs if name not in inputs]
        if missing:
            raise errors.CallError(
                f"{self.callee} was called without input {missing[0]!r}", remedy=self._remedy()
            )
        unknown = [name for name in inputs if name not in self.inputs]
        if unknown:
            raise errors.CallError(
                f"{self.callee} has no input {unknown[0]!r}", remedy=self._remedy()
            )
        return inputs

    def _check_type(self, name: str, value: Any) -> None:
        info = self.inputs[name]
        if not _is_of_kind(value, info.kind):
            kind, wanted = type(value).__name__, info.kind.value
            raise errors.CallError(
                f"input {name!r} of {self.callee} is a {kind}, expected a {wanted} tensor",
                remedy=self._remedy(),
            )
        found, wanted = _find_type(value), dtype_name(info.dtype)
        if found is not None and found != wanted:
            cast = f"Convert it: tf.cast(…, tf.{wanted})."
            raise errors.CallError(
                f"input {name!r} of {self.callee} has dtype {found}, expected {wanted}",
                remedy=self._remedy() if "string" in (found, wanted) else cast,
            )

    def explain(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> errors.CallError | None:
        """Returns the error of a call that failed if an input has a shape that does not fit."""
        for name, value in self._name(self.signature.bind(*args, **kwargs)).items():
            shape, info = _find_shape(value), self.inputs[name]
            if shape is not None and not shape.is_compatible_with(info.shape):
                found, wanted = format_shape(shape.as_list()), format_shape(info.shape)
                return errors.CallError(
                    f"input {name!r} of {self.callee} has shape {found}, expected {wanted}",
                    remedy=self._remedy(),
                )
        return None

    def _remedy(self) -> str:
        return f"Call it as {self.format_call()}."


def describe_call(name: str, part: CompiledCallable) -> LiveCall:
    """Describes a call of a callable.

    Args:
      name: What is called, as a user writes it.
      part: The callable.
    """
    known = part.inputs(training=False)
    return LiveCall(
        name,
        python_signature(part),
        {key: known[key] for key in part.plan.inputs},
        part.signature.outputs,
        part.plan.spellings,
    )


def _format_types(values: Mapping[str, TensorInfo]) -> dict[str, str]:
    return {
        name: format_type(info.kind.value, dtype_name(info.dtype), info.shape)
        for name, info in values.items()
    }


def _format_dict(types: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name!r}: {text}" for name, text in types.items()) + "}"


def _format_default(value: Any) -> str:
    if isinstance(value, float):  # 0.9 for the float32 nearest to it.
        return f"{value:.7g}"
    return "…" if value is None else repr(value)


def _is_of_kind(value: Any, kind: Kind) -> bool:
    """Whether a value may be of a kind; of what is no tensor, only dicts are known not to be."""
    is_other = any(isinstance(value, type_) for other, type_ in _TYPES.items() if other is not kind)
    return not is_other and not isinstance(value, Mapping)


def _find_type(value: Any) -> str | None:
    """The dtype of a tensor or an array; None of what is converted."""
    if isinstance(value, np.generic):
        return None
    try:
        return str(tf.as_dtype(value.dtype).base_dtype.name)
    except (AttributeError, TypeError):
        return None


def _find_shape(value: Any) -> tf.TensorShape | None:
    try:
        return tf.TensorShape(value.shape if hasattr(value, "shape") else tf.constant(value).shape)
    except (TypeError, ValueError):
        return None
