"""Finds which ids, words or encodings a graph expects of an input."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from converter.formats.legacy_module import LegacyModule
from converter.ir import constants
from converter.ir.graph import Node, Program, TensorRef
from converter.parity.example_inputs import PARSERS, Feature, read_features

# Ops that hand on the elements of an input, maybe in another order or shape.
_SEE_THROUGH = frozenset(
    {
        "BroadcastTo", "Cast", "ConcatV2", "DynamicPartition", "Enter", "ExpandDims", "FloorDiv",
        "FloorMod", "Gather", "GatherNd", "GatherV2", "Identity", "Maximum", "Merge", "Minimum",
        "Pack", "PlaceholderWithDefault", "RaggedTensorToTensor", "RegexReplace", "Reshape",
        "Select", "SelectV2", "Slice", "SparseFillEmptyRows", "SparseReorder", "SparseReshape",
        "SparseTensorDenseAdd", "SparseToDense", "Split", "SplitV", "Squeeze", "StaticRegexReplace",
        "StopGradient", "StridedSlice", "StringLower", "StringStrip", "StringUpper", "Switch",
        "TensorArrayConcatV3", "TensorArrayGatherV3", "TensorArrayReadV3", "TensorArrayScatterV3",
        "TensorArraySplitV3", "TensorArrayWriteV3", "Tile", "Transpose", "Unique", "UniqueV2",
        "Unpack",
    }
)  # fmt: skip
_COMPARISONS = frozenset({"Greater", "GreaterEqual", "Less", "LessEqual"})
_SPLITS_TEXT = frozenset({"StringSplit", "StringSplitV2", "StringNGrams"})
# Of these ops, inputs behind the first say where or how, not what.
_FIRST_ONLY = frozenset(
    {
        "BroadcastTo", "ExpandDims", "Gather", "GatherNd", "GatherV2", "RegexReplace", "Reshape",
        "Slice", "SplitV", "StridedSlice", "StringSplit", "StringSplitV2", "Tile", "Transpose",
    }
)  # fmt: skip
# Op -> (which input are the ids, which input is indexed by them).
_INDEXED = {
    "Gather": (1, 0),
    "GatherNd": (1, 0),
    "GatherV2": (1, 0),
    "ResourceGather": (1, 0),
    "ResourceGatherNd": (1, 0),
    **{
        f"{prefix}Scatter{action}": (1, 0)
        for prefix in ("", "Resource")
        for action in ("Add", "Div", "Max", "Min", "Mul", "Sub", "Update")
    },
}
# Op -> (which input are the ids, which input is their number).
_COUNTED = {
    "OneHot": (0, 1),
    "UnsortedSegmentMax": (1, 2),
    "UnsortedSegmentMin": (1, 2),
    "UnsortedSegmentProd": (1, 2),
    "UnsortedSegmentSum": (1, 2),
}
# Op -> (which input is multiplied, by which matrix, the axis of that which must fit).
_WIDTHS = {
    "Conv2D": (0, 1, 2),
    "MatMul": (0, 1, 0),
    "SparseTensorDenseMatMul": (1, 3, 0),
}
_LOOKUPS = frozenset({"LookupTableFind", "LookupTableFindV2"})
_DECODERS = {
    "DecodeBase64": "base64",
    "DecodeBmp": "bmp",
    "DecodeGif": "gif",
    "DecodeImage": "png",
    "DecodeJpeg": "jpeg",
    "DecodeAndCropJpeg": "jpeg",
    "DecodePng": "png",
    "DecodeRaw": "raw",
    "StringToNumber": "number",
}
# Input -> the ops for which it is a shape, a size or what one is compared with.
_SHAPE_INPUTS = {
    0: frozenset({"Equal", "Greater", "GreaterEqual", "Less", "LessEqual"}),
    1: frozenset(
        {
            "BroadcastTo", "Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "Reshape",
            "ResizeArea", "ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor", "Split",
            "SplitV",
        }
    ),
    2: frozenset({"Slice"}),
}  # fmt: skip
_LEAST_SIZE, _MOST_SIZE, _MOST_SIZES_EACH = 1, 2048, 8
# Op -> the input that is a shape or a number of repetitions.
_SIZES = {
    "BroadcastTo": 1, "Fill": 0, "RandomStandardNormal": 0, "RandomUniform": 0,
    "RandomUniformInt": 0, "Reshape": 1, "Tile": 1, "TruncatedNormal": 0,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Use:
    """The way in which a graph uses the elements of an input.

    Attributes:
      limit: Ids must be less than this.
      keys: Keys of a table in which they are looked up.
      in_sentences: Whether they are split into words first.
      encoding: What they are decoded from, such as `png`.
      is_size: Whether they are sizes of a shape.
      is_compared: Whether they are compared with numbers, as the trip count of a loop is.
      width: How long the last axis must be.
      features: What they are parsed for as serialized `tf.Example`s.
    """

    limit: int | None = None
    keys: tuple[Any, ...] = ()
    in_sentences: bool = False
    encoding: str = ""
    is_size: bool = False
    is_compared: bool = False
    width: int | None = None
    features: tuple[Feature, ...] = ()


class UseFinder:
    """Looks up what the graphs of one variant do with their inputs.

    Args:
      legacy: The module; None if the variant names no assets.
      program: The graph variant.
    """

    def __init__(self, legacy: LegacyModule | None, program: Program) -> None:
        self._legacy = legacy
        self._program = program
        self._users: dict[TensorRef, list[tuple[Node, int]]] = {}
        for node in program.nodes.values():
            for position, ref in enumerate(node.inputs):
                self._users.setdefault(ref, []).append((node, position))
        self._outputs: dict[str, list[TensorRef]] = {}
        for ref in self._users:
            self._outputs.setdefault(ref.node, []).append(ref)

    def find(self, ref: TensorRef) -> Use:
        """Returns what the graph does with the elements of a tensor."""
        use = Use()
        for node, position in self.walk(ref):
            if node.op in _SPLITS_TEXT:
                use = dataclasses.replace(use, in_sentences=True)
            limit = self._limit(node, position)
            if limit is not None and (use.limit is None or limit < use.limit):
                use = dataclasses.replace(use, limit=limit)
            if node.op in _LOOKUPS and position == 1 and not use.keys:
                use = dataclasses.replace(use, keys=self._table_keys(node.inputs[0].node))
            if node.op in _DECODERS and position == 0 and not use.encoding:
                use = dataclasses.replace(use, encoding=_DECODERS[node.op])
            if node.op in _WIDTHS and _WIDTHS[node.op][0] == position and use.width is None:
                use = dataclasses.replace(use, width=self._width(node))
            if node.op in PARSERS and position == 0 and not use.features:
                use = dataclasses.replace(use, features=read_features(node, self._find_value))
            if _SIZES.get(node.op) == position:
                use = dataclasses.replace(use, is_size=True)
            if node.op in _COMPARISONS:
                use = dataclasses.replace(use, is_compared=True)
        return use

    def walk(self, ref: TensorRef) -> Iterator[tuple[Node, int]]:
        """The ops that take a tensor's elements, and as which of their inputs."""
        stack, seen = [ref], {ref}
        while stack:
            for node, position in self._users.get(stack.pop(), ()):
                yield node, position
                is_value = position == 0 or node.op not in _FIRST_ONLY
                if is_value and node.op in _SEE_THROUGH | _SPLITS_TEXT:
                    more = [r for r in self._outputs.get(node.name, ()) if r not in seen]
                    seen.update(more)
                    stack.extend(more)

    def sizes(self, refs: Iterable[TensorRef]) -> list[int]:
        """The sizes that the graph behind some tensors is made for, the most likely first.

        They stand in constants that ops take for shapes and sizes, and in shapes of weights.
        """
        found: collections.Counter[int] = collections.Counter()
        for node in self._behind(refs):
            found.update(self._sizes_of(node))
        likely = [size for size in found if _LEAST_SIZE <= size <= _MOST_SIZE]
        return sorted(likely, key=lambda size: (-found[size], size))

    def _behind(self, refs: Iterable[TensorRef]) -> Iterator[Node]:
        stack, seen = list(refs), set()
        while stack:
            for node, _ in self._users.get(stack.pop(), ()):
                if node.name not in seen:
                    seen.add(node.name)
                    yield node
                    stack.extend(self._outputs.get(node.name, ()))

    def _sizes_of(self, node: Node) -> Iterator[int]:
        for position, ref in enumerate(node.inputs):
            source = self._source(ref)
            if source.op == "Const" and node.op in _SHAPE_INPUTS.get(position, ()):
                array = tf.make_ndarray(source.attrs["value"].tensor)
                yield from (int(size) for size in array.reshape(-1)[:_MOST_SIZES_EACH])
        if node.op in _WIDTHS:
            width, result = self._width(node), self._width(node, of_result=True)
            # A matrix after a flattened image, by the side of a square one, too.
            yield from () if width is None else (width, math.isqrt(width))
            # What is compared with the result, such as labels, has its size.
            yield from () if result is None else (result,)

    def _limit(self, node: Node, position: int) -> int | None:
        if node.op in _COUNTED and _COUNTED[node.op][0] == position:
            return self._constant(node.inputs[_COUNTED[node.op][1]])
        if node.op in _INDEXED and _INDEXED[node.op][0] == position:
            axis = self._constant(node.inputs[2]) if node.op == "GatherV2" else 0
            return self._size(node.inputs[_INDEXED[node.op][1]], axis or 0)
        return None

    def _width(self, node: Node, *, of_result: bool = False) -> int | None:
        """How long the last axis of what a matrix multiplies must be, or that of the result is."""
        _, matrix, axis = _WIDTHS[node.op]
        axis += of_result
        transposed = any(
            key in node.attrs and node.attrs[key].b for key in ("transpose_b", "adjoint_b")
        )
        return self._size(node.inputs[matrix], 1 - axis if transposed else axis)

    def _constant(self, ref: TensorRef) -> int | None:
        node = self._source(ref)
        if node.op != "Const" or node.attrs["value"].tensor.tensor_shape.dim:
            return None
        return int(tf.make_ndarray(node.attrs["value"].tensor).item())

    def _find_value(self, ref: TensorRef) -> np.ndarray | None:
        return constants.find_value(self._source(ref))

    def _size(self, ref: TensorRef, axis: int) -> int | None:
        """How many entries a constant or a variable has along an axis."""
        node = self._source(ref)
        shape: tuple[int | None, ...] | None = None
        if node.name in self._program.variables:
            variable = self._program.variables[node.name]
            # Ids into a partitioned variable count over all of its parts.
            shape = variable.slice.full_shape if variable.slice else variable.shape
        elif node.op == "Const":
            shape = tuple(dim.size for dim in node.attrs["value"].tensor.tensor_shape.dim)
        if shape is None or not -len(shape) <= axis < len(shape):
            return None
        return shape[axis]

    def _source(self, ref: TensorRef) -> Node:
        node = self._program.nodes[ref.node]
        seen: set[str] = set()
        while node.op in ("Identity", "ReadVariableOp", "Enter", "Cast") and node.name not in seen:
            seen.add(node.name)
            node = self._program.nodes[node.inputs[0].node]
        return node

    # Tables.

    def _table_keys(self, name: str) -> tuple[Any, ...]:
        table = self._program.tables.get(self._source(TensorRef(name)).name)
        keys: list[Any] = []
        for initializer in table.initializers if table else ():
            node = self._program.nodes[initializer]
            if "TextFile" in node.op:
                keys += self._keys_in_file(node)
            elif len(node.inputs) > 1:
                keys += self._keys_in_graph(node.inputs[1])
        return tuple(dict.fromkeys(keys))

    def _keys_in_graph(self, ref: TensorRef) -> list[Any]:
        node = self._source(ref)
        if node.op != "Const":
            return []
        keys: list[Any] = tf.make_ndarray(node.attrs["value"].tensor).reshape(-1).tolist()
        return keys

    def _keys_in_file(self, node: Node) -> list[Any]:
        """The keys in a vocabulary (source: InitializeTableFromTextFileV2, attr `key_index`)."""
        asset = self._program.assets.get(self._source(node.inputs[1]).name)
        if asset is None or self._legacy is None:
            return []
        lines = self._legacy.asset_path(asset.filename).read_bytes().splitlines()
        column = node.attrs["key_index"].i
        if column == -1:
            return list(range(len(lines)))
        if column == -2:
            return list(lines)
        delimiter = node.attrs["delimiter"].s if "delimiter" in node.attrs else b"\t"
        cells = [line.split(delimiter) for line in lines]
        return [row[column] for row in cells if len(row) > column]
