"""TensorFlow reads what the converter reads; more on it is in test_checkpoint.py, beside ours."""

import numpy as np
import pytest
import tensorflow as tf

from converter.ir.graph import SliceSpec, VariableSpec
from converter.tensor_bundle.checkpoint import read_checkpoint
from converter.tensor_bundle.tensorflow_reader import read_with_tensorflow

_TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)
_WHOLE = VariableSpec("table", "n", 1, (4, 3), True, "table")
_PART = VariableSpec("part", "n", 1, (2, 3), True, "table", SliceSpec((4, 3), (1, 0), (2, 3)))


@pytest.fixture(params=[[(0, 4)], [(0, 2), (2, 2)]], ids=["whole", "in parts"])
def checkpoint(request, tmp_path):
    """A [4, 3] table, stored as a whole or in parts of rows."""
    starts = request.param
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "variables"),
        tensor_names=["table"] * len(starts),
        shape_and_slices=[f"4 3 {start},{size}:0,3" for start, size in starts],
        tensors=[tf.constant(_TABLE[start : start + size]) for start, size in starts],
    )
    return read_checkpoint(tmp_path / "variables")


@pytest.mark.parametrize("spec", [_WHOLE, _PART], ids=["the whole", "a part"])
def test_it_reads_wherever_it_is_called(checkpoint, spec):
    """The original's variables are read while its graph is being built."""
    expected = _TABLE if spec.slice is None else _TABLE[1:3]
    np.testing.assert_array_equal(read_with_tensorflow(checkpoint, spec), expected)
    with tf.Graph().as_default() as graph:
        np.testing.assert_array_equal(read_with_tensorflow(checkpoint, spec), expected)
        assert not graph.get_operations()

    @tf.function
    def traced():
        return tf.constant(read_with_tensorflow(checkpoint, spec))

    np.testing.assert_array_equal(traced().numpy(), expected)
