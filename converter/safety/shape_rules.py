"""The shapes and values of frequent ops, computed in Python from those of their inputs.

TensorFlow's own shape functions know the rest (`infer_alone` of `bounds.py`), at ten times the
cost. Source: the shape functions in tensorflow/core/ops.

What a rule says is exact; a rule that cannot tell returns `UNKNOWN`. A bound would not do: a graph
may subtract the size of one tensor from a number, and what was too large is too small then.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converter.ir import attributes, constants
from converter.ir.attributes import Shape
from converter.ir.graph import Node
from converter.safety.extent import MAX_VALUE_ELEMENTS, UNKNOWN, Extent, valued

Rule = Callable[[Node, Sequence[Extent]], Extent]

# They return their input's buffer, so they take no memory.
ALIASES = frozenset({
    "CheckNumerics", "Const", "EnsureShape", "ExpandDims", "Identity", "IdentityN",
    "PlaceholderWithDefault", "PreventGradient", "Reshape", "Snapshot", "Squeeze", "StopGradient",
})  # fmt: skip

UNARY_OPS = (
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cast", "Ceil", "CheckNumerics",
    "Cos", "Cosh", "Elu", "Erf", "Erfc", "Exp", "Expm1", "FakeQuantWithMinMaxArgs",
    "FakeQuantWithMinMaxVars", "Floor", "Identity", "Inv", "IsFinite", "IsInf", "IsNan",
    "LeakyRelu", "Log", "Log1p", "LogSoftmax", "LogicalNot", "Neg", "OnesLike",
    "PreventGradient", "Reciprocal", "Relu", "Relu6", "Rint", "Round", "Rsqrt", "Selu",
    "Sigmoid", "Sign", "Sin", "Sinh", "Snapshot", "Softmax", "Softplus", "Softsign", "Sqrt",
    "Square", "StopGradient", "Tan", "Tanh", "ZerosLike",
)  # fmt: skip
_VALUES_OF_ONE: Mapping[str, Callable[[Any], Any]] = {
    "Abs": abs, "Ceil": math.ceil, "Floor": math.floor, "LogicalNot": operator.not_,
    "Neg": operator.neg, "OnesLike": lambda _: 1, "Square": lambda value: value * value,
    "ZerosLike": lambda _: 0,
}  # fmt: skip
_CASTS: Mapping[type, Callable[[Any], Any]] = {
    np.bool_: bool, np.int32: int, np.int64: int, np.float32: float, np.float64: float,
}  # fmt: skip
BINARY_OPS: Mapping[str, Callable[[Any, Any], Any] | None] = {
    "Add": operator.add, "AddV2": operator.add, "Sub": operator.sub, "Mul": operator.mul,
    "FloorDiv": operator.floordiv, "RealDiv": operator.truediv, "FloorMod": operator.mod,
    "Maximum": max, "Minimum": min, "Less": operator.lt, "LessEqual": operator.le,
    "Greater": operator.gt, "GreaterEqual": operator.ge, "Equal": operator.eq,
    "NotEqual": operator.ne, "LogicalAnd": operator.and_, "LogicalOr": operator.or_,
    **dict.fromkeys(
        ("Atan2", "BiasAdd", "Div", "DivNoNan", "Mod", "MulNoNan", "Pow", "SquaredDifference",
         "TruncateDiv", "TruncateMod", "Xdivy", "Xlogy")
    ),
}  # fmt: skip
REDUCTIONS: Mapping[str, Callable[[Any], Any] | None] = {
    "Prod": math.prod, "Sum": sum, "Max": max, "Min": min, "All": all, "Any": any, "Mean": None,
}  # fmt: skip
# Of floats, TensorFlow rounds each step, in an order of its own.
_EXACT_FOR_INTEGERS = frozenset({"FloorDiv", "FloorMod", "Prod", "Sum"})


def broadcast(first: Shape, second: Shape) -> Shape:
    """The shape of an elementwise op; None if it is unknown, or there is none."""
    if first is None or second is None:
        return None
    rank = max(len(first), len(second))
    pairs = zip(_padded(first, rank), _padded(second, rank), strict=True)
    return tuple(_broadcast_size(one, other) for one, other in pairs)


def _padded(shape: tuple[int | None, ...], rank: int) -> tuple[int | None, ...]:
    return (1,) * (rank - len(shape)) + shape


def _broadcast_size(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        known = other if one is None else one
        return None if known == 1 else known
    return other if one == 1 else one


def _unary(node: Node, inputs: Sequence[Extent]) -> Extent:
    value = inputs[0].value
    function = _cast(node) if node.op == "Cast" else _VALUES_OF_ONE.get(node.op)
    if value is not None and function is not None:
        computed = np.frompyfunc(lambda v: None if v is None else function(v), 1, 1)(value)
        value = np.array(computed, dtype=object)
    elif node.op not in ALIASES:
        value = None
    return Extent(inputs[0].shape, value, longest=inputs[0].longest)


def _cast(node: Node) -> Callable[[Any], Any] | None:
    if attributes.find_bool(node, "Truncate"):
        return None
    return _CASTS.get(tf.as_dtype(attributes.get_dtype(node, "DstT")).as_numpy_dtype)


def _is_of_integers(node: Node) -> bool:
    return tf.as_dtype(attributes.get_dtype(node, "T")).is_integer


def _binary(node: Node, inputs: Sequence[Extent]) -> Extent:
    shape = broadcast(inputs[0].shape, inputs[1].shape)
    function = BINARY_OPS[node.op]
    if node.op in _EXACT_FOR_INTEGERS and not _is_of_integers(node):
        function = None
    values = [extent.value for extent in inputs]
    longest = sum(extent.longest for extent in inputs)  # Add concatenates strings.
    if function is None or any(value is None for value in values):
        return Extent(shape, longest=longest)

    def apply(one: Any, other: Any) -> Any:
        return None if one is None or other is None else function(one, other)

    return Extent(shape, np.array(np.frompyfunc(apply, 2, 1)(*values), dtype=object))


def _reduction(node: Node, inputs: Sequence[Extent]) -> Extent:
    value, axes = inputs[0].known_value, inputs[1].known_value
    function = REDUCTIONS[node.op]
    if node.op in _EXACT_FOR_INTEGERS and not _is_of_integers(node):
        function = None
    keeps = attributes.find_bool(node, "keep_dims")
    if function and value is not None and value.ndim == 1 and axes is not None and axes.size == 1:
        result = function(list(value))
        return valued([result] if keeps else result)
    shape = inputs[0].shape
    if shape is None or axes is None:
        return UNKNOWN
    reduced = {int(axis) % max(len(shape), 1) for axis in axes.flat}
    sizes = [1 if i in reduced else n for i, n in enumerate(shape) if keeps or i not in reduced]
    return Extent(tuple(sizes))


def _shape(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    shape = inputs[0].shape
    return UNKNOWN if shape is None else valued(shape)


def _rank(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    shape = inputs[0].shape
    return Extent(()) if shape is None else valued(len(shape))


def _size(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    return Extent(()) if inputs[0].elements is None else valued(inputs[0].elements)


def _pack(node: Node, inputs: Sequence[Extent]) -> Extent:
    axis = attributes.find_int(node, "axis")
    longest = max((extent.longest for extent in inputs), default=0)
    if axis == 0 and _are_few([e.value for e in inputs]):
        return valued(np.stack([e.value for e in inputs if e.value is not None]))
    if axis == 0 and all(e.shape == () for e in inputs) and len(inputs) <= MAX_VALUE_ELEMENTS:
        return valued([None if e.value is None else e.value.item() for e in inputs])
    shape = next((e.shape for e in inputs if e.shape is not None), None)
    if shape is None:
        return UNKNOWN
    place = axis % (len(shape) + 1)
    return Extent((*shape[:place], len(inputs), *shape[place:]), longest=longest)


def _are_few(values: Sequence[np.ndarray | None]) -> bool:
    """Whether all values are known, at least in part, and are few together."""
    known = [value for value in values if value is not None]
    return len(known) == len(values) and sum(map(np.size, known)) <= MAX_VALUE_ELEMENTS


def _concat(node: Node, inputs: Sequence[Extent]) -> Extent:
    axis_at = 0 if node.op == "Concat" else -1
    parts = list(inputs[1:] if node.op == "Concat" else inputs[:-1])
    axis = inputs[axis_at].known_value
    if axis is None or any(part.shape is None for part in parts):
        return UNKNOWN
    values = [part.value for part in parts]
    if _are_few(values) and all(value is not None and value.ndim == 1 for value in values):
        return valued([v for value in values if value is not None for v in value])
    shapes = [part.shape for part in parts if part.shape is not None]
    place = int(axis.item()) % max(len(shapes[0]), 1)
    if any(len(shape) != len(shapes[0]) for shape in shapes) or not shapes[0]:
        return UNKNOWN
    sizes = [shape[place] for shape in shapes]
    total = None if None in sizes else sum(size for size in sizes if size is not None)
    merged = [next((s[i] for s in shapes if s[i] is not None), None) for i in range(len(shapes[0]))]
    merged[place] = total
    return Extent(tuple(merged), longest=max(part.longest for part in parts))


def _reshape(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    if inputs[1].value is None:
        return UNKNOWN
    sizes = [None if size is None else int(size) for size in inputs[1].value.flat]
    if None not in sizes and sizes.count(-1) == 1 and inputs[0].elements is not None:
        others = math.prod(size for size in sizes if size is not None and size != -1)
        sizes[sizes.index(-1)] = inputs[0].elements // others if others else 0
    shape = tuple(None if size is None or size < 0 else size for size in sizes)
    value = inputs[0].value
    is_full = value is not None and None not in shape and math.prod(shape) == value.size  # type: ignore[arg-type]
    reshaped = value.reshape(shape) if is_full and value is not None else None  # type: ignore[arg-type]
    return Extent(shape, reshaped, longest=inputs[0].longest)


def _expand_dims(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    shape, axis = inputs[0].shape, inputs[1].known_value
    if shape is None or axis is None:
        return UNKNOWN
    place = int(axis.item()) % (len(shape) + 1)
    value = None if inputs[0].value is None else np.expand_dims(inputs[0].value, place)
    return Extent((*shape[:place], 1, *shape[place:]), value, longest=inputs[0].longest)


def _squeeze(node: Node, inputs: Sequence[Extent]) -> Extent:
    shape = inputs[0].shape
    dims = node.attrs["squeeze_dims"].list.i if "squeeze_dims" in node.attrs else []
    if shape is None or (not dims and None in shape):
        return UNKNOWN
    wanted = {int(dim) % max(len(shape), 1) for dim in dims}
    keep = [i for i, n in enumerate(shape) if (i not in wanted if wanted else n != 1)]
    sizes = tuple(shape[i] for i in keep)
    value = inputs[0].value
    can = value is not None and None not in sizes and math.prod(sizes) == value.size  # type: ignore[arg-type]
    reshaped = value.reshape(sizes) if can and value is not None else None  # type: ignore[arg-type]
    return Extent(sizes, reshaped, longest=inputs[0].longest)


def _transpose(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    shape, order = inputs[0].shape, inputs[1].known_value
    if shape is None or order is None or sorted(order.flat) != list(range(len(shape))):
        return UNKNOWN
    return Extent(tuple(shape[int(i)] for i in order.flat), longest=inputs[0].longest)


def _sized(sizes: Extent, longest: int = 0) -> Extent:
    """A tensor whose shape is the value of another."""
    if sizes.value is None:
        return UNKNOWN
    shape = tuple(None if size is None else max(int(size), 0) for size in sizes.value.flat)
    return Extent(shape, longest=longest)


def _fill(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    made = _sized(inputs[0], inputs[1].longest)
    value = inputs[1].known_value
    if value is not None and made.elements is not None and made.elements <= MAX_VALUE_ELEMENTS:
        sizes = [size or 0 for size in made.shape or ()]
        return valued(np.full(sizes, value.item(), dtype=object))
    return made


def _tile(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    shape, multiples = inputs[0].shape, inputs[1].value
    if shape is None or multiples is None or multiples.size != len(shape):
        return UNKNOWN
    pairs = zip(shape, multiples.flat, strict=True)
    sizes = tuple(None if n is None or m is None else n * max(int(m), 0) for n, m in pairs)
    return Extent(sizes, longest=inputs[0].longest)


def _broadcast_to(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    return _sized(inputs[1], inputs[0].longest)


def _range(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    values = [extent.known_value for extent in inputs]
    if any(value is None for value in values):
        return Extent((None,))
    start, limit, delta = (value.item() for value in values if value is not None)
    if not delta:
        return UNKNOWN
    if all(isinstance(number, int) for number in (start, limit, delta)):
        numbers = range(start, limit, delta)
        count = max(0, -((start - limit) // delta))
        return valued(list(numbers)) if count <= MAX_VALUE_ELEMENTS else Extent((count,))
    steps = (limit - start) / delta
    if not math.isfinite(steps):
        return UNKNOWN
    count = max(0, math.ceil(steps))
    is_exact = abs(delta) == 1 and all(_is_small_integer(number) for number in (start, limit))
    return Extent((count,)) if is_exact else Extent((None,), most=2 * count + 1)


def _is_small_integer(number: float) -> bool:
    """Whether differences of such numbers are exact as floats of any size but half."""
    return number == int(number) and abs(number) < 1 << 23


def _gather(node: Node, inputs: Sequence[Extent]) -> Extent:
    params, indices = inputs[:2]
    axis = inputs[2].known_value if len(inputs) > 2 else np.array(0, dtype=object)
    if axis is None or axis.item() != 0 or attributes.find_int(node, "batch_dims"):
        return UNKNOWN
    value, chosen = params.value, indices.known_value
    if value is not None and chosen is not None and value.ndim == 1:
        if all(0 <= int(i) < value.size for i in chosen.flat):
            return valued(np.array(value[chosen.astype(int)], dtype=object))
        return UNKNOWN
    if not params.shape or indices.shape is None:
        return UNKNOWN
    return Extent((*indices.shape, *params.shape[1:]), longest=params.longest)


def _slice(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    value, (begin, size) = inputs[0].value, (extent.known_value for extent in inputs[1:3])
    if begin is None or size is None:
        return UNKNOWN
    if value is not None and value.ndim == 1 and begin.size == size.size == 1:
        first, count = int(begin.item()), int(size.item())
        return valued(value[first:] if count < 0 else value[first : first + count])
    shape = inputs[0].shape
    if shape is None or len(shape) != size.size:
        return UNKNOWN
    triples = zip(shape, begin.flat, size.flat, strict=True)
    sizes = [(None if n is None else n - int(b)) if s == -1 else int(s) for n, b, s in triples]
    return Extent(tuple(sizes), longest=inputs[0].longest)


def _strided_slice(node: Node, inputs: Sequence[Extent]) -> Extent:
    """Of vectors alone, which shapes are."""
    value, parts = inputs[0].value, [extent.known_value for extent in inputs[1:4]]
    is_plain = not any(
        attributes.find_int(node, mask) for mask in ("ellipsis_mask", "new_axis_mask")
    )
    if value is None or value.ndim != 1 or not is_plain:
        return UNKNOWN
    if any(part is None or part.size != 1 for part in parts):
        return UNKNOWN
    begin, end, stride = (int(part.item()) for part in parts if part is not None)
    if attributes.find_int(node, "shrink_axis_mask") & 1:
        return valued(value[begin]) if -value.size <= begin < value.size else UNKNOWN
    if not stride:
        return UNKNOWN
    first = None if attributes.find_int(node, "begin_mask") & 1 else begin
    last = None if attributes.find_int(node, "end_mask") & 1 else end
    return valued(value[first:last:stride])


def _matmul(node: Node, inputs: Sequence[Extent]) -> Extent:
    first, second = inputs[0].shape, inputs[1].shape
    if first is None or second is None or len(first) < 2 or len(second) < 2:
        return UNKNOWN
    flips = ("transpose_a", "transpose_b") if node.op == "MatMul" else ("adj_x", "adj_y")
    rows = first[-1] if attributes.find_bool(node, flips[0]) else first[-2]
    columns = second[-2] if attributes.find_bool(node, flips[1]) else second[-1]
    batch = broadcast(first[:-2], second[:-2])
    return UNKNOWN if batch is None else Extent((*batch, rows, columns))


def _add_n(node: Node, inputs: Sequence[Extent]) -> Extent:
    del node
    return Extent(next((e.shape for e in inputs if e.shape is not None), None))


def _const(node: Node, inputs: Sequence[Extent]) -> Extent:
    del inputs
    shape = constants.find_shape(node)
    if shape is None:
        return UNKNOWN
    tensor = node.attrs["value"].tensor
    longest = max(map(len, tensor.string_val), default=0)
    if math.prod(shape) <= MAX_VALUE_ELEMENTS and not tensor.string_val:
        value = constants.find_value(node)
        if value is not None and value.dtype.kind in "iufb":
            return Extent(shape, value.astype(object))
    return Extent(shape, longest=longest)


def _select(node: Node, inputs: Sequence[Extent]) -> Extent:
    condition = inputs[0].known_value
    longest = max(extent.longest for extent in inputs)
    if condition is not None and condition.ndim == 0 and inputs[1].shape == inputs[2].shape:
        return inputs[1] if condition.item() else inputs[2]
    if node.op == "Select":
        shapes = [extent.shape for extent in inputs[1:] if extent.shape is not None]
        return Extent(shapes[0], longest=longest) if shapes else UNKNOWN
    shape = broadcast(inputs[0].shape, broadcast(inputs[1].shape, inputs[2].shape))
    return Extent(shape, longest=longest)


# With several outputs.


def _unpack(node: Node, inputs: Sequence[Extent]) -> list[Extent]:
    count, axis = attributes.find_int(node, "num"), attributes.find_int(node, "axis")
    value, shape = inputs[0].value, inputs[0].shape
    if value is not None and value.ndim and axis == 0 and len(value) == count:
        return [valued(part) for part in value]
    if shape is None:
        return [UNKNOWN] * count
    place = axis % max(len(shape), 1)
    made = Extent((*shape[:place], *shape[place + 1 :]), longest=inputs[0].longest)
    return [made] * count


def _split(node: Node, inputs: Sequence[Extent]) -> list[Extent]:
    by_number = node.op == "Split"
    source, axis = (inputs[1], inputs[0]) if by_number else (inputs[0], inputs[2])
    count = attributes.find_int(node, "num_split")
    place, shape = axis.known_value, source.shape
    if place is None or not shape:
        return [UNKNOWN] * count
    at = int(place.item()) % len(shape)
    total = shape[at]
    sizes = _split_sizes(total, count, None if by_number else inputs[1])
    if source.value is not None and len(shape) == 1 and None not in sizes:
        ends = np.cumsum([size for size in sizes if size is not None])
        return [valued(part) for part in np.split(source.value, ends[:-1])]
    return [Extent((*shape[:at], size, *shape[at + 1 :]), longest=source.longest) for size in sizes]


def _split_sizes(total: int | None, count: int, given: Extent | None) -> list[int | None]:
    if given is None:
        return [None if total is None else total // count] * count
    if given.known_value is None:
        return [None] * count
    sizes = [int(size) for size in given.known_value.flat]
    rest = None if total is None else total - sum(size for size in sizes if size >= 0)
    return [size if size >= 0 else rest for size in sizes]


def _shape_n(node: Node, inputs: Sequence[Extent]) -> list[Extent]:
    return [_shape(node, [extent]) for extent in inputs]


def _identity_n(node: Node, inputs: Sequence[Extent]) -> list[Extent]:
    del node
    return [Extent(e.shape, e.value, longest=e.longest) for e in inputs]


RULES_OF_SEVERAL: Mapping[str, Callable[[Node, Sequence[Extent]], list[Extent]]] = {
    "IdentityN": _identity_n,
    "ShapeN": _shape_n,
    "Split": _split,
    "SplitV": _split,
    "Unpack": _unpack,
}
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(UNARY_OPS, _unary),
    **dict.fromkeys(BINARY_OPS, _binary),
    **dict.fromkeys(REDUCTIONS, _reduction),
    "AddN": _add_n,
    "BatchMatMul": _matmul,
    "BatchMatMulV2": _matmul,
    "BroadcastTo": _broadcast_to,
    "Concat": _concat,
    "ConcatV2": _concat,
    "Const": _const,
    "ExpandDims": _expand_dims,
    "Fill": _fill,
    "Gather": _gather,
    "GatherV2": _gather,
    "MatMul": _matmul,
    "Pack": _pack,
    "Range": _range,
    "Rank": _rank,
    "Reshape": _reshape,
    "Select": _select,
    "SelectV2": _select,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "Tile": _tile,
    "Transpose": _transpose,
}
