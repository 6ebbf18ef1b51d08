"""V1 graphs of the installed TensorFlow: the sizes of real models, with random weights."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from fuzz.build import Signature

_WIDTH = 8
Build = Callable[[], Signature]


# For the graph ladder.


def deep_net(nodes: int, conds: int = 0) -> Signature:
    """Residual blocks of a dense layer, batch norm and ReLU, with `nodes` nodes in all.

    Args:
      nodes: How many nodes the graph gets, those of the variables and their initializers included.
      conds: How many V1 conds are spread over it.
    """
    x = tf1.placeholder(tf.float32, [None, _WIDTH], "x")
    value = tf.identity(x)
    for index in range(conds):
        value = _grow(value, (index + 1) * (nodes // conds) - _NODES_OF_A_COND)
        value = _cond(value, index)
    value = _grow(value, nodes - 1)
    return Signature({"x": x}, {"default": tf.identity(value, "features")})


_NODES_OF_A_BLOCK = 55
_NODES_OF_A_COND = 26


def _grow(value: tf.Tensor, nodes: int) -> tf.Tensor:
    """Adds blocks, and cheap ops for the rest, until the graph has so many nodes."""
    while _node_count() <= nodes - _NODES_OF_A_BLOCK:
        value = _block(value)
    while _node_count() < nodes:
        value = tf.identity(value)
    return value


def _node_count() -> int:
    return len(tf1.get_default_graph().get_operations())


def _block(value: tf.Tensor) -> tf.Tensor:
    with tf1.variable_scope(None, "block"):
        kernel = _initialized("kernel", [_WIDTH, _WIDTH], tf1.glorot_uniform_initializer())
        bias = _initialized("bias", [_WIDTH], tf1.zeros_initializer())
        dense = tf.nn.bias_add(tf.matmul(value, kernel), bias)
        return tf.identity(value + tf.nn.relu(_batch_norm(dense)), "out")


def _batch_norm(value: tf.Tensor) -> tf.Tensor:
    """Batch norm for inference, as TF1 wrote it before there was a fused op."""
    with tf1.variable_scope("batch_norm"):
        gamma = _initialized("gamma", [_WIDTH], tf1.ones_initializer())
        beta = _initialized("beta", [_WIDTH], tf1.zeros_initializer())
        mean = _initialized("moving_mean", [_WIDTH], tf1.zeros_initializer(), trainable=False)
        variance = _initialized("moving_variance", [_WIDTH], tf1.ones_initializer(), False)
        scale = tf.math.rsqrt(variance + 0.001) * gamma
        return value * scale + (beta - mean * scale)


def _initialized(
    name: str, shape: list[int], initializer: object, trainable: bool = True
) -> tf.Variable:
    return tf1.get_variable(
        name, shape, initializer=initializer, trainable=trainable, use_resource=True
    )


def _cond(value: tf.Tensor, index: int) -> tf.Tensor:
    with tf1.variable_scope(None, "branch"):
        shift = _initialized("shift", [_WIDTH], tf1.zeros_initializer())
        return tf1.cond(
            value[0, index % _WIDTH] > 0.0,
            lambda: tf.tanh(value + shift),
            lambda: tf.tanh(value - shift),
        )


# For the weights ladder.


def embeddings(tables: int, rows: int, width: int) -> Signature:
    """The sum of what some ids have in each of many tables `[rows, width]`."""
    ids = tf1.placeholder(tf.int32, [None], "ids")
    found = [
        tf.gather(_initialized(f"embedding_{index}", [rows, width], tf1.zeros_initializer()), ids)
        for index in range(tables)
    ]
    return Signature({"ids": ids}, {"default": tf.add_n(found)})


# For use.


def lstm(steps: int = 50, batch: int = 16, hidden: int = 128) -> Signature:
    """Builds by hand what `dynamic_rnn` makes of an LSTM cell."""
    x = tf1.placeholder(tf.float32, [batch, steps, hidden], "x")
    return Signature({"x": x}, {"default": _run_lstm("lstm", x, hidden)})


def bidirectional_lstm(steps: int = 50, batch: int = 16, hidden: int = 128) -> Signature:
    """Two LSTMs, one of which reads its input backwards."""
    x = tf1.placeholder(tf.float32, [batch, steps, hidden], "x")
    forward = _run_lstm("forward", x, hidden)
    backward = tf.reverse(_run_lstm("backward", tf.reverse(x, [1]), hidden), [1])
    return Signature({"x": x}, {"default": tf.concat([forward, backward], 2)})


def _run_lstm(name: str, x: tf.Tensor, hidden: int) -> tf.Tensor:
    batch, steps = x.shape[0], tf.shape(x)[1]
    kernel = _variable(f"{name}/kernel", [2 * hidden, 4 * hidden])
    bias = _variable(f"{name}/bias", [4 * hidden])
    inputs = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(x, [1, 0, 2]))
    outputs = tf.TensorArray(tf.float32, steps, element_shape=[batch, hidden])

    def step(
        time: tf.Tensor, written: tf.TensorArray, cell: tf.Tensor, state: tf.Tensor
    ) -> tuple[tf.Tensor, tf.TensorArray, tf.Tensor, tf.Tensor]:
        joined = tf.concat([inputs.read(time), state], 1)
        gates = tf.nn.bias_add(tf.matmul(joined, kernel), bias)
        taken, new, forgotten, shown = tf.split(gates, 4, 1)
        cell = cell * tf.sigmoid(forgotten + 1.0) + tf.sigmoid(taken) * tf.tanh(new)
        state = tf.tanh(cell) * tf.sigmoid(shown)
        return time + 1, written.write(time, state), cell, state

    zeros = tf.zeros([batch, hidden])
    _, written, _, _ = tf1.while_loop(
        lambda time, *_: time < steps,
        step,
        [tf.constant(0), outputs, zeros, zeros],
        parallel_iterations=32,
    )
    found = tf.transpose(written.stack(), [1, 0, 2])
    found.set_shape(x.shape)
    return found


def conds(count: int = 150, batch: int = 64, width: int = 128) -> Signature:
    """A chain of conds, each with a layer in one branch."""
    x = tf1.placeholder(tf.float32, [batch, width], "x")
    weights = [_variable(f"kernel_{index}", [width, width]) for index in range(4)]
    value = x
    for index in range(count):
        value = _layer_or_not(value, weights[index % 4])
    return Signature({"x": x}, {"default": tf.identity(value)})


def _layer_or_not(value: tf.Tensor, kernel: tf.Variable) -> tf.Tensor:
    return tf1.cond(
        tf.reduce_sum(value) > 0.0,
        lambda: tf.tanh(tf.matmul(value, kernel)),
        lambda: tf.tanh(-value),
    )


def convolutions(layers: int = 8, batch: int = 8, size: int = 32, channels: int = 32) -> Signature:
    """A stack of 3x3 convolutions and a dense layer, without control flow."""
    x = tf1.placeholder(tf.float32, [batch, size, size, channels], "x")
    value = x
    for index in range(layers):
        kernel = _variable(f"kernel_{index}", [3, 3, channels, channels])
        bias = _variable(f"bias_{index}", [channels])
        value = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(value, kernel, 1, "SAME"), bias))
    pooled = tf.reduce_mean(value, [1, 2])
    dense = _variable("dense", [channels, channels])
    return Signature({"x": x}, {"default": tf.matmul(pooled, dense)})


def _variable(name: str, shape: list[int]) -> tf.Variable:
    random = np.random.default_rng(len(name))
    scale = 1.0 / np.sqrt(np.prod(shape[:-1])) if len(shape) > 1 else 0.1
    initial = random.normal(0.0, scale, shape).astype(np.float32)
    return tf1.get_variable(name, initializer=initial, use_resource=True)


MODELS: dict[str, Build] = {
    "LSTM, by hand": lstm,
    "bidirectional LSTM": bidirectional_lstm,
    "150 conds": conds,
    "convolutions": convolutions,
    "tiny": functools.partial(convolutions, layers=1, batch=2, size=4, channels=4),
}
