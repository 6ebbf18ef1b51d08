import numpy as np
import pytest
import tensorflow as tf

from converter.safety.extent import in_range, item_bytes, valued


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
    assert in_range(valued([most]).value, dtype.as_datatype_enum) is not None
    assert in_range(valued([most + 1]).value, dtype.as_datatype_enum) is None
    assert in_range(valued([None]).value, dtype.as_datatype_enum) is not None


def test_large_values_are_not_followed():
    assert valued(np.zeros(1024)).value is not None
    assert valued(np.zeros(1025)).value is None
    assert valued(np.zeros(1025)).shape == (1025,)
