"""The static shapes of inputs and outputs: what signatures say of them, and what nodes say."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from converter import errors
from converter.ir.attributes import INFERRED_SHAPES, Shape, read_shape
from converter.ir.graph import Kind, Nodes, TensorInfo, TensorRef


def check_input_shape(info: TensorInfo, nodes: Nodes, what: str) -> None:
    """Checks that an input of the shape that its signature declares can be fed.

    Raises:
      FormatError: if no tensor is of that shape and of the shape that TF1 inferred.
    """
    for ref, shape in zip(info.components, info.component_shapes, strict=True):
        known = _inferred_shape(ref, nodes)
        if known is not _NOT_WRITTEN and not tf.TensorShape(shape).is_compatible_with(known):
            raise errors.FormatError(
                f"{what} has shape {tf.TensorShape(shape)}, but the tensor that it feeds has shape"
                f" {tf.TensorShape(known)}",
                node=ref.node,
            )


def drop_promises(info: TensorInfo, nodes: Nodes) -> TensorInfo:
    """Returns an output without sizes that the exporter did not know.

    TF1 writes the shape that it infers to the signature and to the node, so that they are equal. A
    size that only the signature has was edited in; TF1 ignores it, while TensorFlow 2 would take it
    for the truth, and gradients of an output of another size would fail.

    Args:
      info: What the signature says.
      nodes: The nodes of the graph.
    """
    # The length of the dense shape of a sparse value is its rank.
    known = _inferred_shape(info.components[2 if info.kind is Kind.SPARSE else 0], nodes)
    if info.shape is None or known is _NOT_WRITTEN:
        return info
    shape = _agreed_shape(info, info.shape, known)
    return info if shape == info.shape else dataclasses.replace(info, shape=shape)


# A node says nothing; one that says "of unknown rank" says None.
_NOT_WRITTEN: Shape = (-1,)


def _inferred_shape(ref: TensorRef, nodes: Nodes) -> Shape:
    node = nodes.get(ref.node)
    if node is None or INFERRED_SHAPES not in node.attrs:
        return _NOT_WRITTEN
    written = node.attrs[INFERRED_SHAPES].list.shape
    return read_shape(written[ref.index]) if ref.index < len(written) else _NOT_WRITTEN


def _agreed_shape(info: TensorInfo, shape: tuple[int | None, ...], known: Shape) -> Shape:
    if known is None:
        return None
    if info.kind is Kind.SPARSE:
        return None if known == (None,) else shape
    outer = info.ragged_rank if info.kind is Kind.RAGGED else 0
    if len(known) + outer != len(shape):
        return shape  # Compiling refuses it.
    sizes = zip(shape[outer:], known, strict=True)
    return shape[:outer] + tuple(size if inferred is not None else None for size, inferred in sizes)
