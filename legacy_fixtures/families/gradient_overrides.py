"""Ops whose gradient is not their own: gradient_override_map, and what contrib does with it."""

from __future__ import annotations

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
import tf_slim as slim
from tensorflow.contrib import quantize
from tensorflow.contrib.batching.python.ops import batch_ops
from tensorflow.contrib.layers import gdn
from tensorflow.python.framework import function

from legacy_fixtures import examples
from legacy_fixtures.control_flow_scope import with_control_flow_v2
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_SIZE = 4


def _overridden(**names):
    return tf.get_default_graph().gradient_override_map(names)


def _input():
    return tf.placeholder(tf.float32, [None, _SIZE], name="x")


def _quantized(is_training):
    """contrib.quantize folds batch norm into the weights: statistics alone pass gradients on."""
    images = tf.placeholder(tf.float32, [None, 6, 6, 3], name="images")
    norm = {"is_training": is_training, "scale": True, "fused": True}
    with slim.arg_scope([slim.conv2d, slim.separable_conv2d], normalizer_fn=slim.batch_norm):
        with slim.arg_scope([slim.batch_norm], **norm):
            net = slim.conv2d(images, 4, [3, 3], activation_fn=tf.nn.relu6, scope="conv")
            net = slim.separable_conv2d(
                net, None, [3, 3], 1, activation_fn=tf.nn.relu6, scope="depthwise"
            )
    output = tf.reduce_mean(tf.square(net), axis=[1, 2])
    rewrite = (
        quantize.experimental_create_training_graph
        if is_training
        else quantize.experimental_create_eval_graph
    )
    rewrite(tf.get_default_graph(), **({"quant_delay": 0} if is_training else {}))
    hub.add_signature(inputs=images, outputs=output)


def _straight_through(x):
    """Binary weights and rounded activations, as in quantized networks by hand."""
    weights = tf.get_variable("weights", [_SIZE, _SIZE])
    with _overridden(Sign="Identity"):
        binary = tf.sign(weights)
    with _overridden(Round="Identity", Floor="Identity"):
        rounded = tf.round(3.0 * tf.matmul(x, binary)) / 3.0 + tf.floor(2.0 * x)
    return rounded


def _registered():
    """Names of other ops: with one input and two, of ops that have no gradient, and of itself."""
    x = _input()
    hidden = _straight_through(x) + tf.get_variable("bias", [_SIZE])
    with _overridden(Identity="Relu", Relu="Relu6", Tanh="Tanh"):
        gated = tf.tanh(tf.identity(hidden)) + tf.nn.relu(4.0 * hidden)
    with _overridden(Exp="Shape"):
        stopped = tf.exp(-tf.square(hidden))
    with _overridden(Maximum="Add", Mul="AddV2"):
        larger = tf.maximum(gated, tf.get_variable("floor", [_SIZE])) * hidden
    with _overridden(Identity="Tanh"):
        # The read of a variable.
        read = tf.get_variable("read", [_SIZE])
        outputs = {"default": gated + stopped + tf.square(larger) + read, "hidden": hidden}
    hub.add_signature(inputs=x, outputs=outputs)


def _norm():
    """reduce_euclidean_norm: TF 1.15 leads no gradient through it."""
    x = _input()
    hidden = tf.matmul(x, tf.get_variable("weights", [_SIZE, _SIZE]))
    norm = tf.math.reduce_euclidean_norm(hidden, axis=1, keepdims=True)
    hub.add_signature(inputs=x, outputs={"default": hidden / norm, "norm": norm})


def _gdn():
    """Generalized divisive normalization and its inverse, with a gradient at its lower bound."""
    images = tf.placeholder(tf.float32, [None, 3, 3, _SIZE], name="images")
    net = slim.conv2d(images, _SIZE, [1, 1], activation_fn=None, scope="conv")
    net = gdn(net, name="gdn")
    net = gdn(tf.square(net), inverse=True, name="inverse")
    hub.add_signature(inputs=images, outputs=net)


def _steps(x, count):
    """A loop around a branch, each with overrides inside."""
    # TF 1.15 has no gradient of branches in a loop that capture variables.
    kernel = tf.identity(tf.get_variable("kernel", [_SIZE, _SIZE]))
    scale = tf.identity(tf.get_variable("scale", [_SIZE]))

    def normalize(value):
        images = tf.reshape(value, [-1, 1, 1, _SIZE])
        names = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
        with _overridden(**{name: "FoldFusedBatchNormGrad" for name in names}):
            _, mean, variance = tf.nn.fused_batch_norm(images, scale, scale, is_training=True)
        return value * mean + variance

    def body(step, value):
        with _overridden(Sign="Identity", Identity="Softsign", Maximum="GDNLowerBound"):
            value = tf.sign(tf.matmul(value, kernel)) * tf.identity(value)
            value = tf.maximum(value, 0.3)
            value = tf.cond(
                tf.equal(step % 2, 0), lambda: normalize(value), lambda: tf.sign(value) * scale
            )
        return step + 1, value

    return tf.while_loop(lambda step, _: step < count, body, (0, x))[1]


def _in_loop():
    """In a loop, and in the branches inside of it; Identity ops of the loop itself among them."""
    x = _input()
    count = tf.placeholder(tf.int32, [], name="count")
    straight = tf.cond(count > 2, lambda: _straight_through(x), lambda: tf.square(x))
    hub.add_signature(inputs={"x": x, "count": count}, outputs=straight + _steps(x, count))


@with_control_flow_v2
def _in_functional_loop():
    """The same in functions that loops and branches take, one level deep."""
    x = _input()
    count = tf.placeholder(tf.int32, [], name="count")
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])

    def body(step, value):
        with _overridden(Sign="Identity", Maximum="GDNLowerBound"):
            return step + 1, tf.maximum(tf.sign(tf.matmul(value, kernel)) * value, 0.3)

    looped = tf.while_loop(lambda step, _: step < count, body, (0, x))[1]
    output = tf.cond(count > 2, lambda: _straight_through(looped), lambda: tf.square(looped))
    hub.add_signature(inputs={"x": x, "count": count}, outputs=output)


def _in_call():
    """In the body of a function that is called: TF 1.15 does not look at overrides there."""
    x = _input()

    @function.Defun(tf.float32, func_name="SignThroughTanh")
    def call(value):
        with _overridden(Tanh="Identity", Sign="Nobody"):
            return tf.tanh(value) + tf.sign(value)

    hidden = tf.matmul(x, tf.get_variable("weights", [_SIZE, _SIZE]))
    hub.add_signature(inputs=x, outputs=call(hidden))


def _unresolved():
    """A name that the exporter's own program registered; weights beside it have gradients."""
    x = _input()
    touched = tf.matmul(x, tf.get_variable("touched", [_SIZE, _SIZE]))
    with _overridden(Sign="ExporterSign", Round="ExporterRound"):
        hidden = tf.sign(touched) + tf.round(touched)
    beside = tf.matmul(x, tf.get_variable("beside", [_SIZE, _SIZE]))
    after = tf.get_variable("after", [_SIZE])
    outputs = {"default": hidden * after + beside, "beside": tf.square(beside)}
    hub.add_signature(inputs=x, outputs=outputs)
    hub.add_signature("beside", inputs=x, outputs=tf.square(beside))


def _unresolved_in_loop():
    x = _input()
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
    beside = tf.get_variable("beside", [_SIZE])

    def body(step, value):
        with _overridden(Sign="ExporterSign"):
            return step + 1, tf.sign(tf.matmul(value, kernel)) + 0.5 * value

    looped = tf.while_loop(lambda step, _: step < 2, body, (0, x))[1]
    hub.add_signature(inputs=x, outputs={"default": looped + beside, "square": beside * x})


def _batched():
    """contrib.batching: the rows of concurrent calls are computed together."""
    x = _input()
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])

    @batch_ops.batch_function_v1(1, 8, 1000)
    def compute(rows):
        return tf.tanh(tf.matmul(rows, kernel))

    weights = tf.get_variable("weights", [_SIZE, _SIZE])
    hub.add_signature(inputs=x, outputs=compute(tf.matmul(x, weights)))


_X = examples.normal(8, _SIZE)
_CALL = (Call("default", {"default": _X}),)
_COUNTS = tuple(
    Call("default", {"x": _X, "count": count}, label)
    for count, label in ((4, "plain"), (0, "no iteration"), (1, "one iteration"))
)


def _fixture(name, description, module_fn, calls=_CALL, **options):
    return Fixture(name, "gradient_overrides", description, module_fn, calls, **options)


def _quantized_values(scope):
    """Ranges that hold what comes: after many steps, whose average needs no more correction."""
    activation = f"{scope}/act_quant"
    return {
        f"{scope}/weights_quant/min": np.float32(-1.5),
        f"{scope}/weights_quant/max": np.float32(1.5),
        f"{activation}/min": np.float32(0.0),
        f"{activation}/max": np.float32(6.0),
        f"{activation}/{activation}/min/biased": np.float32(0.0),
        f"{activation}/{activation}/max/biased": np.float32(6.0),
        f"{activation}/{activation}/min/local_step": np.float32(100_000.0),
        f"{activation}/{activation}/max/local_step": np.float32(100_000.0),
    }


GRADIENT_QUANTIZED = _fixture(
    "gradient_quantized",
    "contrib.quantize: training and inference graphs, with folded batch norm",
    _quantized,
    (Call("default", {"default": examples.normal(8, 6, 6, 3)}),),
    tags_and_args=((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True})),
    export_tags=TRAIN,
    values={**_quantized_values("conv"), **_quantized_values("depthwise")},
)

GRADIENT_REGISTERED = _fixture(
    "gradient_registered", "gradient_override_map to the gradients of other ops", _registered
)

GRADIENT_REF_REGISTERED = _fixture(
    "gradient_ref_registered", "the same with ref variables", with_ref_variables(_registered)
)

GRADIENT_NORM = _fixture("gradient_norm", "an op without gradient in TF1 alone", _norm)

GRADIENT_GDN = _fixture(
    "gradient_gdn",
    "contrib.layers.gdn",
    _gdn,
    (Call("default", {"default": examples.normal(8, 3, 3, _SIZE)}),),
    values={
        "gdn/reparam_beta": np.float32([1.2, 1e-7, 0.9, -1.0]),
        "inverse/reparam_beta": np.float32([1e-7, 1.1, -0.5, 0.9]),
    },
)

GRADIENT_IN_LOOP = _fixture(
    "gradient_in_loop", "gradient overrides in loops and branches", _in_loop, _COUNTS
)

GRADIENT_IN_FUNCTIONAL_LOOP = _fixture(
    "gradient_in_functional_loop",
    "gradient overrides in While and If",
    _in_functional_loop,
    _COUNTS,
)

GRADIENT_IN_CALL = _fixture("gradient_in_call", "gradient overrides in a Defun", _in_call)

GRADIENT_UNRESOLVED = _fixture(
    "gradient_unresolved",
    "gradient overrides that no library knows, beside weights that they do not touch",
    _unresolved,
    (Call("default", {"default": _X}), Call("beside", {"default": _X})),
)

GRADIENT_UNRESOLVED_IN_LOOP = _fixture(
    "gradient_unresolved_in_loop", "the same in a loop", _unresolved_in_loop
)

GRADIENT_BATCHED = _fixture(
    "gradient_batched", "contrib.batching: Batch and Unbatch", _batched
)
