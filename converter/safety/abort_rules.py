"""Refuses nodes at which TensorFlow would end the process, rather than raise an error.

Shape functions read attributes and the values of constants. Some rely on what they did not check,
and a failed CHECK cannot be caught. The rules say what such a node has to look like instead; what
every exporter writes does. `scripts/find_aborts` searches for more of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from converter import errors
from converter.ir import attributes, op_facts
from converter.ir.graph import Node
from converter.safety.extent import Extent
from converter.safety.shape_rules import ALIASES, BINARY_OPS, UNARY_OPS

# What is wrong with a node, or None.
_Rule = Callable[[Node, Sequence[Extent]], str | None]

# Their shape functions look at shapes only, or take a value of any rank.
_TAKE_ANY_RANK = (
    ALIASES
    | {*UNARY_OPS, *BINARY_OPS}
    | {"Bitcast", "Rank", "Select", "SelectV2", "Shape", "ShapeN", "Size", "Where"}
)
# Only of these do shape functions read values that they count or index by.
_COUNTS = frozenset({op_facts.DT_INT32, op_facts.DT_INT64})


def check_imports(node: Node, inputs: Sequence[Extent], stored: Collection[str]) -> None:
    """Checks that TensorFlow survives the import of a node.

    Args:
      node: The node.
      inputs: What is known of its inputs.
      stored: The Consts that are before it in the same graph; TensorFlow knows these for sure.

    Raises:
      UnsafeModuleError: if it does not.
    """
    rule = _RULES.get(node.op)
    problem = _check_ranks(node, inputs) or (rule(node, inputs) if rule else None)
    if node.op == "GatherV2":
        problem = problem or _check_gather(node, inputs, stored)
    if problem:
        raise errors.UnsafeModuleError(
            f"op {node.op!r} could crash TensorFlow: {problem}",
            node=node.name,
            remedy="No exporter writes such a node: do not use this module unless you know who"
            " made it.",
        )


def depends_on_shapes(node: Node) -> bool:
    """Whether the rules of a node need the static shapes of its inputs."""
    is_batched = node.op == "GatherV2" and abs(attributes.find_int(node, "batch_dims")) > 1
    return is_batched or node.op in _SHAPED_OPS


def _check_ranks(node: Node, inputs: Sequence[Extent]) -> str | None:
    """A shape function cannot check the rank of a constant that has none before it is computed.

    It reads the value, which TensorFlow computes, as one of the rank that it expects.
    """
    hidden = [i for i, extent in enumerate(inputs) if extent.is_constant and extent.shape is None]
    if not hidden or node.op in _TAKE_ANY_RANK:
        return None
    takes = op_facts.dtypes(node)[0]
    found = [i for i in hidden if takes[i] in _COUNTS]
    return f"its input {found[0]} is a constant of unknown rank" if found else None


def _check_gather(node: Node, inputs: Sequence[Extent], stored: Collection[str]) -> str | None:
    """The rank of the output is computed without a check if the axis is unknown."""
    batch_dims = attributes.find_int(node, "batch_dims")
    ranks = [len(extent.shape) for extent in inputs[:2] if extent.shape is not None]
    # An output of rank -1 is one of unknown rank, and then an error.
    if len(ranks) == 2 and sum(ranks) - batch_dims < 0:
        return f"it has batch_dims={batch_dims} and inputs of rank {ranks[0]} and {ranks[1]}"
    is_known = node.inputs[2].node in stored and inputs[2].known_value is not None
    if not batch_dims or (is_known and abs(batch_dims) <= _MAX_RANK):
        return None
    return f"it has batch_dims={batch_dims} and an axis that is not a Const"


def _check_image(node: Node, inputs: Sequence[Extent]) -> str | None:
    """The kernel, which TensorFlow runs on a constant, needs an element."""
    del node
    is_empty = inputs[0].is_constant and not inputs[0].elements
    return "it encodes an image without elements" if is_empty else None


def _check_rounds(node: Node, inputs: Sequence[Extent]) -> str | None:
    """The kernel counts up to this number, which never ends below 0; Python writes 4."""
    del inputs
    rounds = attributes.find_int(node, "rounds", 4)
    return None if 0 <= rounds <= _MAX_ROUNDS else f"it has rounds={rounds}"


def _check_split(node: Node, inputs: Sequence[Extent]) -> str | None:
    """A constant is read as a vector."""
    del node
    shape = inputs[1].shape
    if shape is None or len(shape) == 1:
        return None
    return f"its size_splits has rank {len(shape)}, not 1"


def _check_not_scalars(first: int, last: int | None) -> _Rule:
    """The first dimension of these inputs is read before their rank is."""

    def check(node: Node, inputs: Sequence[Extent]) -> str | None:
        del node
        scalars = [i for i, extent in enumerate(inputs) if extent.shape == ()]
        found = [i for i in scalars if i >= first and (last is None or i <= last)]
        return f"its input {found[0]} is a scalar" if found else None

    return check


def _check_length(node: Node, inputs: Sequence[Extent]) -> str | None:
    """A list of as many dimensions is made before its length is checked.

    TensorFlow then takes all memory, or leaves a lock behind, for which the graph's end waits.
    """
    index = RANK_INPUTS[node.op]
    longest = max((size for size in inputs[index].shape or () if size is not None), default=0)
    return f"its input {index} asks for {longest} dimensions" if longest > _MAX_RANK else None


def _check_fixed_length(*indices: int) -> _Rule:
    """So many elements of these constants are read as the op needs, however few there are."""

    def check(node: Node, inputs: Sequence[Extent]) -> str | None:
        known = [index for index in indices if index < len(inputs)]
        hidden = [i for i in known if inputs[i].is_constant and inputs[i].elements is None]
        if hidden:
            return f"its input {hidden[0]} is a constant of unknown length"
        return _check_length(node, inputs) if node.op in RANK_INPUTS else None

    return check


def _check_sound(node: Node, inputs: Sequence[Extent]) -> str | None:
    """The kernel, which TensorFlow runs on a constant, never ends for some attributes."""
    del node
    return "it analyses constant sound" if inputs[0].is_constant else None


# Source: tensorflow/core/framework/tensor_shape.h.
_MAX_RANK = 254
_MAX_ROUNDS = 64
# The inputs that have an element, or a row, for each dimension of the output.
RANK_INPUTS: Mapping[str, int] = {
    **dict.fromkeys(("Empty", "Fill", "StridedSliceGrad"), 0),
    **dict.fromkeys(
        ("BatchToSpaceND", "BroadcastTo", "ConjugateTranspose", "MirrorPad", "MirrorPadGrad",
         "Pad", "PadV2", "Reshape", "SpaceToBatchND", "Tile", "Transpose"),
        1,
    ),
    "ScatterNd": 2,
}  # fmt: skip
# The inputs of which a shape function reads as many elements as it expects.
_FIXED_LENGTH_INPUTS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(
        ("ConjugateTranspose", "DecodeAndCropJpeg", "ExtractGlimpse", "ExtractGlimpseV2", "FFTND",
         "IFFTND", "IRFFT", "IRFFT2D", "IRFFT3D", "IRFFTND", "QuantizedResizeBilinear", "RFFT",
         "RFFT2D", "RFFT3D", "RFFTND", "ResizeArea", "ResizeBicubic", "ResizeBilinear",
         "ResizeNearestNeighbor", "ScaleAndTranslate", "Transpose"),
        (1,),
    ),
    "CropAndResize": (3,),
    "MaxPoolGradGradV2": (3, 4),
    "MaxPoolGradV2": (3, 4),
    "MaxPoolV2": (1, 2),
}  # fmt: skip
# They depend on static shapes, which are followed for them.
_RULES_OF_SHAPES: Mapping[str, _Rule] = {
    "BoostedTreesAggregateStats": _check_not_scalars(0, 0),
    "BoostedTreesExampleDebugOutputs": _check_not_scalars(1, None),
    "BoostedTreesPredict": _check_not_scalars(1, None),
    "BoostedTreesSparseAggregateStats": _check_not_scalars(0, 0),
    "BoostedTreesTrainingPredict": _check_not_scalars(3, None),
}
_SHAPED_OPS = frozenset(_RULES_OF_SHAPES)
# Source: the shape functions in tensorflow/core/ops, as of TensorFlow 2.15 and 2.21.
_RULES: Mapping[str, _Rule] = {
    **dict.fromkeys(("EncodeJpeg", "EncodePng"), _check_image),
    "RandomIndexShuffle": _check_rounds,
    "SplitV": _check_split,
    **dict.fromkeys(RANK_INPUTS, _check_length),
    "AudioMicrofrontend": _check_sound,
    **{op: _check_fixed_length(*indices) for op, indices in _FIXED_LENGTH_INPUTS.items()},
    **_RULES_OF_SHAPES,
}
