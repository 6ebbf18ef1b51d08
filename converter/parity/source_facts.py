"""The facts in the files of a TF1 module, read for the comparison alone.

The converter has read the same messages. A comparison that took its word for them could not see
what it overlooked, so nothing here uses what it made of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import variable_pb2
from tensorflow.core.protobuf import struct_pb2

Tags = frozenset[str]

# Source: TensorFlow's saved_model/constants.py; in a TF2 SavedModel no user calls it.
_INIT_SIGNATURE = "__saved_model_init_op"
_SPARSE_PARTS = {"indices": "int64", "values": "", "dense_shape": "int64"}
_REF_OFFSET = 100  # Source: types.proto.


@dataclasses.dataclass(frozen=True, slots=True)
class SignatureFacts:
    """The tensors of a signature by the names that a V1 loader gives them, with their dtypes."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]

    def __str__(self) -> str:
        return f"takes {_listed(self.inputs)}; returns {_listed(self.outputs)}"


@dataclasses.dataclass(frozen=True, slots=True)
class SourceFacts:
    """The facts in the files of a module.

    Attributes:
      signatures: The signatures of each graph variant, by name.
      variables: The names in the collection of variables, of all graph variants.
      trainable: The names in the collection of trainable variables.
    """

    signatures: Mapping[Tags, Mapping[str, SignatureFacts]]
    variables: Mapping[Tags, frozenset[str]]
    trainable: Mapping[Tags, frozenset[str]]


def read_source_facts(saved_model: Any) -> SourceFacts:
    """Reads a SavedModel message."""
    graphs = {frozenset(graph.meta_info_def.tags): graph for graph in saved_model.meta_graphs}
    return SourceFacts(
        signatures={tags: read_signatures(graph) for tags, graph in graphs.items()},
        variables={tags: _names(graph, "variables") for tags, graph in graphs.items()},
        trainable={tags: _names(graph, "trainable_variables") for tags, graph in graphs.items()},
    )


def read_signatures(meta_graph: Any) -> dict[str, SignatureFacts]:
    """The signatures of a MetaGraphDef, whether of TF1 or of TF2."""
    return {
        name: SignatureFacts(_parts(signature.inputs), _parts(signature.outputs))
        for name, signature in meta_graph.signature_def.items()
    }


def read_served_signatures(saved_model: Any) -> dict[str, SignatureFacts]:
    """The signatures of a TF2 SavedModel that users call."""
    return {
        name: signature
        for meta_graph in saved_model.meta_graphs
        for name, signature in read_signatures(meta_graph).items()
        if name != _INIT_SIGNATURE
    }


def nodes_in_collection(meta_graph: Any, key: str) -> list[str]:
    """The tensors or ops of a collection, each once, in its order."""
    if key not in meta_graph.collection_def:
        return []
    return list(dict.fromkeys(meta_graph.collection_def[key].node_list.value))


def ops_in_collection(meta_graph: Any, key: str) -> list[str]:
    """The ops of a collection, or those of its tensors, each once, in its order."""
    names = nodes_in_collection(meta_graph, key)
    return list(dict.fromkeys(name.partition(":")[0] for name in names))


def _names(meta_graph: Any, key: str) -> frozenset[str]:
    if key not in meta_graph.collection_def:
        return frozenset()
    values = meta_graph.collection_def[key].bytes_list.value
    names = (variable_pb2.VariableDef.FromString(value).variable_name for value in values)
    return frozenset(name.rpartition(":")[0] or name for name in names)


def _parts(infos: Mapping[str, Any]) -> dict[str, str]:
    return {part: dtype for name in sorted(infos) for part, dtype in _split(name, infos[name])}


def _split(name: str, info: Any) -> Iterator[tuple[str, str]]:
    """The parts of an input or output, by the names that TensorFlow's V1 loader gives them."""
    dtype = _dtype(info.dtype)
    encoding = info.WhichOneof("encoding")
    if encoding == "name":
        yield name, dtype
        return
    spec = info.composite_tensor.type_spec
    if encoding == "coo_sparse" or (
        spec.type_spec_class == struct_pb2.TypeSpecProto.SPARSE_TENSOR_SPEC
    ):
        dtype = dtype or _dtype(spec.type_state.tuple_value.values[1].tensor_dtype_value)
        for part, part_dtype in _SPARSE_PARTS.items():
            yield f"{name}_{part}", part_dtype or dtype
        return
    for index, component in enumerate(info.composite_tensor.components):
        yield f"{name}_component_{index}", _dtype(component.dtype)


def _dtype(number: int) -> str:
    return tf.as_dtype(number % _REF_OFFSET).name if number else ""


def _listed(parts: Mapping[str, str]) -> str:
    return ", ".join(f"{name!r} ({dtype})" for name, dtype in sorted(parts.items())) or "nothing"
