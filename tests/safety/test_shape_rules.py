"""The rules against TensorFlow: what they know of a tensor is what a session computes."""

import numpy as np
import pytest
import tensorflow as tf

from converter.ir import serde
from converter.ir.graph import TensorRef
from converter.safety.bounds import _apply_rule
from converter.safety.extent import UNKNOWN, Extent, valued
from converter.safety.shape_rules import RULES, RULES_OF_SEVERAL, broadcast

_R = tf.raw_ops


def _const(*numbers, dtype=tf.int32):
    return tf.constant(numbers[0] if len(numbers) == 1 else numbers, dtype)


def _zeros(*sizes):
    return _R.Fill(dims=list(sizes), value=0.5)


_VECTOR = (3, 1, 2)
# By op, calls of it whose values the rules should know, and calls of which they know the shape.
_VALUES = {
    "Abs": lambda: _R.Abs(x=_const(-3, 4)),
    "Add": lambda: _R.Add(x=_const(1, 2), y=_const(3)),
    "AddV2": lambda: _R.AddV2(x=[[1], [2]], y=[3, 4]),
    "All": lambda: _R.All(input=[True, False], axis=[0]),
    "Any": lambda: _R.Any(input=[True, False], axis=[0], keep_dims=True),
    "Cast": lambda: _R.Cast(x=_const(2.7, -2.7, dtype=tf.float32), DstT=tf.int32),
    "Ceil": lambda: _R.Ceil(x=_const(2.1, -2.1, dtype=tf.float32)),
    "Concat": lambda: _R.Concat(concat_dim=0, values=[[1, 2], [3]]),
    "ConcatV2": lambda: _R.ConcatV2(values=[[1, 2], [3]], axis=-1),
    "Const": lambda: _const(*_VECTOR),
    "Equal": lambda: _R.Equal(x=[1, 2], y=[1, 3]),
    "ExpandDims": lambda: _R.ExpandDims(input=_const(*_VECTOR), axis=-1),
    "Fill": lambda: _R.Fill(dims=[2, 3], value=7),
    "Floor": lambda: _R.Floor(x=_const(2.1, -2.1, dtype=tf.float32)),
    "FloorDiv": lambda: _R.FloorDiv(x=[7, -7], y=[2, 2]),
    "FloorMod": lambda: _R.FloorMod(x=[7, -7], y=[3, 3]),
    "Gather": lambda: _R.Gather(params=_const(*_VECTOR), indices=[2, 0]),
    "GatherV2": lambda: _R.GatherV2(params=_const(*_VECTOR), indices=[[2], [0]], axis=0),
    "Greater": lambda: _R.Greater(x=[1, 2], y=[1, 1]),
    "GreaterEqual": lambda: _R.GreaterEqual(x=[1, 2], y=[1, 3]),
    "Identity": lambda: _R.Identity(input=_const(*_VECTOR)),
    "IdentityN": lambda: _R.IdentityN(input=[_const(*_VECTOR), _const(1)])[1],
    "Less": lambda: _R.Less(x=[1, 2], y=[1, 3]),
    "LessEqual": lambda: _R.LessEqual(x=[1, 2], y=[1, 1]),
    "LogicalAnd": lambda: _R.LogicalAnd(x=[True, False], y=[True, True]),
    "LogicalNot": lambda: _R.LogicalNot(x=[True, False]),
    "LogicalOr": lambda: _R.LogicalOr(x=[True, False], y=[False, False]),
    "Max": lambda: _R.Max(input=_const(*_VECTOR), axis=[0]),
    "Maximum": lambda: _R.Maximum(x=[1, 5], y=[3, 4]),
    "Min": lambda: _R.Min(input=_const(*_VECTOR), axis=[0]),
    "Minimum": lambda: _R.Minimum(x=[1, 5], y=[3, 4]),
    "Mul": lambda: _R.Mul(x=[1, 5], y=[3, 4]),
    "Neg": lambda: _R.Neg(x=_const(*_VECTOR)),
    "NotEqual": lambda: _R.NotEqual(x=[1, 5], y=[1, 4]),
    "OnesLike": lambda: _R.OnesLike(x=_const(*_VECTOR)),
    "Pack": lambda: _R.Pack(values=[[1, 2], [3, 4]]),
    "Prod": lambda: _R.Prod(input=_const(*_VECTOR), axis=[0], keep_dims=True),
    "Range": lambda: _R.Range(start=7, limit=-3, delta=-2),
    "Rank": lambda: _R.Rank(input=_zeros(2, 3)),
    "RealDiv": lambda: _R.RealDiv(x=[1.0, 3.0], y=[2.0, 2.0]),
    "Reshape": lambda: _R.Reshape(tensor=[1, 2, 3, 4], shape=[2, -1]),
    "Select": lambda: _R.Select(condition=True, x=[1, 2], y=[3, 4]),
    "SelectV2": lambda: _R.SelectV2(condition=False, t=[1, 2], e=[3, 4]),
    "Shape": lambda: _R.Shape(input=_zeros(2, 3)),
    "ShapeN": lambda: _R.ShapeN(input=[_zeros(2, 3), _zeros(4)])[1],
    "Size": lambda: _R.Size(input=_zeros(2, 3)),
    "Slice": lambda: _R.Slice(input=_const(*_VECTOR), begin=[1], size=[-1]),
    "Split": lambda: _R.Split(axis=0, value=[1, 2, 3, 4], num_split=2)[1],
    "SplitV": lambda: _R.SplitV(value=[1, 2, 3], size_splits=[1, 2], axis=0, num_split=2)[1],
    "Square": lambda: _R.Square(x=_const(*_VECTOR)),
    "Squeeze": lambda: _R.Squeeze(input=[[5]], axis=[1]),
    "StridedSlice": lambda: _const(*_VECTOR)[1:],
    "Sub": lambda: _R.Sub(x=[1, 5], y=[3, 4]),
    "Sum": lambda: _R.Sum(input=_const(*_VECTOR), axis=[0]),
    "Unpack": lambda: _R.Unpack(value=[4, 5, 6], num=3)[1],
    "ZerosLike": lambda: _R.ZerosLike(x=_const(*_VECTOR)),
}
_SHAPES = {
    "AddN": lambda: _R.AddN(inputs=[_zeros(40, 50), _zeros(40, 50)]),
    "AddV2": lambda: _R.AddV2(x=_zeros(40, 1, 50), y=_zeros(60, 1)),
    "BatchMatMulV2": lambda: _R.BatchMatMulV2(x=_zeros(5, 1, 40, 30), y=_zeros(6, 50, 30),
                                              adj_y=True),
    "BatchMatMul": lambda: _R.BatchMatMul(x=_zeros(5, 30, 40), y=_zeros(5, 30, 50), adj_x=True),
    "BroadcastTo": lambda: _R.BroadcastTo(input=[1.0], shape=[40, 50]),
    "ConcatV2": lambda: _R.ConcatV2(values=[_zeros(40, 50), _zeros(40, 7)], axis=1),
    "Fill": lambda: _zeros(40, 50),
    "GatherV2": lambda: _R.GatherV2(params=_zeros(40, 50), indices=[[1], [2]], axis=0),
    "MatMul": lambda: _R.MatMul(a=_zeros(30, 40), b=_zeros(50, 30), transpose_a=True,
                                transpose_b=True),
    "Mean": lambda: _R.Mean(input=_zeros(40, 50, 2), axis=[1], keep_dims=True),
    "Pack": lambda: _R.Pack(values=[_zeros(40, 50), _zeros(40, 50)], axis=-1),
    "Range": lambda: _R.Range(start=0.0, limit=5000.0, delta=1.0),
    "Reshape": lambda: _R.Reshape(tensor=_zeros(40, 50), shape=[-1, 10, 20]),
    "Slice": lambda: _R.Slice(input=_zeros(40, 50), begin=[1, 2], size=[-1, 30]),
    "Split": lambda: _R.Split(axis=1, value=_zeros(40, 50), num_split=5)[2],
    "SplitV": lambda: _R.SplitV(value=_zeros(40, 50), size_splits=[20, 30], axis=1,
                                num_split=2)[1],
    "Squeeze": lambda: _R.Squeeze(input=_zeros(40, 1, 50, 1), axis=[-1]),
    "Sum": lambda: _R.Sum(input=_zeros(40, 50, 2), axis=[0, -1]),
    "Tanh": lambda: _R.Tanh(x=_zeros(40, 50)),
    "Tile": lambda: _R.Tile(input=_zeros(40, 50), multiples=[3, 1]),
    "Transpose": lambda: _R.Transpose(x=_zeros(40, 50, 60), perm=[2, 0, 1]),
    "Unpack": lambda: _R.Unpack(value=_zeros(40, 50, 3), num=3, axis=-1)[1],
    "SelectV2": lambda: _R.SelectV2(condition=[[True], [False]], t=_zeros(2, 50), e=0.0),
    "Select": lambda: _R.Select(condition=[True] * 40, x=_zeros(40, 50), y=_zeros(40, 50)),
}  # fmt: skip


def _extent(build):
    """What rules know of the tensor that `build` makes, and its value."""
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        tensor = tf.convert_to_tensor(build())
        value = session.run(tensor)
    known = {}
    for node in serde.nodes_from_graph_def(graph.as_graph_def()).values():
        inputs = [known[ref] for ref in node.inputs]
        many = RULES_OF_SEVERAL.get(node.op)
        made = many(node, inputs) if many else [RULES[node.op](node, inputs)]
        known.update((TensorRef(node.name, index), extent) for index, extent in enumerate(made))
    return known[TensorRef.parse(tensor.name)], value


@pytest.mark.parametrize("op", _VALUES)
def test_values_are_those_of_tensorflow(op):
    extent, value = _extent(_VALUES[op])
    assert extent.shape == value.shape
    assert extent.value is not None
    np.testing.assert_array_equal(np.array(extent.value.tolist()), value)


@pytest.mark.parametrize("op", _SHAPES)
def test_shapes_are_those_of_tensorflow(op):
    extent, value = _extent(_SHAPES[op])
    assert extent.shape == value.shape


def test_every_rule_is_compared():
    elementwise = {"_unary", "_binary"}
    rest = {op for op, rule in RULES.items() if rule.__name__ not in elementwise}
    assert rest | set(RULES_OF_SEVERAL) <= {*_VALUES, *_SHAPES}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((3, 1), (4,), (3, 4)),
        ((None, 1), (4,), (None, 4)),
        ((None,), (4,), (4,)),
        ((None,), (1,), (None,)),
        (None, (4,), None),
        ((), (), ()),
    ],
)
def test_broadcasting(one, other, expected):
    assert broadcast(one, other) == expected


def test_a_value_that_is_known_in_part():
    extent = valued([None, 7])
    assert extent.known_value is None
    assert extent.shape == (2,)
    assert UNKNOWN.elements is None
    assert Extent((None, 3)).elements is None
    assert Extent((2, 3)).size_bytes(tf.float32.as_datatype_enum) == 24
    assert Extent((2,), longest=10).size_bytes(tf.string.as_datatype_enum) == 68


# Numbers that TensorFlow rounds, wraps around, or takes for another.
_INTEGERS = [0, 1, -1, 2, 3, -7, 127, 255, 256, 65535, 46341, 2**31 - 1, -(2**31), 2**62]
_FLOATS = [0.0, 1.0, -1.0, 0.1, 0.3, 2.5, -2.5, 16777217.0, 1e8, -1e8, 1e-39, 1e38, 3.5e38, 7.0]
_UNARY = ("Abs", "Cast", "Ceil", "Floor", "Neg", "OnesLike", "Square", "Sqrt", "ZerosLike")
_BINARY = ("AddV2", "Sub", "Mul", "FloorDiv", "RealDiv", "FloorMod", "Maximum", "Minimum", "Less",
           "LessEqual", "Greater", "GreaterEqual", "Equal", "NotEqual")  # fmt: skip
_REDUCED = ("Sum", "Prod", "Max", "Min", "Mean")


def _try_each(op, dtype, numbers):
    """Pairs of what rules know and what TensorFlow computes, for random inputs."""
    stored = np.array(numbers).astype(dtype.as_numpy_dtype)
    random = np.random.default_rng(0)
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        built = [_build(op, dtype, random.choice(stored, (2, 3))) for _ in range(20)]
        outputs = [tensor for tensor in built if tensor is not None]
        values = [_run(session, tensor) for tensor in outputs]
    known = {}
    for node in serde.nodes_from_graph_def(graph.as_graph_def()).values():
        extents = _apply_rule(node, [known[ref] for ref in node.inputs])
        known.update((TensorRef(node.name, index), extent) for index, extent in enumerate(extents))
    return [
        (known[TensorRef.parse(tensor.name)], value)
        for tensor, value in zip(outputs, values, strict=True)
    ]


def _build(op, dtype, numbers):
    one, other = (tf.constant(row, dtype) for row in numbers)
    try:
        if op == "Cast":
            return _R.Cast(x=one, DstT=tf.int32 if dtype.is_floating else tf.float32)
        if op in _REDUCED:
            return getattr(_R, op)(input=one, axis=[0])
        return getattr(_R, op)(x=one) if op in _UNARY else getattr(_R, op)(x=one, y=other)
    except (TypeError, ValueError):  # There is no such op of this dtype.
        return None


def _run(session, tensor):
    try:
        return session.run(tensor)
    except tf.errors.InvalidArgumentError:  # A division by 0.
        return None


@pytest.mark.parametrize("op", [*_UNARY, *_BINARY, *_REDUCED])
def test_a_known_value_is_exact(op):
    """A graph may subtract it from another, and multiply what is left."""
    followed = 0
    with np.errstate(all="ignore"):
        for dtype in (tf.int32, tf.int64, tf.float32, tf.float64, tf.uint8, tf.bfloat16):
            for extent, value in _try_each(op, dtype, _FLOATS if dtype.is_floating else _INTEGERS):
                if extent.value is not None and value is not None:
                    followed += 1
                    np.testing.assert_array_equal(np.array(extent.value.tolist()), value)
    assert followed or op in ("Mean", "Sqrt")
