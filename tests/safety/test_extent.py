import numpy as np
import pytest
import tensorflow as tf

from converter.safety.extent import as_stored, item_bytes, valued


@pytest.mark.parametrize(
    "dtype",
    [tf.bool, tf.int8, tf.uint8, tf.int16, tf.half, tf.bfloat16, tf.int32, tf.float32, tf.int64,
     tf.float64, tf.complex64, tf.complex128, tf.qint8, tf.quint16],
    ids=lambda dtype: dtype.name,
)  # fmt: skip
def test_sizes_are_those_of_tensorflow(dtype):
    assert item_bytes(dtype.as_datatype_enum) == dtype.size


@pytest.mark.parametrize(("dtype", "most"), [(tf.int32, 2**31 - 1), (tf.int64, 2**63 - 1)])
def test_a_number_that_wraps_around_is_not_known(dtype, most):
    assert as_stored(valued([most]).value, dtype.as_datatype_enum) is not None
    assert as_stored(valued([most + 1]).value, dtype.as_datatype_enum) is None
    assert as_stored(valued([None]).value, dtype.as_datatype_enum) is not None


def test_a_float_is_rounded_as_it_is_stored():
    value = valued([16777217.0, None])
    assert as_stored(value.value, tf.float32.as_datatype_enum).tolist() == [16777216.0, None]
    assert as_stored(value.value, tf.float64.as_datatype_enum).tolist() == [16777217.0, None]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e39, 1e-39])
def test_a_float_that_may_become_another_is_not_known(number):
    assert as_stored(valued([number]).value, tf.float32.as_datatype_enum) is None


def test_numbers_of_other_dtypes_are_not_followed():
    assert as_stored(valued([1]).value, tf.uint8.as_datatype_enum) is None
    assert as_stored(valued([1.0]).value, tf.bfloat16.as_datatype_enum) is None


def test_large_values_are_not_followed():
    assert valued(np.zeros(1024)).value is not None
    assert valued(np.zeros(1025)).value is None
    assert valued(np.zeros(1025)).shape == (1025,)
