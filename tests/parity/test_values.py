import pickle

import numpy as np
import pytest
import tensorflow as tf

from converter.ir.graph import Kind, TensorInfo
from converter.parity.values import (
    RaggedValue,
    SparseValue,
    as_array,
    from_components,
    from_tensor,
    has_nan,
    loss_weights,
    name_assets,
    part_names,
    to_components,
    to_tensor,
)

_SPARSE = SparseValue(
    np.array([[0, 1]], np.int64), np.array([b"x"], object), np.array([2, 3], np.int64)
)
_RAGGED = RaggedValue(
    np.array([1.0, 2.0], np.float32),
    (np.array([0, 0, 2], np.int32), np.array([0, 1, 2], np.int32)),
)
_BFLOAT16 = np.array([1.5], tf.bfloat16.as_numpy_dtype)
_VALUES = {
    "dense": np.array([[1, 2]], np.uint16),
    "scalar string": np.array(b"a\0", object),
    "no strings": np.zeros((0, 2), object),
    "bfloat16": _BFLOAT16,
    "complex": np.array([1 + 2j], np.complex64),
    "sparse": _SPARSE,
    "ragged": _RAGGED,
}


def _assert_same(one, other):
    assert type(one) is type(other)
    for left, right in zip(to_components(one), to_components(other), strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("name", _VALUES)
def test_tensors_and_back(name):
    _assert_same(from_tensor(to_tensor(_VALUES[name])), _VALUES[name])


@pytest.mark.parametrize("name", _VALUES)
def test_survives_pickling(name):
    _assert_same(pickle.loads(pickle.dumps(_VALUES[name])), _VALUES[name])


@pytest.mark.parametrize(("value", "kind"), [(_SPARSE, Kind.SPARSE), (_RAGGED, Kind.RAGGED)])
def test_components_and_back(value, kind):
    info = TensorInfo(kind, 1, None, ())
    _assert_same(from_components(to_components(value), info), value)


def test_part_names():
    assert part_names("x", np.zeros(2)) == ["x"]
    assert part_names("x", _SPARSE) == ["x_indices", "x_values", "x_dense_shape"]
    assert part_names("x", _RAGGED) == ["x_component_0", "x_component_1", "x_component_2"]


def test_arrays_do_not_share_memory():
    original = np.ones(3)
    copy = as_array(original)
    original[0] = 5
    assert copy[0] == 1


def test_bytes_keep_trailing_zeros():
    assert as_array(b"a\0").item() == b"a\0"


def test_has_nan():
    assert has_nan(np.array([1, np.nan], np.float16))
    assert has_nan(RaggedValue(np.array([np.nan]), ()))
    assert not has_nan(np.array([1, np.inf]))
    assert not has_nan(np.array([b"nan"], object))
    assert not has_nan(np.array([1], np.int64))


def test_names_assets_by_file_name_and_content(tmp_path):
    paths = []
    for place, content in (("one", "same"), ("two", "same"), ("three", "other")):
        path = tmp_path / place / "assets" / "vocab.txt"
        path.parent.mkdir(parents=True)
        path.write_text(content)
        paths.append(name_assets(np.array(str(path).encode(), object), tmp_path / place))
    assert paths[0] == paths[1]
    assert paths[0] != paths[2]
    assert b"vocab.txt" in paths[0].item()


def test_leaves_other_strings_alone(tmp_path):
    strings = np.array([[b"/etc/hosts", b""]], object)
    np.testing.assert_array_equal(name_assets(strings, tmp_path), strings)
    numbers = np.ones(2)
    assert name_assets(numbers, tmp_path) is numbers


def test_weights_of_a_loss_let_no_gradient_vanish_in_a_sum():
    logits = tf.Variable([[1.0, 2.0, 3.0], [3.0, 1.0, 1.0]])
    with tf.GradientTape() as tape:
        probabilities = tf.nn.softmax(logits)
    gradient = tape.gradient(probabilities, logits, loss_weights(probabilities))
    assert np.abs(gradient).min() > 1e-3


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16, tf.float32, tf.float64])
def test_weights_of_a_loss_have_the_shape_and_dtype_of_the_output(dtype):
    weights = loss_weights(tf.zeros([0, 3], dtype))
    assert (weights.shape, weights.dtype) == ((0, 3), dtype)
    assert loss_weights(tf.constant(5, dtype)).numpy() == 1
