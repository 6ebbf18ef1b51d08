"""Values of signatures as NumPy arrays, which pass between processes."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from converter.files.paths import as_path
from converter.ir.graph import Kind, TensorInfo


@dataclasses.dataclass(frozen=True, slots=True)
class SparseValue:
    """A sparse tensor: `[n, rank]` indices, `[n]` values, `[rank]` dense shape."""

    indices: np.ndarray
    values: np.ndarray
    dense_shape: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True)
class RaggedValue:
    """A ragged tensor: its values, and row splits from the outermost dimension inwards."""

    flat_values: np.ndarray
    nested_row_splits: tuple[np.ndarray, ...]


Value: TypeAlias = np.ndarray | SparseValue | RaggedValue


def loss_weights(output: tf.Tensor) -> tf.Tensor:
    """Weights from 0.5 to 1.5 for the elements of an output, in a loss that is their sum.

    Without weights, softmax and batch normalization would hide a wrong gradient: a sum of what
    either computes is constant, and its gradient is zero but for rounding.
    """
    places = tf.cast(tf.range(tf.size(output, tf.int64)), tf.float32)
    weights = tf.reshape(1 - tf.sin(places) / 2, tf.shape(output, tf.int64))
    return tf.cast(weights, output.dtype.base_dtype)


def to_components(value: Value) -> list[np.ndarray]:
    """The arrays of a value, in the order of `TensorInfo.components`."""
    if isinstance(value, SparseValue):
        return [value.indices, value.values, value.dense_shape]
    if isinstance(value, RaggedValue):
        return [value.flat_values, *value.nested_row_splits]
    return [value]


def part_names(name: str, value: Value) -> list[str]:
    """The names of a value's arrays in a serving signature."""
    if isinstance(value, SparseValue):
        return [f"{name}_{part}" for part in ("indices", "values", "dense_shape")]
    if isinstance(value, RaggedValue):
        return [f"{name}_component_{index}" for index in range(1 + len(value.nested_row_splits))]
    return [name]


def to_parts(values: Mapping[str, Value]) -> dict[str, np.ndarray]:
    """The arrays of several values, by their names in a serving signature."""
    return {
        part: array
        for name, value in values.items()
        for part, array in zip(part_names(name, value), to_components(value), strict=True)
    }


def from_components(arrays: Sequence[np.ndarray], info: TensorInfo) -> Value:
    """The value that arrays make up."""
    if info.kind is Kind.SPARSE:
        return SparseValue(*arrays)
    if info.kind is Kind.RAGGED:
        return RaggedValue(arrays[0], tuple(arrays[1:]))
    return arrays[0]


def to_tensor(value: Value) -> Any:
    """The TF2 tensor of a value."""
    if isinstance(value, SparseValue):
        return tf.SparseTensor(value.indices, _constant(value.values), value.dense_shape)
    if isinstance(value, RaggedValue):
        return tf.RaggedTensor.from_nested_row_splits(
            _constant(value.flat_values), value.nested_row_splits, validate=False
        )
    return _constant(value)


def _constant(array: np.ndarray) -> tf.Tensor:
    # Without the dtype an array of no strings would become one of floats.
    return tf.constant(array, dtype=tf.string if array.dtype == object else None)


def from_tensor(tensor: Any) -> Value:
    """The value of a TF2 tensor."""
    if isinstance(tensor, tf.SparseTensor):
        parts = (tensor.indices, tensor.values, tensor.dense_shape)
        return SparseValue(*(as_array(part.numpy()) for part in parts))
    if isinstance(tensor, tf.RaggedTensor):
        splits = (as_array(splits.numpy()) for splits in tensor.nested_row_splits)
        return RaggedValue(as_array(tensor.flat_values.numpy()), tuple(splits))
    return as_array(tensor.numpy())


def as_array(value: Any) -> np.ndarray:
    """A copy as an array; bytes become objects, as NumPy would cut trailing zeros off."""
    if isinstance(value, bytes | str):
        return np.array(value, dtype=object)
    array = np.array(value)
    return array.astype(object) if array.dtype.kind in "SU" else array


def has_nan(value: Value) -> bool:
    """Whether an element is not a number."""
    return any(
        array.dtype.kind not in "OSUbiu" and bool(np.isnan(array.astype(np.complex128)).any())
        for array in to_components(value)
    )


def name_assets(value: Value, directory: str | os.PathLike[str]) -> Value:
    """Replaces paths into `directory` by the file's name and the digest of its content.

    The original and the converted module lie in different places.
    """
    if not isinstance(value, np.ndarray) or value.dtype != object:
        return value
    prefix = os.fsencode(os.path.join(directory, ""))
    named = [_name_asset(element, prefix) for element in value.flat]
    result = np.empty(value.shape, dtype=object)
    result.reshape(-1)[:] = named
    return result


def _name_asset(element: Any, prefix: bytes) -> Any:
    if not isinstance(element, bytes) or not element.startswith(prefix):
        return element
    path = as_path(os.fsdecode(element))
    content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
    return f"<asset {path.name} sha256:{content}>".encode()
