"""Tiny TF1 Hub modules whose signatures, inputs and outputs have any names.

They are written as protos, so that names which no public function of TensorFlow takes can be
tried, too. Every output weighs every input by a prime of its own: whatever is exchanged shows.
"""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from converter.formats import hub_protos

# All whole numbers stay below 2**53, which doubles hold exactly.
_SIZE = 2


@dataclasses.dataclass(frozen=True)
class Input:
    """An input: `kind` is `vector`, `scalar`, `any_rank`, `ints`, `sparse` or `optional`."""

    name: str
    kind: str = "vector"


@dataclasses.dataclass(frozen=True)
class Signature:
    """A signature; each of its outputs is a float64 vector."""

    name: str
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Module:
    """A module with one graph variant and no variables."""

    signatures: tuple[Signature, ...]


_DTYPES = {"ints": tf.int64, "scalar": tf.float64, "any_rank": tf.float32}
_SHAPES: dict[str, list[int | None] | None] = {"scalar": [], "any_rank": None, "vector": [None]}
_SCALARS = ("scalar", "optional")


def input_values(signature: Signature) -> dict[str, np.ndarray | tf.compat.v1.SparseTensorValue]:
    """A value for each input, all of them different."""
    values: dict[str, Any] = {}
    for index, each in enumerate(signature.inputs):
        dtype = _DTYPES.get(each.kind, tf.float32).as_numpy_dtype
        array = np.array([index + 1, 2 * index + 3], dtype)
        values[each.name] = array[0] if each.kind in _SCALARS else array
        if each.kind == "sparse":
            values[each.name] = tf.compat.v1.SparseTensorValue(
                np.int64([[0], [1]]), array, np.int64([_SIZE])
            )
    return values


def expected_outputs(signature: Signature) -> dict[str, np.ndarray]:
    """The outputs that the signature computes from `input_values`."""
    arrays = [
        np.float64(value.values if isinstance(value, tf.compat.v1.SparseTensorValue) else value)
        for value in input_values(signature).values()
    ]
    rows = np.stack([np.broadcast_to(array, [_SIZE]) for array in arrays] or [np.zeros(_SIZE)])
    return dict(zip(signature.outputs, _weights(signature) @ rows, strict=True))


def _weights(signature: Signature) -> np.ndarray:
    """A prime for each output and input, `[outputs, max(inputs, 1)]`."""
    shape = len(signature.outputs), max(len(signature.inputs), 1)
    return np.reshape(list(itertools.islice(_primes(), shape[0] * shape[1])), shape).astype(float)


def _primes() -> Iterator[int]:
    found: list[int] = []
    for number in itertools.count(2):
        if all(number % prime for prime in found):
            found.append(number)
            yield number


def write_module(module: Module, directory: pathlib.Path) -> None:
    """Writes a module in the TF1 Hub format; makes `directory`."""
    with tf.Graph().as_default() as graph:
        definitions = {
            signature.name: _define(signature, f"signature_{index}")
            for index, signature in enumerate(module.signatures)
        }
    meta_graph = meta_graph_pb2.MetaGraphDef()
    meta_graph.graph_def.CopyFrom(graph.as_graph_def())
    for name, definition in definitions.items():
        meta_graph.signature_def[name].CopyFrom(definition)
    saved_model = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    saved_model.meta_graphs.append(meta_graph)
    directory.mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    module_def = hub_protos.ModuleDef(format=hub_protos.FORMAT_V3)
    (directory / "tfhub_module.pb").write_bytes(module_def.SerializeToString())


def _define(signature: Signature, scope: str) -> meta_graph_pb2.SignatureDef:
    """Adds a signature's graph to the default one, and describes it."""
    definition = meta_graph_pb2.SignatureDef()
    with tf.name_scope(scope):
        rows = []
        for each in signature.inputs:
            placeholder = _make_placeholder(each)
            dense = placeholder.values if each.kind == "sparse" else placeholder
            rows.append(tf.zeros(_SIZE, tf.float64) + tf.cast(dense, tf.float64))
            definition.inputs[each.name].CopyFrom(_describe(placeholder))
        outputs = tf.linalg.matmul(_weights(signature), rows or np.zeros([1, _SIZE]))
        vectors = tf.unstack(outputs, len(signature.outputs))
        for name, output in zip(signature.outputs, vectors, strict=True):
            definition.outputs[name].CopyFrom(_describe(output))
    return definition


_describe = tf.compat.v1.saved_model.utils.build_tensor_info


def _make_placeholder(each: Input) -> tf.Tensor | tf.SparseTensor:
    dtype = _DTYPES.get(each.kind, tf.float32)
    if each.kind == "sparse":
        return tf.compat.v1.sparse_placeholder(dtype, [None])
    if each.kind == "optional":
        return tf.compat.v1.placeholder_with_default(tf.constant(-1, dtype), [])
    return tf.compat.v1.placeholder(dtype, _SHAPES.get(each.kind, [_SIZE]))
