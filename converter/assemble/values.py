"""Values of signatures and their components, as specs and as tensors."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter import errors
from converter.ir.graph import Kind, TensorInfo


def value_spec(info: TensorInfo, name: str | None = None) -> Any:
    """Returns the `tf.TypeSpec` of a value."""
    dtype = tf.as_dtype(info.dtype)
    if info.kind is Kind.SPARSE:
        return tf.SparseTensorSpec(info.shape, dtype)
    if info.kind is Kind.RAGGED:
        return tf.RaggedTensorSpec(
            info.shape, dtype, info.ragged_rank, tf.as_dtype(info.row_splits_dtype)
        )
    return tf.TensorSpec(info.shape, dtype, name=name)


def component_specs(info: TensorInfo) -> list[tf.TensorSpec]:
    """Returns the specs of a value's components."""
    dtype = tf.as_dtype(info.dtype)
    if info.kind is Kind.SPARSE:
        rank = None if info.shape is None else len(info.shape)
        return [
            tf.TensorSpec([None, rank], tf.int64),
            tf.TensorSpec([None], dtype),
            tf.TensorSpec([rank], tf.int64),
        ]
    if info.kind is Kind.RAGGED:
        inner = None if info.shape is None else info.shape[1 + info.ragged_rank :]
        flat = None if inner is None else [None, *inner]
        splits = tf.TensorSpec([None], tf.as_dtype(info.row_splits_dtype))
        return [tf.TensorSpec(flat, dtype)] + [splits] * info.ragged_rank
    return [tf.TensorSpec(info.shape, dtype)]


def decompose(value: Any, info: TensorInfo) -> list[tf.Tensor]:
    """Splits a value into its components, in the order of `TensorInfo.components`."""
    if info.kind is Kind.SPARSE:
        return [value.indices, value.values, value.dense_shape]
    if info.kind is Kind.RAGGED:
        return [value.flat_values, *value.nested_row_splits]
    # A live call may pass Python numbers, such as an hparam's default.
    return [tf.convert_to_tensor(value, tf.as_dtype(info.dtype))]


def as_tensors(value: Any, info: TensorInfo) -> Any:
    """Makes a dense value a tensor; composites are made of tensors already."""
    is_dense = info.kind is Kind.DENSE
    return tf.convert_to_tensor(value, tf.as_dtype(info.dtype)) if is_dense else value


def compose(tensors: Sequence[tf.Tensor], info: TensorInfo) -> Any:
    """Builds a value from its components, with the static shape that the signature declares.

    Raises:
      ConversionError: if the static shapes of the components contradict each other.
    """
    for tensor, spec in zip(tensors, component_specs(info), strict=True):
        if tensor.shape.is_compatible_with(spec.shape):
            tensor.set_shape(spec.shape)
    if info.kind is Kind.DENSE:
        return tensors[0]
    try:
        if info.kind is Kind.SPARSE:
            return tf.SparseTensor(*tensors)
        return tf.RaggedTensor.from_nested_row_splits(tensors[0], tensors[1:], validate=False)
    except (TypeError, ValueError) as error:
        raise errors.ConversionError(
            f"the parts of a {info.kind.value} value do not fit together:"
            f" {errors.first_line(error)}",
            node=info.components[0].node,
        ) from error


def compose_parts(tensors: Sequence[tf.Tensor], infos: Mapping[str, TensorInfo]) -> dict[str, Any]:
    """Builds inputs or outputs from all of their components, by name."""
    remaining = iter(tensors)
    return {
        name: compose(list(itertools.islice(remaining, len(info.components))), info)
        for name, info in infos.items()
    }
