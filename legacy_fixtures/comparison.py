"""Compares two builds of a fixture."""

from __future__ import annotations

import filecmp
import json
import os
from typing import Any, Iterator

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import control_flow_pb2
from tensorflow.python.saved_model import loader_impl

_RTOL = 1e-5
_ATOL = 1e-7
_CONTEXT_TYPES = {
    tf.GraphKeys.COND_CONTEXT: control_flow_pb2.CondContextDef,
    tf.GraphKeys.WHILE_CONTEXT: control_flow_pb2.WhileContextDef,
}


def find_differences(expected: str, actual: str, exact_weights: bool) -> Iterator[str]:
    """Yields one line per difference between two directories of `golden/<name>`.

    Protos and assets must be equal, recorded values equal up to rounding.

    Args:
      expected: The committed directory.
      actual: The directory that was just built.
      exact_weights: Whether checkpoints must be equal to the bit, too.
    """
    expected_files, actual_files = _list_files(expected), _list_files(actual)
    if expected_files != actual_files:
        yield f"files differ: {sorted(expected_files ^ actual_files)}"
        return
    for file in sorted(expected_files):
        as_bytes = file.startswith("module/assets/") or file.endswith("tfhub_module.pb")
        if as_bytes and not filecmp.cmp(f"{expected}/{file}", f"{actual}/{file}", shallow=False):
            yield f"{file} differs"
    if _read_saved_model(expected) != _read_saved_model(actual):
        yield "module/saved_model.pb differs"
    yield from _compare_checkpoints(expected, actual, exact_weights)
    yield from _compare_goldens(expected, actual)


def _list_files(directory):
    return {
        os.path.relpath(os.path.join(folder, file), directory)
        for folder, _, files in os.walk(directory)
        for file in files
    }


def _read_saved_model(directory):
    saved_model = loader_impl.parse_saved_model(f"{directory}/module")
    for meta_graph in saved_model.meta_graphs:
        for key, context_type in _CONTEXT_TYPES.items():
            if key in meta_graph.collection_def:
                _sort_contexts(context_type, meta_graph.collection_def[key].bytes_list)
    return saved_model


def _sort_contexts(context_type, bytes_list):
    """Puts the maps in serialized contexts in order; protobuf writes them in any."""
    contexts = map(context_type.FromString, bytes_list.value)
    bytes_list.value[:] = [context.SerializeToString(deterministic=True) for context in contexts]


def _compare_checkpoints(expected, actual, exact):
    readers = [_read_checkpoint(directory) for directory in (expected, actual)]
    if readers == [{}, {}]:
        return
    if set(readers[0]) != set(readers[1]):
        yield f"checkpoint keys differ: {sorted(set(readers[0]) ^ set(readers[1]))}"
        return
    for key, left in readers[0].items():
        right = readers[1][key]
        same = np.array_equal(left, right) if exact else _close(left, right)
        if left.dtype != right.dtype or not same:
            yield f"checkpoint tensor {key!r} differs"


def _read_checkpoint(directory):
    prefix = f"{directory}/module/variables/variables"
    # tf.train.checkpoint_exists fails without the directory, and Git keeps no empty ones.
    if not os.path.exists(f"{prefix}.index"):
        return {}
    reader = tf.train.load_checkpoint(prefix)
    return {key: np.asarray(reader.get_tensor(key)) for key in reader.get_variable_to_shape_map()}


def _compare_goldens(expected, actual):
    documents = []
    for directory in (expected, actual):
        with open(f"{directory}/golden.json") as file, np.load(f"{directory}/golden.npz") as arrays:
            documents.append(_resolve(json.load(file), dict(arrays)))
    yield from _compare_values("golden.json", *documents)


def _resolve(value: Any, arrays: dict) -> Any:
    """Puts arrays in the place of references to them."""
    if isinstance(value, list):
        return [_resolve(item, arrays) for item in value]
    if isinstance(value, dict):
        return {
            key: arrays[item] if key == "npz" else _resolve(item, arrays)
            for key, item in value.items()
        }
    return value


def _compare_values(path, expected, actual):
    if isinstance(expected, np.ndarray):
        if not _close(expected, actual):
            yield f"{path} differs"
    elif isinstance(expected, dict) and isinstance(actual, dict) and set(expected) == set(actual):
        for key in expected:
            yield from _compare_values(f"{path}/{key}", expected[key], actual[key])
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, item in enumerate(expected):
            yield from _compare_values(f"{path}/{index}", item, actual[index])
    elif expected != actual:
        yield f"{path} differs"


def _close(left, right):
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    if left.dtype.kind not in "fc":
        return np.array_equal(left, right)
    return np.allclose(left, right, rtol=_RTOL, atol=_ATOL, equal_nan=True)
