"""TensorFlow's own reader of checkpoints, for a comparison that does not rely on ours.

It aborts the process on some damaged files, and allocates what lengths of strings and shapes of
slices promise. So it gets only checkpoints that `checkpoint.read_checkpoint` has checked, and of
strings and slices only those that could be read.
"""

from __future__ import annotations

import os

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from converter.tensor_bundle.checkpoint import Checkpoint, StoredVariable, unreadable_value

# Errors of TensorFlow's checkpoint reader for damaged files, depending on the damage.
_READER_ERRORS = (
    tf.errors.OpError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


def read_with_tensorflow(checkpoint: Checkpoint, variable: StoredVariable) -> np.ndarray:
    """Reads the value of `variable`.

    Raises:
      WeightsError: if there is none, or the data is damaged.
    """
    checkpoint.check(variable)
    is_string = variable.dtype == types_pb2.DT_STRING
    if is_string or checkpoint.entries[variable.checkpoint_key].slices:
        checkpoint.read(variable)
    try:
        return _read(checkpoint, variable)
    except _READER_ERRORS as error:
        raise unreadable_value(variable, error) from error


def _read(checkpoint: Checkpoint, variable: StoredVariable) -> np.ndarray:
    prefix = os.fspath(checkpoint.prefix)
    if variable.slice is None:
        # `tf.train.load_checkpoint` mistakes a prefix on ram:// for a folder.
        reader = tf.compat.v1.train.NewCheckpointReader(prefix)  # noqa: TID251
        value = reader.get_tensor(variable.checkpoint_key)
    else:
        # If the tensor is stored in parts, this op reads only the part. It runs in a graph of its
        # own, since the caller may be building one, in which nothing runs at once.
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:  # noqa: TID251
            [value] = session.run(
                tf.raw_ops.RestoreV2(
                    prefix=prefix,
                    tensor_names=[variable.checkpoint_key],
                    shape_and_slices=[format_slice(variable)],
                    dtypes=[tf.as_dtype(variable.dtype)],
                )
            )
    # By default NumPy makes an array of fixed-size strings, which drops trailing zeros.
    return np.asarray(value, dtype=object if variable.dtype == types_pb2.DT_STRING else None)


def format_slice(variable: StoredVariable) -> str:
    """The part of a variable as RestoreV2 and SaveV2 take it: `10 4 0,5:0,4`."""
    assert variable.slice is not None
    part = zip(variable.slice.offset, variable.slice.shape, strict=True)
    extents = ":".join(f"{start},{size}" for start, size in part)
    return " ".join([*map(str, variable.slice.full_shape), extents])
