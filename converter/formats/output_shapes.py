"""The static shapes of outputs: what a signature says of one, as far as its exporter knew it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from converter.ir.attributes import INFERRED_SHAPES, read_shape
from converter.ir.graph import Kind, Node, TensorInfo


def drop_promises(info: TensorInfo, nodes: Mapping[str, Node]) -> TensorInfo:
    """Returns an output without sizes that the exporter did not know.

    TF1 writes the shape that it infers to the signature and to the node, so that they are equal. A
    size that only the signature has was edited in; TF1 ignores it, while TensorFlow 2 would take it
    for the truth, and gradients of an output of another size would fail.

    Args:
      info: What the signature says.
      nodes: The nodes of the graph.
    """
    ref = info.components[0]
    node = nodes.get(ref.node)
    if info.kind is not Kind.DENSE or node is None or INFERRED_SHAPES not in node.attrs:
        return info
    written = node.attrs[INFERRED_SHAPES].list.shape
    if info.shape is None or ref.index >= len(written):
        return info
    known = read_shape(written[ref.index])
    if known is None:
        return dataclasses.replace(info, shape=None)
    if len(known) != len(info.shape):
        return info  # Compiling refuses it.
    sizes = zip(info.shape, known, strict=True)
    shape = tuple(size if inferred is not None else None for size, inferred in sizes)
    return info if shape == info.shape else dataclasses.replace(info, shape=shape)
