"""Reads a MetaGraphDef as a `Program` (source: meta_graph.proto, hub's saved_model_lib.py)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import tensorflow as tf
from google.protobuf import message
from tensorflow.core.framework import types_pb2, variable_pb2
from tensorflow.core.protobuf import control_flow_pb2, meta_graph_pb2, struct_pb2

from converter import errors, limits
from converter.formats import hub_protos
from converter.formats.contexts import find_loops_without_gradient
from converter.formats.graph_limits import check_limits
from converter.formats.graph_versions import check_versions
from converter.formats.shapes import check_input_shape, drop_promises
from converter.ir import attributes, op_facts, query, serde
from converter.ir.aliases import IDENTITIES, source_of
from converter.ir.attributes import read_shape
from converter.ir.graph import (
    PSEUDO_OPS,
    AssetSpec,
    FunctionDef,
    Kind,
    Node,
    Nodes,
    Program,
    Signature,
    SliceSpec,
    TableSpec,
    TensorInfo,
    TensorRef,
    VariableSpec,
)
from converter.tensor_bundle.checkpoint import Checkpoint

_CONTEXTS = {
    "while_context": control_flow_pb2.WhileContextDef,
    "cond_context": control_flow_pb2.CondContextDef,
}
_ASSETS = "saved_model_assets"
_ATTACHMENTS = "hub_module_attachments"
_TABLE_HANDLES = op_facts.TABLE_HANDLES | {
    ref for ref, plain in op_facts.REF_TABLE_OPS.items() if plain in op_facts.TABLE_HANDLES
}


def read_program(meta_graph: Any, checkpoint: Checkpoint) -> Program:
    """Reads one graph variant.

    Args:
      meta_graph: A MetaGraphDef.
      checkpoint: The module's weights, which show how partitioned variables are stored.

    Raises:
      FormatError: if a part of it is damaged.
    """
    check_versions(meta_graph.graph_def.versions)
    check_limits(meta_graph)
    nodes = serde.nodes_from_graph_def(meta_graph.graph_def)
    library = meta_graph.graph_def.library
    return Program(
        tags=frozenset(meta_graph.meta_info_def.tags),
        nodes=nodes,
        functions=_read_functions(library),
        gradients=_by_name(
            ((entry.function_name, entry.gradient_func) for entry in library.gradient),
            "gradients of function",
        ),
        signatures={
            name: _read_signature(name, meta_graph.signature_def[name], nodes)
            for name in sorted(meta_graph.signature_def)
        },
        variables=_read_variables(meta_graph, nodes, checkpoint),
        tables=_read_tables(meta_graph, nodes),
        assets=_read_assets(meta_graph),
        regularization_losses=tuple(
            _parse_ref(name) for name in _collection(meta_graph, "regularization_losses", "node")
        ),
        update_ops=tuple(
            dict.fromkeys(
                _parse_ref(name).node for name in _collection(meta_graph, "update_ops", "node")
            )
        ),
        attachments=_read_attachments(meta_graph),
        producer=meta_graph.graph_def.versions.producer,
        loops_without_gradient=frozenset(
            find_loops_without_gradient(_read_contexts(meta_graph), nodes)
        ),
    )


def _read_functions(library: Any) -> dict[str, FunctionDef]:
    functions: dict[str, FunctionDef] = _by_name(
        ((function.signature.name, function) for function in library.function),
        "functions of the name",
    )
    for name in functions:
        if name in PSEUDO_OPS or op_facts.find_op_def(name) is not None:
            raise errors.FormatError(f"function {name!r} has the name of an op of TensorFlow")
    for function in functions.values():
        for node_def in function.node_def:
            serde.check_no_pseudo_op(node_def)
    return functions


def _by_name(items: Iterable[tuple[str, Any]], what: str) -> dict[str, Any]:
    """Returns a mapping of items, which must have different names."""
    found: dict[str, Any] = {}
    for name, item in items:
        if name in found:
            raise errors.FormatError(f"the graph has two {what} {name!r}")
        found[name] = item
    return found


def _collection(meta_graph: Any, key: str, kind: str) -> list[Any]:
    """Returns the values of a collection, if there is one; `kind` is `node`, `bytes` or `any`."""
    if key not in meta_graph.collection_def:
        return []
    collection = meta_graph.collection_def[key]
    found = collection.WhichOneof("kind")
    if found is None:
        return []
    if found != f"{kind}_list":
        raise errors.FormatError(f"collection {key!r} holds {found}, expected {kind}_list")
    return list(getattr(collection, found).value)


def _parse_ref(name: str) -> TensorRef:
    try:
        return TensorRef.parse(name)
    except ValueError as error:
        raise errors.FormatError(f"a reference to a tensor is damaged: {error}") from error


def _parse_message(kind: Any, value: bytes, what: str) -> Any:
    try:
        return kind.FromString(value)
    except message.DecodeError as error:
        raise errors.FormatError(f"{what} is damaged") from error


# Signatures.


def _read_signature(name: str, signature: Any, nodes: Nodes) -> Signature:
    def read(infos: Any, what: str) -> dict[str, TensorInfo]:
        return {
            key: _read_tensor_info(infos[key], f"{what} {key!r} of signature {name!r}")
            for key in sorted(infos)
        }

    inputs, outputs = read(signature.inputs, "input"), read(signature.outputs, "output")
    for key, info in inputs.items():
        check_input_shape(info, nodes, f"input {key!r} of signature {name!r}")
    known = {key: drop_promises(info, nodes) for key, info in outputs.items()}
    return Signature(name, inputs, known)


def _read_tensor_info(info: Any, what: str) -> TensorInfo:
    read = _read_encoding(info, what)
    _check_dtype(read.dtype, what)
    if math.prod(max(size or 1, 1) for size in read.shape or ()) > limits.MAX_ELEMENTS:
        raise errors.FormatError(f"{what} has more elements than TensorFlow can count")
    if read.kind is Kind.RAGGED:
        _check_dtype(read.row_splits_dtype, what)
        if read.row_splits_dtype not in (types_pb2.DT_INT32, types_pb2.DT_INT64):
            raise errors.FormatError(f"{what} has row splits that are not integers")
    return read


def _check_dtype(dtype: int, what: str) -> None:
    try:
        tf.as_dtype(dtype)
    except TypeError as error:
        raise errors.FormatError(f"{what} has the unknown dtype {dtype}") from error


def _read_encoding(info: Any, what: str) -> TensorInfo:
    encoding = info.WhichOneof("encoding")
    dtype = info.dtype % op_facts.REF_OFFSET
    shape = read_shape(info.tensor_shape)
    if encoding == "name":
        return TensorInfo(Kind.DENSE, dtype, shape, (_parse_ref(info.name),))
    if encoding == "coo_sparse":
        sparse = info.coo_sparse
        names = (
            sparse.indices_tensor_name,
            sparse.values_tensor_name,
            sparse.dense_shape_tensor_name,
        )
        return TensorInfo(Kind.SPARSE, dtype, shape, tuple(_parse_ref(name) for name in names))
    if encoding == "composite_tensor":
        return _read_composite(info.composite_tensor, what)
    raise errors.FormatError(f"{what} has the unknown encoding {encoding!r}")


def _read_composite(composite: Any, what: str) -> TensorInfo:
    """Reads a composite's components, in the order of its type's `_to_components`."""
    components = tuple(_parse_ref(part.name) for part in composite.components)
    spec = composite.type_spec
    state = list(spec.type_state.tuple_value.values)
    if spec.type_spec_class == struct_pb2.TypeSpecProto.SPARSE_TENSOR_SPEC:
        if len(state) >= 2 and len(components) == 3:
            shape, dtype = state[:2]
            return TensorInfo(
                Kind.SPARSE,
                dtype.tensor_dtype_value,
                read_shape(shape.tensor_shape_value),
                components,
            )
    elif spec.type_spec_class == struct_pb2.TypeSpecProto.RAGGED_TENSOR_SPEC:
        shape = read_shape(state[0].tensor_shape_value) if state else None
        has_rank = shape is None or len(shape) >= len(components) >= 2
        if len(state) >= 4 and len(components) == state[2].int64_value + 1 and has_rank:
            return TensorInfo(
                Kind.RAGGED,
                state[1].tensor_dtype_value,
                shape,
                components,
                row_splits_dtype=state[3].tensor_dtype_value,
            )
    else:
        known = struct_pb2.TypeSpecProto.TypeSpecClass.DESCRIPTOR.values_by_number
        number = spec.type_spec_class
        name = known[number].name if number in known else number
        raise errors.FormatError(
            f"{what} is a composite of type {name}", remedy="Sparse and ragged ones can be read."
        )
    raise errors.FormatError(f"{what} has a damaged type description")


# State.


def _read_variables(
    meta_graph: Any, nodes: Nodes, checkpoint: Checkpoint
) -> dict[str, VariableSpec]:
    trainable = {
        query.get_node(nodes, _parse_ref(_read_variable_def(value).variable_name).node).name
        for value in _collection(meta_graph, "trainable_variables", "bytes")
    }
    specs: dict[str, VariableSpec] = {}
    for value in _collection(meta_graph, "variables", "bytes"):
        proto = _read_variable_def(value)
        node = query.get_node(nodes, _parse_ref(proto.variable_name).node)
        dtype = attributes.get_dtype(node, "dtype")
        _check_dtype(dtype, f"variable {node.name!r}")
        spec = VariableSpec(
            name=node.name,
            node=node.name,
            dtype=dtype,
            shape=read_shape(node.attrs["shape"].shape) if "shape" in node.attrs else None,
            trainable=node.name in trainable,
            checkpoint_key=_checkpoint_key(node.name, proto, checkpoint),
            slice=_read_slice(proto),
        )
        if specs.setdefault(node.name, spec) != spec:
            raise errors.FormatError("two entries describe the variable", node=node.name)
    return specs | dict(_aliases(nodes, specs))


def _read_variable_def(value: bytes) -> Any:
    return _parse_message(variable_pb2.VariableDef, value, "an entry of a variables collection")


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


def _aliases(nodes: Nodes, specs: Mapping[str, VariableSpec]) -> Iterator[tuple[str, VariableSpec]]:
    """Yields the other nodes of a variable of `specs`: those with its shared name."""
    handles = op_facts.VARIABLE_HANDLES | op_facts.REF_VARIABLES
    owners = {_shared_name(nodes[name]): spec for name, spec in specs.items()}
    for name, node in nodes.items():
        if node.op in handles and name not in specs and _shared_name(node) in owners:
            yield name, owners[_shared_name(node)]


def _shared_name(node: Any) -> tuple[bytes, bytes]:
    """The container and name under which a session keeps the variable of `node`."""
    shared = node.attrs["shared_name"].s if "shared_name" in node.attrs else b""
    container = node.attrs["container"].s if "container" in node.attrs else b""
    return container, shared or node.name.encode()


def _read_tables(meta_graph: Any, nodes: Nodes) -> dict[str, TableSpec]:
    roots = [_parse_ref(name).node for name in _collection(meta_graph, "table_initializer", "node")]
    initializers: dict[str, list[str]] = {
        name: [] for name, node in nodes.items() if node.op in _TABLE_HANDLES
    }
    needed = query.reachable(nodes, roots)
    for name in (name for name in nodes if name in needed):
        for table in _find_filled(nodes, nodes[name]):
            if table in initializers:
                initializers[table].append(name)
    return {table: TableSpec(table, tuple(ops)) for table, ops in initializers.items()}


def _find_filled(nodes: Nodes, node: Node) -> list[str]:
    """Returns the nodes that may be the table that `node` fills, if it fills one.

    An unregistered op may fill any of its inputs. It is kept, so that compiling refuses it.
    """
    count = op_facts.output_count(node)
    refs = node.inputs if count is None else node.inputs[:1] if count == 0 else ()
    return [source_of(nodes, ref, IDENTITIES).node for ref in refs]


def _read_assets(meta_graph: Any) -> dict[str, AssetSpec]:
    assets: dict[str, AssetSpec] = {}
    for value in _collection(meta_graph, _ASSETS, "any"):
        proto = _parse_message(meta_graph_pb2.AssetFileDef, value.value, f"collection {_ASSETS!r}")
        asset = AssetSpec(_parse_ref(proto.tensor_info.name).node, proto.filename)
        if assets.setdefault(asset.node, asset) != asset:
            raise errors.FormatError("two assets belong to one node", node=asset.node)
    return assets


def _read_contexts(meta_graph: Any) -> Iterator[Any]:
    for key, kind in _CONTEXTS.items():
        for value in _collection(meta_graph, key, "bytes"):
            yield _parse_message(kind, value, f"an entry of collection {key!r}")


def _read_attachments(meta_graph: Any) -> dict[str, bytes]:
    attachments = (
        _parse_message(hub_protos.ModuleAttachment, value, "an attached message")
        for value in _collection(meta_graph, _ATTACHMENTS, "bytes")
    )
    return {attachment.key: attachment.value for attachment in attachments}
