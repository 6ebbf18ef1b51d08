"""Devices, colocations, and ops that are in graphs for other reasons than their values."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.python.ops import gen_logging_ops

from legacy_fixtures import examples
from legacy_fixtures.exporting import export_with_seeded_weights
from legacy_fixtures.fixture import Call, Fixture

_SIZE = 3


def _devices():
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    with tf.device("/cpu:0"):
        kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
    with tf.device("/device:GPU:0"):
        bias = tf.get_variable("bias", [_SIZE])
        y = tf.matmul(x, kernel) + bias
    with tf.colocate_with(kernel.handle):
        scaled = y * tf.get_variable("scale", [])
    with tf.colocate_with(y), tf.device("/gpu:1"):
        shifted = scaled + 1.0
    hub.add_signature(inputs=x, outputs={"default": shifted, "y": y})


def _parameter_server():
    """Variables on a job of a cluster that is no more when others use the module."""
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    on_parameter_server = tf.device(tf.train.replica_device_setter(1, worker_device=""))
    with on_parameter_server, tf.variable_scope("", use_resource=False):
        kernel = tf.get_variable("kernel", [_SIZE, 2])
        bias = tf.get_variable("bias", [2])
        y = tf.nn.bias_add(tf.matmul(x, kernel), bias)
    hub.add_signature(inputs=x, outputs=y)


def _export_on_cluster(fixture, path):
    """Exports from a session on a cluster of one task; no other could hold the variables."""
    server = tf.train.Server({"ps": ["localhost:0"]}, job_name="ps", task_index=0)
    export_with_seeded_weights(fixture, path, target=server.target)


def _side_effects():
    """Summaries, assertions, identities, groups and gradient stops around a product."""
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    weights = tf.get_variable("weights", [_SIZE])
    tf.summary.histogram("weights", weights)
    tf.summary.scalar("mean", tf.reduce_mean(x))
    # The collection is for the one who trains; hub.create_module_spec refuses it.
    del tf.get_collection_ref(tf.GraphKeys.SUMMARIES)[:]
    finite = tf.check_numerics(x, "x is not finite")
    positive_size = tf.greater(tf.shape(x)[0], 0)
    check = gen_logging_ops._assert(positive_size, ["empty batch", tf.shape(x)])
    with tf.control_dependencies([tf.group(check, tf.no_op("nothing"), finite.op)]):
        checked = tf.identity(tf.identity(tf.identity(finite)))
    frozen = tf.stop_gradient(weights * 2.0)
    plain = tf.identity_n([checked * weights, frozen])
    printed = tf.Print(plain[0], [tf.shape(x)], "printed", summarize=1)
    with tf.control_dependencies([tf.no_op("barrier")]):
        total = plain[0] + plain[1]
    hub.add_signature(inputs=x, outputs={"default": total, "frozen": frozen * x})
    hub.add_signature("printed", {"x": x}, printed)


_BATCH = examples.normal(4, _SIZE)

DEVICES = Fixture(
    name="devices",
    family="placement",
    description="devices and colocations on variables and ops",
    module_fn=_devices,
    calls=(Call("default", {"default": _BATCH}),),
)

DEVICES_PARAMETER_SERVER = Fixture(
    name="devices_parameter_server",
    family="placement",
    description="ref variables on /job:ps",
    module_fn=_parameter_server,
    export=_export_on_cluster,
    calls=(Call("default", {"default": _BATCH}),),
)

SIDE_EFFECTS = Fixture(
    name="side_effects",
    family="placement",
    description="summaries, Assert, CheckNumerics, NoOp, Print, StopGradient",
    module_fn=_side_effects,
    calls=(Call("default", {"default": _BATCH}), Call("printed", {"x": _BATCH})),
)
