"""Normalizing flows: sampling inverts an autoregressive network one dimension at a time."""

from __future__ import annotations

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_SIZE = 4
_HIDDEN = 8


def _degrees(size):
    return np.arange(size) % (_SIZE - 1) + 1


def _masked_dense(x, size, mask, name):
    kernel = tf.get_variable(f"{name}/kernel", [x.shape[-1].value, size])
    bias = tf.get_variable(f"{name}/bias", [size])
    return tf.matmul(x, kernel * tf.constant(mask, tf.float32)) + bias


def _made(x):
    """Returns shift and log scale, the i-th a function of the inputs before the i-th.

    Germain et al. 2015, https://arxiv.org/abs/1502.03509.
    """
    inputs, hidden = np.arange(1, _SIZE + 1), _degrees(_HIDDEN)
    y = tf.tanh(_masked_dense(x, _HIDDEN, inputs[:, np.newaxis] <= hidden, "hidden"))
    mask = np.tile(hidden[:, np.newaxis] < inputs, [1, 2])
    shift, log_scale = tf.split(_masked_dense(y, 2 * _SIZE, mask, "output"), 2, axis=1)
    return shift, tf.tanh(log_scale)


def _flow_to_noise(x):
    shift, log_scale = _made(x)
    return (x - shift) * tf.exp(-log_scale), -tf.reduce_sum(log_scale, axis=1)


def _flow_from_noise(z):
    """After the i-th step the first i dimensions are right (Papamakarios et al. 2017)."""

    def body(i, x):
        shift, log_scale = _made(x)
        return i + 1, z * tf.exp(log_scale) + shift

    return tf.while_loop(lambda i, _: i < _SIZE, body, (0, tf.zeros_like(z)))[1]


def _flow():
    """Two flows with the order of dimensions reversed in between."""
    z = tf.placeholder(tf.float32, [None, _SIZE], name="z")
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    sample = z
    for name in ("flow_0", "flow_1"):
        with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
            sample = _flow_from_noise(sample)[:, ::-1]
    noise, log_volume = x, 0.0
    for name in ("flow_1", "flow_0"):
        with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
            noise, change = _flow_to_noise(noise[:, ::-1])
            log_volume += change
    log_prob = log_volume - 0.5 * tf.reduce_sum(tf.square(noise) + np.log(2.0 * np.pi), axis=1)
    hub.add_signature("default", inputs=z, outputs=sample)
    hub.add_signature("log_prob", {"x": x}, {"default": log_prob, "noise": noise})


@with_ref_variables
def _ref_flow():
    _flow()


def _iterated_inverse():
    """Inverts a residual layer by a fixed point, until it moves no more (or 30 steps)."""
    y = tf.placeholder(tf.float32, [None, _SIZE], name="y")
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
    contraction = kernel * 0.5 / tf.norm(kernel)

    def residual(x):
        return tf.tanh(tf.matmul(x, contraction))

    def body(x, _):
        following = y - residual(x)
        return following, tf.reduce_max(tf.abs(following - x))

    x, _ = tf.while_loop(
        lambda _, moved: moved > 1e-3, body, (y, tf.constant(1.0)), maximum_iterations=30
    )
    hub.add_signature(inputs=y, outputs={"default": x, "reconstruction": x + residual(x)})


_BATCH = examples.normal(5, _SIZE)
_FLOW_CALLS = (Call("default", {"default": _BATCH}), Call("log_prob", {"x": _BATCH}))


def _fixture(name, description, module_fn, calls):
    return Fixture(name, "flows", description, module_fn, calls)


FLOW_AUTOREGRESSIVE = _fixture(
    "flow_autoregressive", "two masked autoregressive flows", _flow, _FLOW_CALLS
)

FLOW_REF_AUTOREGRESSIVE = _fixture(
    "flow_ref_autoregressive", "the same with ref variables", _ref_flow, _FLOW_CALLS
)

FLOW_ITERATED_INVERSE = _fixture(
    "flow_iterated_inverse",
    "an inverse by fixed-point iteration",
    _iterated_inverse,
    (Call("default", {"default": _BATCH}),),
)
