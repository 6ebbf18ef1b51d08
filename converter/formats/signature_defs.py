"""Reads the signatures of a MetaGraphDef (source: `SignatureDef` in meta_graph.proto)."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import struct_pb2

from converter import errors, limits
from converter.formats.collection_values import parse_ref
from converter.formats.shapes import check_input_shape, drop_promises
from converter.ir import op_facts
from converter.ir.attributes import read_shape
from converter.ir.graph import Kind, Nodes, Signature, TensorInfo


def read_signatures(
    meta_graph: Any, nodes: Nodes, hidden: Collection[str] = ()
) -> dict[str, Signature]:
    """Reads the signatures of a MetaGraphDef.

    Args:
      meta_graph: The message.
      nodes: The nodes of its graph.
      hidden: The names of those that are for loaders, and not for users.

    Raises:
      FormatError: if one is damaged.
    """
    return {
        name: _read_signature(name, meta_graph.signature_def[name], nodes)
        for name in sorted(meta_graph.signature_def)
        if name not in hidden
    }


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
    check_dtype(read.dtype, what)
    if math.prod(max(size or 1, 1) for size in read.shape or ()) > limits.MAX_ELEMENTS:
        raise errors.FormatError(f"{what} has more elements than TensorFlow can count")
    if read.kind is Kind.RAGGED:
        check_dtype(read.row_splits_dtype, what)
        if read.row_splits_dtype not in (types_pb2.DT_INT32, types_pb2.DT_INT64):
            raise errors.FormatError(f"{what} has row splits that are not integers")
    return read


def check_dtype(dtype: int, what: str) -> None:
    """Checks the number of a dtype.

    Raises:
      FormatError: if TensorFlow has none of that number; `what` has it.
    """
    try:
        tf.as_dtype(dtype)
    except TypeError as error:
        raise errors.FormatError(f"{what} has the unknown dtype {dtype}") from error


def _read_encoding(info: Any, what: str) -> TensorInfo:
    encoding = info.WhichOneof("encoding")
    dtype = info.dtype % op_facts.REF_OFFSET
    shape = read_shape(info.tensor_shape)
    if encoding == "name":
        return TensorInfo(Kind.DENSE, dtype, shape, (parse_ref(info.name),))
    if encoding == "coo_sparse":
        sparse = info.coo_sparse
        names = (
            sparse.indices_tensor_name,
            sparse.values_tensor_name,
            sparse.dense_shape_tensor_name,
        )
        return TensorInfo(Kind.SPARSE, dtype, shape, tuple(parse_ref(name) for name in names))
    if encoding == "composite_tensor":
        return _read_composite(info.composite_tensor, what)
    raise errors.FormatError(f"{what} has the unknown encoding {encoding!r}")


def _read_composite(composite: Any, what: str) -> TensorInfo:
    """Reads a composite's components, in the order of its type's `_to_components`."""
    components = tuple(parse_ref(part.name) for part in composite.components)
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
            f"{what} is a composite of type {name}",
            remedy="Export the signature with dense, sparse or ragged tensors in its place.",
        )
    raise errors.FormatError(f"{what} has a damaged type description")
