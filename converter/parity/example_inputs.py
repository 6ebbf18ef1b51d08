"""Serialized `tf.Example`s with the features that a graph parses them for.

Source: `ParseExample`, `ParseExampleV2` and `ParseSingleExample` in TensorFlow's parsing_ops.cc,
and example.proto.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converter.ir.attributes import find_int, get_dtypes, read_shape
from converter.ir.graph import Node, TensorRef

PARSERS = frozenset({"ParseExample", "ParseExampleV2", "ParseSingleExample"})
_UNKNOWN_LENGTH = 2
_MOST_VALUES = 1 << 20

# Returns the value of a tensor of keys if it is constant; None otherwise.
FindKeys = Callable[[TensorRef], np.ndarray | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Feature:
    """A feature of a `tf.Example`.

    Attributes:
      key: Its name.
      dtype: The `DataType` number of its values.
      length: How many values it has.
    """

    key: str
    dtype: int
    length: int


def read_features(node: Node, find_keys: FindKeys) -> tuple[Feature, ...]:
    """The features that a parser of serialized examples asks for; none if they are not known.

    Args:
      node: A node of one of `PARSERS`.
      find_keys: Finds the constant value of a tensor.
    """
    keys = list(_find_keys(node, find_keys))
    dtypes = [*get_dtypes(node, "sparse_types"), *get_dtypes(node, "Tdense")]
    shapes = [read_shape(shape) for shape in node.attrs["dense_shapes"].list.shape]
    lengths = [_UNKNOWN_LENGTH] * (len(dtypes) - len(shapes)) + list(map(_length, shapes))
    if len(keys) != len(dtypes) or None in keys or max([0, *lengths]) > _MOST_VALUES:
        return ()
    return tuple(
        Feature(key, dtype, length)
        for key, dtype, length in zip(keys, dtypes, lengths, strict=True)
        if key is not None
    )


def _length(shape: Sequence[int | None] | None) -> int:
    return math.prod(_UNKNOWN_LENGTH if size is None else size for size in shape or ())


def _find_keys(node: Node, find_keys: FindKeys) -> Iterator[str | None]:
    """The keys of the sparse features, then those of the dense ones."""
    if node.op == "ParseSingleExample":
        for name in ("sparse_keys", "dense_keys"):
            yield from (key.decode() for key in node.attrs[name].list.s)
    elif node.op == "ParseExampleV2":
        for ref in node.inputs[2:4]:
            value = find_keys(ref)
            yield from [None] if value is None else (key.decode() for key in value.reshape(-1))
    else:
        count = find_int(node, "Nsparse") + find_int(node, "Ndense")
        for ref in node.inputs[2 : 2 + count]:
            value = find_keys(ref)
            yield None if value is None or value.ndim else value.item().decode()


def make_example(
    features: Sequence[Feature], random: np.random.Generator, word: Callable[[int], bytes]
) -> bytes:
    """Makes up a serialized `tf.Example`.

    Args:
      features: What it holds.
      random: Where its numbers come from.
      word: Returns a word for a number.
    """
    example: Any = tf.train.Example()
    for feature in features:
        values = example.features.feature[feature.key]
        if feature.dtype == tf.string.as_datatype_enum:
            values.bytes_list.value.extend(word(number) for number in range(feature.length))
        elif feature.dtype == tf.int64.as_datatype_enum:
            values.int64_list.value.extend(random.integers(0, 2, feature.length))
        else:
            values.float_list.value.extend(random.standard_normal(feature.length))
    return bytes(example.SerializeToString(deterministic=True))
