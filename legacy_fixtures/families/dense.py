"""Dense layers with regularizers and several outputs."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture

_INPUT_SIZE = 6


def _regularizer(kind, scale):
    """Returns a regularizer of TF1's layers: `scale` times the L1 or half the L2 norm."""
    if kind == "l1":
        return lambda weights: scale * tf.reduce_sum(tf.abs(weights), name="l1_regularizer")
    return lambda weights: scale * tf.nn.l2_loss(weights, name="l2_regularizer")


def _layers(x):
    hidden = tf.layers.dense(
        x, 8, tf.nn.relu, kernel_regularizer=_regularizer("l2", 0.01), name="hidden"
    )
    logits = tf.layers.dense(
        hidden,
        4,
        kernel_regularizer=_regularizer("l1", 0.02),
        bias_regularizer=_regularizer("l2", 0.03),
        name="logits",
    )
    return hidden, logits


def _regularized():
    x = tf.placeholder(tf.float32, [None, _INPUT_SIZE], name="x")
    hidden, logits = _layers(x)
    outputs = {"default": tf.nn.softmax(logits), "logits": logits, "hidden/relu": hidden}
    hub.add_signature(inputs=x, outputs=outputs)


def _no_default_output():
    x = tf.placeholder(tf.float32, [None, _INPUT_SIZE], name="x")
    offset = tf.placeholder(tf.float32, [_INPUT_SIZE], name="offset")
    hidden, logits = _layers(x + offset)
    hub.add_signature(
        inputs={"x": x, "offset": offset},
        outputs={"class": tf.argmax(logits, axis=1), "logits": logits, "hidden": hidden},
    )


def _not_trainable():
    x = tf.placeholder(tf.float32, [None, _INPUT_SIZE], name="x")
    hidden = tf.layers.dense(x, 5, tf.tanh, name="frozen", trainable=False)
    hub.add_signature(inputs=x, outputs=tf.layers.dense(hidden, 3, name="head"))


_BATCH = examples.normal(8, _INPUT_SIZE)

DENSE_REGULARIZED = Fixture(
    name="dense_regularized",
    family="dense",
    description="two dense layers, L1 and L2 losses, outputs beside `default`",
    module_fn=_regularized,
    calls=(Call("default", {"default": _BATCH}),),
)

DENSE_NO_DEFAULT_OUTPUT = Fixture(
    name="dense_no_default_output",
    family="dense",
    description="two inputs and three outputs, none of them named `default`",
    module_fn=_no_default_output,
    calls=(Call("default", {"x": _BATCH, "offset": examples.normal(_INPUT_SIZE, seed=1)}),),
)

DENSE_NOT_TRAINABLE = Fixture(
    name="dense_not_trainable",
    family="dense",
    description="a layer outside TRAINABLE_VARIABLES below one inside",
    module_fn=_not_trainable,
    calls=(Call("default", {"default": _BATCH}),),
)
