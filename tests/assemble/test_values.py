import re

import numpy as np
import pytest
import tensorflow as tf

from converter import errors
from converter.assemble import values
from converter.ir.graph import Kind, TensorInfo, TensorRef

_DENSE = TensorInfo(Kind.DENSE, 1, (None, 2), (TensorRef("x"),))
_SPARSE = TensorInfo(Kind.SPARSE, 7, (None, 3), tuple(TensorRef(n) for n in "ivs"))
_RAGGED = TensorInfo(Kind.RAGGED, 1, (None, None, 4), (TensorRef("f"), TensorRef("r")), 3)


@pytest.mark.parametrize(
    ("info", "spec"),
    [
        (_DENSE, tf.TensorSpec([None, 2], tf.float32)),
        (_SPARSE, tf.SparseTensorSpec([None, 3], tf.string)),
        (_RAGGED, tf.RaggedTensorSpec([None, None, 4], tf.float32, 1, tf.int32)),
    ],
)
def test_value_spec(info, spec):
    assert values.value_spec(info) == spec


def test_component_specs():
    assert values.component_specs(_SPARSE) == [
        tf.TensorSpec([None, 2], tf.int64),
        tf.TensorSpec([None], tf.string),
        tf.TensorSpec([2], tf.int64),
    ]
    assert values.component_specs(_RAGGED) == [
        tf.TensorSpec([None, 4], tf.float32),
        tf.TensorSpec([None], tf.int32),
    ]


def test_component_specs_of_unknown_rank():
    sparse = TensorInfo(Kind.SPARSE, 1, None, _SPARSE.components)
    ranks = [spec.shape.as_list() for spec in values.component_specs(sparse)]
    assert ranks == [[None, None], [None], [None]]
    ragged = TensorInfo(Kind.RAGGED, 1, None, _RAGGED.components, 9)
    assert values.component_specs(ragged)[0].shape.rank is None


def test_component_names_are_those_of_tensorflow_s_v1_loader():
    assert values.component_names("x", _DENSE) == ["x"]
    assert values.component_names("x", _SPARSE) == ["x_indices", "x_values", "x_dense_shape"]
    assert values.component_names("x", _RAGGED) == ["x_component_0", "x_component_1"]


@pytest.mark.parametrize(
    ("info", "value"),
    [
        (_DENSE, tf.constant([[1.0, 2.0]])),
        (_SPARSE, tf.SparseTensor([[0, 1]], ["a"], [2, 3])),
        (_RAGGED, tf.RaggedTensor.from_row_splits(tf.ones([3, 4]), tf.constant([0, 1, 3]))),
    ],
)
def test_compose_puts_together_what_decompose_takes_apart(info, value):
    again = values.compose(values.decompose(value, info), info)
    assert type(again) is type(value)
    for one, other in zip(
        values.decompose(value, info), values.decompose(again, info), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_compose_parts_shares_tensors_out_in_order():
    tensors = [
        tf.constant([[1.0, 2.0]]),
        *values.decompose(tf.SparseTensor([[0, 1]], ["a"], [2, 3]), _SPARSE),
    ]
    outputs = values.compose_parts(tensors, {"one": _DENSE, "two": _SPARSE})
    assert list(outputs) == ["one", "two"]
    assert outputs["two"].values[0] == b"a"


def test_feeds_are_named_by_input_and_component():
    feeds = values.feeds_for({"a": _SPARSE, "b": _DENSE})
    assert [(str(ref), feed.name, feed.dtype) for ref, feed in feeds.items()] == [
        ("i:0", "a", 9),
        ("v:0", "a_1", 7),
        ("s:0", "a_2", 9),
        ("x:0", "b", 1),
    ]


@pytest.mark.parametrize("name", ["a:0", "", "^a", "ünï", "tensor_dict$a"])
def test_arguments_have_names_that_nodes_can_have(name):
    (feed,) = values.feeds_for({name: _DENSE}).values()
    assert re.fullmatch(r"[A-Za-z0-9_./-]+", feed.name)


def test_two_inputs_of_one_tensor_are_refused_by_their_own_names():
    with pytest.raises(errors.ConversionError, match=r"input 'b' .* same tensor as 'a:0'"):
        values.feeds_for({"a:0": _DENSE, "b": _DENSE})
