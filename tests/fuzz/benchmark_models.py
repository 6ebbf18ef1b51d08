"""V1 graphs for `scripts/bench_control_flow`: the sizes of real models, with random weights."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from fuzz.build import Signature

_WIDTH = 8
Build = Callable[[], Signature]


# For the time of tracing.


def straight_line(nodes: int) -> Signature:
    """A chain of about `nodes` cheap ops."""
    return _chain(nodes, 0)


def chain_of_conds(nodes: int, conds: int) -> Signature:
    """About `nodes` nodes in all, with `conds` conds spread over them."""
    return _chain(nodes, conds)


def _chain(nodes: int, conds: int) -> Signature:
    x = tf1.placeholder(tf.float32, [None, _WIDTH], "x")
    weight = _variable("weight", [_WIDTH])
    value, graph = x, x.graph
    for index in range(conds):
        value = _grow(value, weight, (index + 1) * (nodes // conds) - _NODES_OF_A_COND)
        value = _cond(value, weight, index)
    value = _grow(value, weight, nodes)
    assert abs(len(graph.get_operations()) - nodes) < 30
    return Signature({"x": x}, {"default": tf.identity(value)})


_NODES_OF_A_COND = 14


def _grow(value: tf.Tensor, weight: tf.Variable, nodes: int) -> tf.Tensor:
    """Adds ops until the graph has about so many nodes."""
    graph = value.graph
    while len(graph.get_operations()) < nodes - 4:
        value = tf.tanh(value * weight)
    return value


def _cond(value: tf.Tensor, weight: tf.Variable, index: int) -> tf.Tensor:
    return tf1.cond(
        value[0, index % _WIDTH] > 0.0,
        lambda: tf.tanh(value + weight),
        lambda: tf.tanh(value - weight),
    )


# For the time of running.


def lstm(steps: int = 50, batch: int = 16, hidden: int = 128) -> Signature:
    """What `dynamic_rnn` of an LSTM cell makes, by hand."""
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


TRACED: dict[str, Build] = {
    "5,000 nodes in a line": functools.partial(straight_line, 5_000),
    "10,000 nodes in a line": functools.partial(straight_line, 10_000),
    "5,000 nodes, 150 conds": functools.partial(chain_of_conds, 5_000, 150),
    "10,000 nodes, 300 conds": functools.partial(chain_of_conds, 10_000, 300),
}
TIMED: dict[str, Build] = {
    "LSTM": lstm,
    "bidirectional LSTM": bidirectional_lstm,
    "150 conds": conds,
    "convolutions": convolutions,
}
