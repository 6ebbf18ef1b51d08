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


@pytest.mark.parametrize("info", [_DENSE, _SPARSE, _RAGGED])
def test_components_have_the_dtypes_that_the_signature_declares(info):
    specs = values.component_specs(info)
    assert tuple(spec.dtype.as_datatype_enum for spec in specs) == info.component_dtypes


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


def test_parts_whose_shapes_contradict_each_other_are_refused():
    parts = [tf.zeros([4, 2], tf.int64), tf.fill([4], "a"), tf.zeros([3], tf.int64)]
    with tf.Graph().as_default():
        graph_parts = [tf.constant(part.numpy()) for part in parts]
        with pytest.raises(errors.ConversionError, match="the parts of a sparse value do not fit"):
            values.compose(graph_parts, _SPARSE)
