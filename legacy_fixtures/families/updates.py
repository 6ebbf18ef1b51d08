"""Update ops and losses that not every caller can run."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.python.training import moving_averages

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture

_SIZE = 3


def _standardize(x, name, is_training):
    """Standardizes `[batch, size]` by a moving mean, and adds its update op in training."""
    mean = tf.get_variable(f"{name}_mean", [_SIZE], trainable=False)
    if is_training:
        update = moving_averages.assign_moving_average(
            mean, tf.reduce_mean(x, axis=0), 0.6, zero_debias=False
        )
        tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
    return x - mean


def _count(name):
    """Adds an update op that needs no input, and adds it twice, as code that is reused does."""
    steps = tf.get_variable(name, [], tf.int64, tf.zeros_initializer, trainable=False)
    update = tf.assign_add(steps, 1)
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)


def _per_signature(is_training):
    """Two signatures; each one's inputs feed one of the update ops, and none a third."""
    weights = tf.get_variable("weights", [_SIZE])
    for name in ("left", "right"):
        x = tf.placeholder(tf.float32, [None, _SIZE], name=name)
        hub.add_signature(name, {"x": x}, _standardize(x, name, is_training) * weights)
    if is_training:
        _count("steps")
    else:
        tf.get_variable("steps", [], tf.int64, tf.zeros_initializer, trainable=False)


def _inference_only():
    """The only graph variant is for inference, and has update ops all the same."""
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    weights = tf.get_variable("weights", [_SIZE])
    hub.add_signature(inputs=x, outputs=_standardize(x, "moving", True) * weights)
    _count("steps")


def _activity_loss():
    """One regularization loss is of the weights, the other of what the input makes of them."""
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    hidden = tf.layers.dense(
        x,
        4,
        tf.nn.relu,
        activity_regularizer=lambda activity: 0.5 * tf.reduce_mean(activity),
        kernel_regularizer=lambda kernel: 0.1 * tf.nn.l2_loss(kernel),
        name="hidden",
    )
    hub.add_signature(inputs=x, outputs=hidden)


_X = examples.normal(8, _SIZE) + 0.5

UPDATES_PER_SIGNATURE = Fixture(
    name="updates_per_signature",
    family="updates",
    description="update ops of two signatures, and one of neither that is listed twice",
    module_fn=_per_signature,
    tags_and_args=((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True})),
    calls=(Call("left", {"x": _X}), Call("right", {"x": _X * 2.0})),
)

UPDATES_INFERENCE_ONLY = Fixture(
    name="updates_inference_only",
    family="updates",
    description="update ops in a module without a training variant",
    module_fn=_inference_only,
    calls=(Call("default", {"default": _X}),),
)

ACTIVITY_LOSS = Fixture(
    name="activity_loss",
    family="updates",
    description="a regularization loss that depends on the input, beside one that does not",
    module_fn=_activity_loss,
    calls=(Call("default", {"default": _X}),),
)
