"""Upper bounds for the number of elements of constants whose shapes depend on values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from converter.ir.graph import Node
from converter.safety.extent import Extent
from converter.safety.shape_rules import BINARY_OPS, REDUCTIONS, UNARY_OPS

_MAX_RANK = 254  # Source: tensorflow/core/framework/tensor_shape.h.

# From the elements of each input.
_Bound = Callable[[Sequence[int]], int]


def _largest(counts: Sequence[int]) -> int:
    return max(counts)


def _product(counts: Sequence[int]) -> int:
    return math.prod(max(count, 1) for count in counts)


_BOUNDS: Mapping[str, _Bound] = {
    **dict.fromkeys(("Rank", "Size"), lambda _: 1),
    **dict.fromkeys(("Shape", "ShapeN"), lambda _: _MAX_RANK),
    **dict.fromkeys(UNARY_OPS, _largest),
    **dict.fromkeys(REDUCTIONS, _largest),
    **dict.fromkeys(
        ("ArgMax", "ArgMin", "Cumprod", "Cumsum", "DynamicPartition", "ExpandDims", "IdentityN",
         "ListDiff", "NonMaxSuppression", "NonMaxSuppressionV2", "NonMaxSuppressionV3", "Reshape",
         "Reverse", "ReverseV2", "Slice", "Split", "SplitV", "Squeeze", "StridedSlice", "TopK",
         "TopKV2", "Transpose", "Unique", "UniqueV2", "UniqueWithCounts", "UniqueWithCountsV2",
         "Unpack"),
        _largest,
    ),
    **dict.fromkeys(
        ("AddN", "Concat", "ConcatV2", "Pack", "SparseAdd", "SparseConcat", "SparseReorder",
         "SparseSlice"),
        sum,
    ),
    **dict.fromkeys(BINARY_OPS, _product),
    **dict.fromkeys(
        ("BatchMatMul", "BatchMatMulV2", "Gather", "GatherNd", "GatherV2", "MatMul", "Select",
         "SelectV2", "SparseReshape"),
        _product,
    ),
    # Their indices have as many columns as their inputs have dimensions.
    "DenseToDenseSetOperation": lambda counts: sum(counts) * _MAX_RANK,
    "Where": lambda counts: counts[0] * 8,  # More dimensions have no kernel.
}  # fmt: skip
# Of strings: at most two numbers for each byte.
_OF_BYTES = frozenset({"DecodeRaw", "StringSplit", "StringSplitV2", "UnicodeDecode"})


def find_most_elements(
    node: Node, inputs: Sequence[Extent], sizes_bytes: Sequence[int]
) -> int | None:
    """Returns how many elements an output of a node has at most; None if that is not known.

    Args:
      node: The node.
      inputs: What is known of its inputs.
      sizes_bytes: The memory that each input takes at most.
    """
    if node.op in _OF_BYTES:
        return 2 * (sum(sizes_bytes) + 1)
    counts = [extent.most_elements for extent in inputs]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return None
    if node.op == "Tile" and inputs[1].known_value is not None:
        return known[0] * _product([int(times) for times in inputs[1].known_value.flat])
    return _BOUNDS[node.op](known) if node.op in _BOUNDS else None
