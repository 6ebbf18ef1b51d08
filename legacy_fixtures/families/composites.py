"""Sparse and ragged tensors as inputs and outputs."""

from __future__ import annotations

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture

_COLUMNS = 5


def _sparse_input():
    x = tf.sparse_placeholder(tf.float32, name="x")
    kernel = tf.get_variable("kernel", [_COLUMNS, 3])
    product = tf.sparse_tensor_dense_matmul(x, kernel)
    hub.add_signature(inputs=x, outputs=tf.reshape(product, [-1, 3]))


def _sparse_static_shape():
    """The dense shape is known: TF1 makes a constant of it, and the input is not fed there."""
    x = tf.sparse_placeholder(tf.float32, [4, _COLUMNS], name="x")
    kernel = tf.get_variable("kernel", [_COLUMNS, 2])
    hub.add_signature(inputs=x, outputs=tf.sparse_tensor_dense_matmul(x, kernel))


def _sparse_mixed():
    """A sparse and a dense input; two sparse outputs and a dense one."""
    x = tf.sparse_placeholder(tf.float32, name="x")
    bias = tf.placeholder(tf.float32, [None, _COLUMNS], name="bias")
    scale = tf.get_variable("scale", [])
    scaled = tf.SparseTensor(x.indices, x.values * scale, x.dense_shape)
    positive = tf.sparse.retain(x, x.values > 0.0)
    dense = tf.sparse.add(scaled, bias)
    outputs = {"scaled": scaled, "positive": positive, "dense": dense}
    hub.add_signature(inputs={"x": x, "bias": bias}, outputs=outputs)


def _sparse_triplet():
    """The parts of a sparse matrix as three dense inputs, as universal-sentence-encoder-lite."""
    values = tf.placeholder(tf.int64, [None], name="values")
    indices = tf.placeholder(tf.int64, [None, 2], name="indices")
    dense_shape = tf.placeholder(tf.int64, [None], name="dense_shape")
    table = tf.get_variable("embedding", [8, 4])
    ids = tf.SparseTensor(indices, values, dense_shape)
    filled, _ = tf.sparse.fill_empty_rows(ids, tf.constant(0, tf.int64))
    embedded = tf.nn.embedding_lookup_sparse(table, filled, None, combiner="mean")
    inputs = {"values": values, "indices": indices, "dense_shape": dense_shape}
    hub.add_signature(inputs=inputs, outputs=embedded)


def _sizes_in_constants():
    """Sizes that no placeholder has: of one image, and of the weights that it is flattened for."""
    image = tf.placeholder(tf.float32, [None, None, None, 1], name="image")
    scale = tf.placeholder(tf.int32, [], name="scale")
    kernel = tf.get_variable("kernel", [20 * 20, 3])
    checked = [
        tf.assert_equal(tf.shape(image)[0], 1, message="one image at a time"),
        tf.assert_less(scale, 2, message="a scale of 1 at most"),
        tf.assert_positive(scale),
    ]
    with tf.control_dependencies(checked):
        flat = tf.reshape(image, [-1, 20 * 20])
    outputs = tf.matmul(flat, kernel) * tf.cast(scale, tf.float32)
    hub.add_signature(inputs={"image": image, "scale": scale}, outputs=outputs)


def _sparse_output():
    words = tf.placeholder(tf.string, [None], name="sentences")
    tokens = tf.string_split(words, delimiter=" ")
    lengths = tf.SparseTensor(tokens.indices, tf.strings.length(tokens.values), tokens.dense_shape)
    hub.add_signature(inputs=words, outputs={"default": tokens, "lengths": lengths})


def _ragged_input():
    ids = tf.ragged.placeholder(tf.int32, ragged_rank=1, name="ids")
    table = tf.get_variable("embedding", [_COLUMNS, 4])
    embedded = tf.gather(table, ids.flat_values)
    summed = tf.math.segment_sum(embedded, ids.value_rowids())
    hub.add_signature(inputs=ids, outputs=summed)


def _ragged_both():
    """Two ragged dimensions above vectors, and one ragged output of each depth."""
    x = tf.ragged.placeholder(tf.float32, ragged_rank=2, value_shape=[3], name="x")
    offset = tf.placeholder(tf.float32, [3], name="offset")
    kernel = tf.get_variable("kernel", [3, 2])
    projected = x.with_flat_values(tf.matmul(x.flat_values + offset, kernel))
    outer = x.values.with_flat_values(tf.reduce_sum(projected.flat_values, axis=1))
    hub.add_signature(
        inputs={"x": x, "offset": offset}, outputs={"default": projected, "outer": outer}
    )


def _sparse_value(rows, dtype=np.float32):
    """A SparseTensorValue of lists of (column, value)."""
    indices = [(row, column) for row, cells in enumerate(rows) for column, _ in cells]
    values = [value for cells in rows for _, value in cells]
    return tf.SparseTensorValue(
        np.array(indices, np.int64), np.array(values, dtype), np.int64([len(rows), _COLUMNS])
    )


def _ragged_value(values, *row_splits):
    """A RaggedTensorValue of flat values and row splits from the outermost dimension on."""
    for splits in reversed(row_splits):
        values = tf.ragged.RaggedTensorValue(values, np.int64(splits))
    return values


_SPARSE = _sparse_value([[(0, 0.5), (3, -1.5)], [], [(2, 2.0)], [(1, -0.25), (4, 3.0)]])
_RAGGED_IDS = _ragged_value(np.int32([4, 0, 1, 3, 3]), [0, 2, 3, 5])

SPARSE_INPUT = Fixture(
    name="sparse_input",
    family="composites",
    description="a sparse matrix is the only input",
    module_fn=_sparse_input,
    calls=(Call("default", {"default": _SPARSE}),),
)

SPARSE_STATIC_SHAPE = Fixture(
    name="sparse_static_shape",
    family="composites",
    description="a sparse input whose dense shape is a constant of the graph",
    module_fn=_sparse_static_shape,
    calls=(Call("default", {"default": _SPARSE}),),
)

SPARSE_MIXED = Fixture(
    name="sparse_mixed",
    family="composites",
    description="sparse and dense inputs, sparse and dense outputs",
    module_fn=_sparse_mixed,
    calls=(Call("default", {"x": _SPARSE, "bias": examples.normal(4, _COLUMNS)}),),
)

SPARSE_TRIPLET = Fixture(
    name="sparse_triplet",
    family="composites",
    description="the parts of a sparse matrix are three dense inputs",
    module_fn=_sparse_triplet,
    calls=(
        Call(
            "default",
            {
                "values": np.int64([3, 1, 4]),
                "indices": np.int64([[0, 0], [0, 1], [2, 0]]),
                "dense_shape": np.int64([3, 2]),
            },
        ),
    ),
)

SIZES_IN_CONSTANTS = Fixture(
    name="sizes_in_constants",
    family="composites",
    description="constants of the graph tell the sizes that inputs must have, no shapes do",
    module_fn=_sizes_in_constants,
    calls=(Call("default", {"image": examples.normal(1, 20, 20, 1), "scale": np.int32(1)}),),
)

SPARSE_OUTPUT = Fixture(
    name="sparse_output",
    family="composites",
    description="sparse strings are the default output",
    module_fn=_sparse_output,
    calls=(Call("default", {"default": examples.strings(["a quick fox", "", "jumps over"])}),),
)

RAGGED_INPUT = Fixture(
    name="ragged_input",
    family="composites",
    description="ragged ids are the only input",
    module_fn=_ragged_input,
    calls=(Call("default", {"default": _RAGGED_IDS}),),
)

RAGGED_BOTH = Fixture(
    name="ragged_both",
    family="composites",
    description="two ragged dimensions in, ragged outputs of two depths",
    module_fn=_ragged_both,
    calls=(
        Call(
            "default",
            {
                "x": _ragged_value(examples.normal(5, 3), [0, 2, 3], [0, 1, 3, 5]),
                "offset": [0.5, -0.5, 1.0],
            },
        ),
    ),
)
