"""The facts in the files of a TF1 module, read for the comparison alone.

The converter has read the same messages. A comparison that took its word for them could not see
what it overlooked, so nothing here uses what it made of them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import variable_pb2
from tensorflow.core.protobuf import struct_pb2

Tags = frozenset[str]

# Source: TensorFlow's saved_model/constants.py; in a TF2 SavedModel no user calls it.
_INIT_SIGNATURE = "__saved_model_init_op"
# Of a TF1 SavedModel, loaders run their ops and users do not call them.
_LOADER_SIGNATURES = frozenset({_INIT_SIGNATURE, "__saved_model_train_op"})
_INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
_VARIABLES = frozenset({"VarHandleOp", "Variable", "VariableV2"})
# Ops of optimizers, and ops that write to the variable that is their first input.
_OPTIMIZER = re.compile(r"(Resource)?(Sparse)?Apply[A-Z].*")
_WRITE = re.compile(r"(Resource)?(Assign|Scatter|StridedSliceAssign|CountUpTo).*")
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
      variables: The names in the collection of variables, of all graph variants; of a SavedModel
        that is not a module for hub, the names of all nodes that are variables.
      trainable: The names in the collection of trainable variables.
    """

    signatures: Mapping[Tags, Mapping[str, SignatureFacts]]
    variables: Mapping[Tags, frozenset[str]]
    trainable: Mapping[Tags, frozenset[str]]


def read_source_facts(saved_model: Any, *, is_hub_module: bool = True) -> SourceFacts:
    """Reads a SavedModel message.

    Args:
      saved_model: The message.
      is_hub_module: Whether it is a module for hub. Other SavedModels have signatures that loaders
        or training programs run, which are not for users; their savers know any variable.
    """
    graphs = {frozenset(graph.meta_info_def.tags): graph for graph in saved_model.meta_graphs}
    signatures = {tags: read_signatures(graph) for tags, graph in graphs.items()}
    variables = {tags: _names(graph, "variables") for tags, graph in graphs.items()}
    if not is_hub_module:
        signatures = {
            tags: {n: s for n, s in signatures[tags].items() if _is_for_users(graph, n)}
            for tags, graph in graphs.items()
        }
        variables = {
            tags: frozenset(n.name for n in graph.graph_def.node if n.op in _VARIABLES)
            for tags, graph in graphs.items()
        }
    return SourceFacts(
        signatures=signatures,
        variables=variables,
        trainable={tags: _names(graph, "trainable_variables") for tags, graph in graphs.items()},
    )


def _is_for_users(meta_graph: Any, name: str) -> bool:
    """Whether a signature of a TF1 SavedModel neither is a loader's nor trains the model."""
    if name in _LOADER_SIGNATURES:
        return False
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    trainable = _names(meta_graph, "trainable_variables")
    signature = meta_graph.signature_def[name]
    fed = {_node_of(info.name) for info in signature.inputs.values()}
    waiting = [_node_of(info.name) for info in signature.outputs.values()]
    seen = set(fed)
    while waiting:
        node = nodes.get(waiting.pop())
        if node is None or node.name in seen:
            continue
        seen.add(node.name)
        writes = _WRITE.fullmatch(node.op) and _looked_through(nodes, node) in trainable
        if writes or _OPTIMIZER.fullmatch(node.op):
            return False
        waiting += [_node_of(source) for source in node.input]
    return True


def _looked_through(nodes: Mapping[str, Any], node: Any) -> str:
    """The node that the first input of `node` comes from, by way of ops that hand it on."""
    name = _node_of(node.input[0])
    for _ in range(len(nodes)):
        if name not in nodes or nodes[name].op not in ("Enter", "Identity", "RefEnter", "Switch"):
            break
        name = _node_of(nodes[name].input[0])
    return name


def _node_of(tensor: str) -> str:
    return tensor.removeprefix("^").partition(":")[0]


def find_initializers(meta_graph: Any, *, is_hub_module: bool = False) -> list[str]:
    """The ops that initialize a graph after its variables have been restored, as TF1 runs them.

    For a module, hub runs those of its tables. Of another SavedModel, loaders run the init op;
    where it has none, programs run what initializes tables and local variables.
    """
    if is_hub_module:
        return ops_in_collection(meta_graph, "table_initializer")
    if _INIT_SIGNATURE in meta_graph.signature_def:
        outputs = meta_graph.signature_def[_INIT_SIGNATURE].outputs
        return [_node_of(info.name) for info in outputs.values()]
    for key in _INIT_COLLECTIONS:
        if key in meta_graph.collection_def:
            return ops_in_collection(meta_graph, key)
    key = "local_variables"  # A protobuf map makes the entries that it is asked for.
    has_local = key in meta_graph.collection_def
    local = meta_graph.collection_def[key].bytes_list.value if has_local else ()
    names = [variable_pb2.VariableDef.FromString(value).initializer_name for value in local]
    tables = ops_in_collection(meta_graph, "table_initializer")
    return [*(_node_of(name) for name in names if name), *tables]


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
