"""Finds the inputs that are serialized tf.Examples, and the features that these must have.

Source: `ParseExample`, `ParseExampleV2` and `ParseSingleExample` in parsing_ops.cc.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterator, Sequence

from tensorflow.core.framework import types_pb2

from converter.ir import attributes, constants
from converter.ir.aliases import IDENTITIES, trail
from converter.ir.graph import Node, Program, TensorRef

EXAMPLE_PARSERS = frozenset({"ParseExample", "ParseExampleV2", "ParseSingleExample"})
_DTYPES = frozenset({types_pb2.DT_FLOAT, types_pb2.DT_INT64, types_pb2.DT_STRING})
# They change the shape of the batch alone.
_PASS_ON = IDENTITIES | {"ExpandDims", "PlaceholderWithDefault", "Reshape", "Squeeze"}


@dataclasses.dataclass(frozen=True, slots=True)
class Feature:
    """A feature without a default, which each example must have.

    Attributes:
      dtype: The `DataType` number of its values.
      count: How many values it has; a list of any length has some of that many.
    """

    dtype: int
    count: int


def find_features(program: Program, components: Collection[TensorRef]) -> dict[str, Feature] | None:
    """Returns the features that an input must have; None if nothing parses it.

    Args:
      program: The graph variant.
      components: The tensors that the input feeds.
    """
    found: dict[str, Feature] | None = None
    for node in program.nodes.values():
        if node.op in EXAMPLE_PARSERS and node.inputs:
            serialized = trail(program.nodes, node.inputs[0], _PASS_ON)
            if any(ref in components for ref in serialized):
                found = {**(found or {}), **dict(_required_features(program, node))}
    return found


def _required_features(program: Program, node: Node) -> Iterator[tuple[str, Feature]]:
    if not {"Tdense", "dense_shapes"} <= node.attrs.keys():
        return
    dtypes = attributes.get_dtypes(node, "Tdense")
    shapes = map(attributes.read_shape, node.attrs["dense_shapes"].list.shape)
    defaults = node.inputs[len(node.inputs) - len(dtypes) :]
    keys = _dense_keys(program, node, len(dtypes))
    for key, dtype, shape, default in zip(keys, dtypes, shapes, defaults, strict=False):
        value = constants.find_constant(program.nodes, default, IDENTITIES)
        count = math.prod(1 if size is None else size for size in shape or ())
        is_required = value is None or not value.size
        if is_required and dtype in _DTYPES and count <= constants.MAX_ELEMENTS:
            yield key, Feature(dtype, count)


def _dense_keys(program: Program, node: Node, count: int) -> Sequence[str]:
    """The names of features of fixed lengths, as far as they are constants."""
    if node.op == "ParseSingleExample":
        keys = list(node.attrs["dense_keys"].list.s) if "dense_keys" in node.attrs else []
    elif node.op == "ParseExampleV2":
        keys = _read(program, node.inputs[3:4])
    else:
        keys = _read(program, node.inputs[len(node.inputs) - 2 * count : len(node.inputs) - count])
    return [key.decode(errors="replace") for key in keys]


def _read(program: Program, refs: Sequence[TensorRef]) -> list[bytes]:
    values = [constants.find_constant(program.nodes, ref, IDENTITIES) for ref in refs]
    if any(value is None or value.dtype != object for value in values):
        return []
    return [key for value in values if value is not None for key in value.reshape(-1).tolist()]
