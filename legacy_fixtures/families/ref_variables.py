"""Variables of TF1's old kind, whose handles are references to the memory of their values."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.python.training import moving_averages

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_SIZE = 4
_ROWS = 7


def _counter(name, dtype=tf.int64):
    return tf.get_variable(name, [], dtype, tf.zeros_initializer, trainable=False)


@with_ref_variables
def _moving_averages(is_training):
    """Standardizes by moving averages, which UPDATE_OPS move in training."""
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    mean = tf.get_variable("moving_mean", [_SIZE], trainable=False)
    square = tf.get_variable("moving_square", [_SIZE], trainable=False)
    steps = _counter("steps")
    scale = tf.get_variable("scale", [_SIZE])
    if is_training:
        batch_mean, batch_square = tf.reduce_mean(x, 0), tf.reduce_mean(x * x, 0)
        updates = (
            moving_averages.assign_moving_average(mean, batch_mean, 0.8, zero_debias=False),
            moving_averages.assign_moving_average(square, batch_square, 0.7, zero_debias=True),
            tf.assign_add(steps, tf.shape(x, out_type=tf.int64)[0]),
        )
        for update in updates:
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
        centered = x - batch_mean
    else:
        tf.get_variable("moving_square/biased", [_SIZE], trainable=False)
        tf.get_variable("moving_square/local_step", [], trainable=False)
        centered = x - mean
    hub.add_signature(inputs=x, outputs=tf.nn.leaky_relu(centered) * scale)


@with_ref_variables
def _exponential_average(is_training):
    """Serves the averaged weights, as is usual after training with ExponentialMovingAverage."""
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    kernel = tf.get_variable("kernel", [_SIZE, 3])
    steps = _counter("global_step", tf.int32)
    average = tf.train.ExponentialMovingAverage(0.75, num_updates=steps)
    update = average.apply([kernel])
    # hub.create_module_spec refuses modules with this collection.
    del tf.get_collection_ref(tf.GraphKeys.MOVING_AVERAGE_VARIABLES)[:]
    if is_training:
        with tf.control_dependencies([update]):
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.assign_add(steps, 1))
        y = tf.matmul(x, kernel)
    else:
        y = tf.matmul(x, average.average(kernel))
    hub.add_signature(inputs=x, outputs=y)


@with_ref_variables
def _state():
    """Signatures that write and read state in every order that control edges can force."""
    x = tf.placeholder(tf.float32, [_SIZE], name="x")
    value = tf.get_variable("value", [_SIZE])
    count = _counter("count")
    hub.add_signature("read", outputs=tf.identity(value))

    hub.add_signature("assign_output", {"x": x}, tf.assign(value, x * 2.0) + 1.0)

    with tf.control_dependencies([tf.assign_add(value, x)]):
        after = value.read_value()
    hub.add_signature("read_after_write", {"x": x}, {"default": after * 3.0})

    # An Identity of a reference is the variable's memory; only a product is a copy of it.
    before = value * 2.0
    with tf.control_dependencies([before]):
        write = tf.assign_sub(value, x)
    with tf.control_dependencies([write]):
        after = value.read_value() * 2.0
    hub.add_signature("read_write_read", {"x": x}, {"before": before, "after": after})

    first = tf.assign_add(count, 1)
    with tf.control_dependencies([first]):
        second = tf.assign(count, first * 10)
    hub.add_signature("twice", outputs={"default": tf.identity(second)})


@with_ref_variables
def _scatter():
    ids = tf.placeholder(tf.int32, [None], name="ids")
    rows = tf.placeholder(tf.float32, [None, _SIZE], name="rows")
    memory = tf.get_variable("memory", [_ROWS, _SIZE], trainable=False)
    inputs = {"ids": ids, "rows": rows}
    hub.add_signature("read", {"ids": ids}, tf.gather(memory, ids))
    hub.add_signature("update", inputs, tf.scatter_update(memory, ids, rows) * 1.0)
    hub.add_signature("subtract", inputs, tf.scatter_sub(memory, ids, rows) * 1.0)
    with tf.control_dependencies([tf.scatter_add(memory, ids, rows)]):
        total = tf.reduce_sum(memory.read_value(), axis=1)
    hub.add_signature("add", inputs, total)
    indices = tf.stack([ids, tf.zeros_like(ids)], axis=1)
    elements = tf.scatter_nd_update(memory, indices, rows[:, 0])
    hub.add_signature("update_elements", inputs, tf.reduce_sum(elements, axis=0))


@with_ref_variables
def _embedding():
    """A lookup in a ref variable is a GatherV2 on the reference, colocated with it."""
    ids = tf.placeholder(tf.int64, [None, None], name="ids")
    table = tf.get_variable("embedding", [_ROWS, _SIZE])
    projection = tf.get_variable("projection", [_SIZE, 2])
    embedded = tf.nn.embedding_lookup(table, ids)
    tied = tf.tensordot(embedded, table, [[2], [1]])
    outputs = {"default": tf.tensordot(embedded, projection, 1), "tied": tied}
    hub.add_signature(inputs=ids, outputs=outputs)


@with_ref_variables
def _mixed():
    """Ref and resource variables in one graph, one of the former in parts."""
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    partitioner = tf.fixed_size_partitioner(2)
    kernel = tf.get_variable("kernel", [_SIZE, 3], partitioner=partitioner)
    bias = tf.get_variable("bias", [3], use_resource=True)
    hub.add_signature(inputs=x, outputs=tf.matmul(x, tf.convert_to_tensor(kernel)) + bias)


_VARIANTS = ((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True}))
_BATCH = examples.normal(8, _SIZE)
_VECTOR = {"x": examples.normal(_SIZE, seed=3)}
_IDS = {"ids": examples.ids(_ROWS, (3,), seed=1)}
_ROW_INPUTS = {"ids": [5, 0, 2], "rows": examples.normal(3, _SIZE, seed=4)}

REF_MOVING_AVERAGES = Fixture(
    name="ref_moving_averages",
    family="ref_variables",
    description="moving averages, one zero-debiased, and a counter as update ops",
    module_fn=_moving_averages,
    values={"moving_square/local_step": 3.0},
    tags_and_args=_VARIANTS,
    export_tags=TRAIN,
    calls=(Call("default", {"default": _BATCH}),),
)

REF_EXPONENTIAL_AVERAGE = Fixture(
    name="ref_exponential_average",
    family="ref_variables",
    description="ExponentialMovingAverage of the weights, whose decay depends on a counter",
    module_fn=_exponential_average,
    tags_and_args=_VARIANTS,
    calls=(Call("default", {"default": _BATCH}),),
)

REF_STATE = Fixture(
    name="ref_state",
    family="ref_variables",
    description="reads and writes ordered by control edges; an assignment's output in use",
    module_fn=_state,
    calls=(
        Call("read", {}),
        Call("assign_output", _VECTOR),
        Call("read_after_write", _VECTOR),
        Call("read_write_read", _VECTOR),
        Call("twice", {}),
    ),
)

REF_SCATTER = Fixture(
    name="ref_scatter",
    family="ref_variables",
    description="scatter ops on a ref variable, and a gather from it",
    module_fn=_scatter,
    calls=(
        Call("read", _IDS),
        Call("update", _ROW_INPUTS),
        Call("subtract", _ROW_INPUTS),
        Call("add", _ROW_INPUTS),
        Call("update_elements", _ROW_INPUTS),
    ),
)

REF_EMBEDDING = Fixture(
    name="ref_embedding",
    family="ref_variables",
    description="embedding lookup in a ref variable that is the output layer, too",
    module_fn=_embedding,
    calls=(Call("default", {"default": examples.ids(_ROWS, (2, 3))}),),
)

REF_MIXED = Fixture(
    name="ref_mixed",
    family="ref_variables",
    description="a partitioned ref variable beside a resource variable",
    module_fn=_mixed,
    calls=(Call("default", {"default": _BATCH}),),
)
