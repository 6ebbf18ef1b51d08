"""The arguments of a layer: what they ask of the module, checked against its interface."""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from converter import errors
from converter.display.tables import format_type
from converter.export.record import CallableInfo, ValueInfo

_DEFAULT = "default"


@dataclasses.dataclass(frozen=True, slots=True)
class Arguments:
    """How a layer calls its function.

    Attributes:
      signature: The signature that the user named.
      output_key: The output that the layer returns; None for all that the function returns.
      return_endpoints: Whether the function returns all outputs, not just `default`.
      hparams: The hyperparameters that the user set, as JSON values by keyword.
    """

    signature: str | None
    output_key: str | None
    return_endpoints: bool
    hparams: Mapping[str, Any]

    def outputs(self, function: CallableInfo) -> Mapping[str, ValueInfo] | ValueInfo:
        """Returns the types of what the layer returns: a dict by name, or a single one."""
        if _DEFAULT in function.outputs and not self.return_endpoints:
            return function.outputs[_DEFAULT]
        return function.outputs if self.output_key is None else function.outputs[self.output_key]

    def select(self, outputs: Any) -> Any:
        """Returns what the layer returns of the function's outputs."""
        is_chosen = isinstance(outputs, dict) and self.output_key is not None
        return outputs[self.output_key] if is_chosen else outputs

    def keywords(self, function: CallableInfo, *, training: bool) -> dict[str, Any]:
        """Returns the keyword arguments of a call."""
        keywords: dict[str, Any] = {
            name: tf.constant(value, tf.as_dtype(function.hparams[name].dtype))
            for name, value in self.hparams.items()
        }
        if function.training_tags is not None:
            keywords["training"] = training
        if function.return_endpoints:
            keywords["return_endpoints"] = self.return_endpoints
        return keywords


def check_arguments(
    function: CallableInfo,
    signature: str | None,
    output_key: str | None,
    hparams: Mapping[str, Any],
    *,
    return_endpoints: bool,
) -> Arguments:
    """Checks the arguments of a layer. An `output_key` of an endpoint asks for the endpoints.

    Raises:
      UsageError: if the function has no such output or hyperparameter, or that takes other values.
    """
    if return_endpoints and not function.return_endpoints:
        raise errors.UsageError(
            f"signature {function.signature!r} has no endpoints to return",
            remedy=f"It returns {_list(function.outputs)} in any case.",
        )
    if output_key is not None and output_key not in function.outputs:
        raise errors.UsageError(
            f"signature {function.signature!r} has no output {output_key!r}",
            remedy=f"It has {_list(function.outputs)}.",
        )
    unknown = [name for name in hparams if name not in function.hparams]
    if unknown:
        raise errors.UsageError(
            f"signature {function.signature!r} has no hyperparameter {unknown[0]!r}",
            remedy=f"It has {_list(function.hparams)}.",
        )
    is_endpoint = output_key not in (None, _DEFAULT) and function.return_endpoints
    values = {name: _check_hparam(function, name, value) for name, value in hparams.items()}
    return Arguments(signature, output_key, return_endpoints or is_endpoint, values)


def _check_hparam(function: CallableInfo, name: str, value: Any) -> Any:
    """Returns the value of a hyperparameter as a JSON value."""
    info = function.hparams[name]
    try:
        plain = np.asarray(value).tolist()
        shape = tf.constant(plain, tf.as_dtype(info.dtype)).shape
    except (TypeError, ValueError, tf.errors.OpError):
        shape = None
    if shape is None or not shape.is_compatible_with(info.shape):
        raise errors.UsageError(
            f"hyperparameter {name!r} of signature {function.signature!r} cannot be"
            f" {reprlib.repr(value)}",
            remedy=f"Pass a value of type {format_type(info.kind, info.dtype, info.shape)}, or"
            " leave it out for the default.",
        )
    return plain


def cast_inputs(inputs: Any, function: CallableInfo) -> Any:
    """Returns inputs in the dtypes of the graph, where a cast loses nothing but precision.

    Raises:
      UsageError: as `check_input_names` does.
    """
    check_input_names(inputs, function)
    expected = function.inputs
    if len(expected) == 1:
        return _cast(inputs, next(iter(expected.values())))
    return {name: _cast(inputs[name], info) for name, info in expected.items()}


def check_input_names(inputs: Any, function: CallableInfo) -> None:
    """Checks the names of inputs, tensors or symbolic ones.

    Raises:
      UsageError: if the function has several inputs, and these are not a dict of them; or it has
        one, and this is not a tensor.
    """
    expected, is_dict = function.inputs, isinstance(inputs, Mapping)
    if len(expected) == 1 and not is_dict:
        return
    if len(expected) == 1 or not is_dict or set(inputs) != set(expected):
        wanted = "one input" if len(expected) == 1 else f"a dict of {_list(expected)}"
        found = f"a dict of {_list(inputs)}" if is_dict else type(inputs).__name__
        raise errors.UsageError(
            f"the layer takes {wanted}, and was called with {found}",
            remedy="Pass several inputs under their TF1 names, and one as it is.",
        )


def _cast(value: Any, info: ValueInfo) -> Any:
    dtype = tf.as_dtype(info.dtype)
    if not tf.is_tensor(value):
        value = tf.convert_to_tensor(value)
    both_integers = value.dtype.is_integer and dtype.is_integer
    to_float = dtype.is_floating and (value.dtype.is_floating or value.dtype.is_integer)
    return tf.cast(value, dtype) if both_integers or to_float else value


def _list(names: Any) -> str:
    return ", ".join(repr(name) for name in names) or "none"
