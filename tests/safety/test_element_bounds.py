"""Upper bounds against what TensorFlow computes."""

import numpy as np
import pytest
import tensorflow as tf

from converter.ir import serde
from converter.ir.graph import Node, TensorRef
from converter.safety.element_bounds import find_most_elements
from converter.safety.extent import UNKNOWN, Extent, valued

_R = tf.raw_ops
_NUMBERS = [3, 1, 3, 2, 1, 1]
_CALLS = {
    "where": lambda: _R.Where(condition=tf.ones([2, 3, 1, 1, 1, 1, 1, 4], tf.bool)),
    "unique": lambda: _R.Unique(x=_NUMBERS),
    "list_diff": lambda: _R.ListDiff(x=_NUMBERS, y=[9]),
    "dynamic_partition": lambda: _R.DynamicPartition(
        data=_NUMBERS, partitions=[0, 1, 0, 0, 0, 0], num_partitions=2
    ),
    "non_max_suppression": lambda: _R.NonMaxSuppression(
        boxes=[[0.0, 0.0, 1.0, 1.0], [5.0, 5.0, 6.0, 6.0]], scores=[0.5, 0.4], max_output_size=9
    ),
    "sparse_reshape": lambda: _R.SparseReshape(
        input_indices=np.array([[0], [1], [5]], np.int64),
        input_shape=np.array([6], np.int64),
        new_shape=np.array([2, 3, *[1] * 30], np.int64),
    ),
    "set_operation": lambda: _R.DenseToDenseSetOperation(
        set1=tf.ones([1] * 9 + [5], tf.int32) * tf.range(5),
        set2=tf.ones([1] * 9 + [1], tf.int32),
        set_operation="union",
    ),
    "string_split": lambda: _R.StringSplit(input=["a b c d"], delimiter=" "),
    "unicode_decode": lambda: _R.UnicodeDecode(input=["abcdef"], input_encoding="UTF-8"),
    "decode_raw": lambda: _R.DecodeRaw(bytes=["abcdefgh"], out_type=tf.uint8),
    "matmul": lambda: _R.MatMul(a=tf.ones([7, 1]), b=tf.ones([1, 7])),
    "outer_sum": lambda: _R.AddV2(x=tf.ones([7, 1]), y=tf.ones([1, 7])),
    "gather": lambda: _R.GatherV2(params=tf.ones([3, 4]), indices=[0] * 9, axis=0),
    "tile": lambda: _R.Tile(input=tf.ones([3]), multiples=[5]),
    "shape": lambda: _R.Shape(input=tf.ones([1] * 20)),
}


@pytest.mark.parametrize("name", _CALLS)
def test_no_output_has_more_elements(name):
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        made = _CALLS[name]()
        operation = (made[0] if isinstance(made, (tuple, list)) else made).op
        given, outputs = session.run([list(operation.inputs), list(operation.outputs)])
    node = serde.nodes_from_graph_def(graph.as_graph_def())[operation.name]
    known = [isinstance(value, np.ndarray) and value.dtype.kind == "i" for value in given]
    inputs = [
        valued(value.tolist()) if is_known else Extent(np.shape(value), longest=_longest(value))
        for value, is_known in zip(given, known, strict=True)
    ]
    most = find_most_elements(node, inputs, [_bytes(value) for value in given])
    assert most is not None
    assert max(np.size(output) for output in outputs) <= most


def _longest(value):
    texts = np.asarray(value, object).reshape(-1)
    return max((len(text) for text in texts if isinstance(text, bytes)), default=0)


def _bytes(value):
    array = np.asarray(value)
    return array.size * (24 + _longest(value)) if array.dtype.kind in "OS" else array.nbytes


def test_nothing_is_said_of_what_depends_on_values():
    fill = Node("f", "Fill", (TensorRef("dims"), TensorRef("zero")))
    assert find_most_elements(fill, [Extent((2,)), Extent(())], [8, 4]) is None


def test_nothing_is_said_of_inputs_without_a_bound():
    reshape = Node("r", "Reshape", (TensorRef("x"), TensorRef("dims")))
    assert find_most_elements(reshape, [UNKNOWN, Extent((2,))], [0, 8]) is None
    assert find_most_elements(reshape, [Extent((None,), most=9), Extent((2,))], [36, 8]) == 9
