"""Encodes values for `golden.json` and `golden.npz`; the README describes the format."""

from __future__ import annotations

from typing import Any, Dict

import numpy as np
import tensorflow.compat.v1 as tf


class TensorStore:
    """The arrays of one `golden.npz`; equal arrays are stored once."""

    def __init__(self) -> None:
        self.arrays: Dict[str, np.ndarray] = {}
        self._keys: Dict[tuple, str] = {}

    def encode(self, value: Any) -> dict:
        """Returns the JSON form of a dense, sparse or ragged value of `Session.run`."""
        if isinstance(value, tf.SparseTensorValue):
            parts = {part: self._encode_tensor(getattr(value, part)) for part in value._fields}
            return {"sparse": parts}
        if isinstance(value, tf.ragged.RaggedTensorValue):
            return {"ragged": self._encode_ragged(value)}
        return self._encode_tensor(value)

    def _encode_ragged(self, value):
        splits = [self._encode_tensor(split) for split in value.nested_row_splits]
        return {"flat_values": self._encode_tensor(value.flat_values), "nested_row_splits": splits}

    def _encode_tensor(self, value):
        array = as_array(value)
        dtype = tf.as_dtype(array.dtype)
        reference = {"dtype": dtype.name, "shape": list(array.shape)}
        if dtype == tf.string:
            reference["data"] = [tf.compat.as_bytes(item).decode("latin-1") for item in array.flat]
        else:
            reference["npz"] = self._key(array.view(np.uint16) if dtype == tf.bfloat16 else array)
        return reference

    def _key(self, array):
        content = (array.dtype.str, array.shape, array.tobytes())
        key = self._keys.setdefault(content, f"t{len(self._keys)}")
        self.arrays[key] = array
        return key


def as_array(value: Any) -> np.ndarray:
    """Returns a result of `Session.run` as an array; bytes keep their trailing zeros."""
    return np.asarray(value, object) if isinstance(value, (bytes, str)) else np.asarray(value)
