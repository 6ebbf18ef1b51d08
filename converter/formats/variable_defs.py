"""Reads the variables of a graph from its collections (source: `VariableDef` in variable.proto)."""

from __future__ import annotations

from typing import Any

from tensorflow.core.framework import variable_pb2

from converter import errors
from converter.formats.collection_values import parse_message, parse_ref, read_collection
from converter.formats.graph_state import find_aliases
from converter.formats.signature_defs import check_dtype
from converter.ir import attributes, query
from converter.ir.graph import Node, Nodes, SliceSpec, VariableSpec
from converter.tensor_bundle.checkpoint import Checkpoint


def read_variables(
    meta_graph: Any, nodes: Nodes, checkpoint: Checkpoint
) -> dict[str, VariableSpec]:
    """Reads the variables of a graph in whose checkpoint each has its own name.

    Args:
      meta_graph: A MetaGraphDef.
      nodes: The nodes of its graph.
      checkpoint: The weights, which show how partitioned variables are stored.

    Raises:
      FormatError: if a collection is damaged.
    """
    trainable = find_trainable(meta_graph, nodes)
    specs: dict[str, VariableSpec] = {}
    for value in read_collection(meta_graph, "variables", "bytes"):
        proto = read_variable_def(value)
        node = query.get_node(nodes, parse_ref(proto.variable_name).node)
        key = _checkpoint_key(node.name, proto, checkpoint)
        spec = make_spec(node, key, _read_slice(proto), trainable=node.name in trainable)
        if specs.setdefault(node.name, spec) != spec:
            raise errors.FormatError(
                "two entries of the VARIABLES collection describe this variable differently",
                node=node.name,
            )
    return specs | dict(find_aliases(nodes, specs))


def find_trainable(meta_graph: Any, nodes: Nodes) -> set[str]:
    """The nodes of the variables in the collection of trainable ones.

    Raises:
      FormatError: if it is damaged, or the graph lacks one of them.
    """
    return {
        query.get_node(nodes, parse_ref(read_variable_def(value).variable_name).node).name
        for value in read_collection(meta_graph, "trainable_variables", "bytes")
    }


def make_spec(node: Node, key: str, part: SliceSpec | None, *, trainable: bool) -> VariableSpec:
    """Describes the variable of a node.

    Args:
      node: The node that makes its handle or its ref.
      key: The entry of the checkpoint that holds its value.
      part: Its place in that entry, if it is a part.
      trainable: Whether it is trainable.

    Raises:
      FormatError: if the node has no known dtype.
    """
    dtype = attributes.get_dtype(node, "dtype")
    check_dtype(dtype, f"variable {node.name!r}")
    shape = attributes.find_shape(node, "shape")
    return VariableSpec(node.name, node.name, dtype, shape, trainable, key, part)


def read_variable_def(value: bytes) -> Any:
    """Parses an entry of a collection of variables.

    Raises:
      FormatError: if it is damaged.
    """
    return parse_message(variable_pb2.VariableDef, value, "an entry of a variables collection")


def _read_slice(proto: Any) -> SliceSpec | None:
    if not proto.HasField("save_slice_info_def"):
        return None
    info = proto.save_slice_info_def
    return SliceSpec(tuple(info.full_shape), tuple(info.var_offset), tuple(info.var_shape))


def _checkpoint_key(name: str, proto: Any, checkpoint: Checkpoint) -> str:
    """The key under which hub or a plain Saver stores the variable.

    hub drops `/part_N` from the name; a Saver uses the slice's full name. The two differ where
    a module was built inside another.
    """
    if not proto.HasField("save_slice_info_def"):
        return name
    candidates = (name.rpartition("/")[0], proto.save_slice_info_def.full_name)
    return next((key for key in candidates if key in checkpoint.entries), candidates[0])
