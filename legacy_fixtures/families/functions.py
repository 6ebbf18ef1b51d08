"""Functions of TF1's first kind (Defun): a call is a node whose op type is the function's name."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.python.framework import function
from tensorflow.python.ops import gen_resource_variable_ops

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture

_SIZE = 3


def _calls():
    """Nested functions, one of them called twice, one with two outputs, one not inlined."""

    @function.Defun(tf.float32, func_name="MultiplyBySelf")
    def square(x):
        return x * x

    @function.Defun(tf.float32, tf.float32, func_name="SumAndDifference")
    def sum_and_difference(a, b):
        return square(a) + b, a - square(b)

    @function.Defun(tf.float32, func_name="Squash", noinline=True)
    def squash(x):
        return tf.tanh(x) * 0.5

    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    scale = tf.get_variable("scale", [_SIZE])
    total, difference = sum_and_difference(x, scale * square(x))
    for tensor in (total, difference):
        tensor.set_shape([None, _SIZE])
    outputs = {"default": squash(total), "difference": difference, "twice": squash(difference)}
    hub.add_signature(inputs=x, outputs=outputs)


def _captures():
    """A function that captures a tensor of the graph around it, and a constant within."""
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
    doubled = tf.identity(kernel * 2.0, name="doubled")

    @function.Defun(tf.float32, func_name="Project")
    def project(inputs):
        return tf.matmul(inputs, doubled) + tf.constant([1.0, -1.0, 0.5])

    hub.add_signature(inputs=x, outputs=project(x))


def _stateful():
    """A function that gets a variable's handle as argument and reads it."""

    @function.Defun(tf.float32, tf.resource, func_name="ScaleByVariable")
    def scale_by_variable(x, handle):
        return x * gen_resource_variable_ops.read_variable_op(handle, tf.float32)

    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    scale = tf.get_variable("scale", [_SIZE])
    hub.add_signature(inputs=x, outputs=scale_by_variable(x, scale.handle) + 1.0)


def _gradient():
    """A function that brings its own gradient, which differs from the true one on purpose."""

    @function.Defun(tf.float32, tf.float32, func_name="ClippedGradient")
    def clipped_gradient(x, upstream):
        return tf.clip_by_value(upstream * tf.nn.sigmoid(x), -0.25, 0.25)

    @function.Defun(tf.float32, grad_func=clipped_gradient, func_name="Softplus1p")
    def softplus(x):
        return tf.log(1.0 + tf.exp(x))

    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    weights = tf.get_variable("weights", [_SIZE])
    y = softplus(x * weights)
    y.set_shape([None, _SIZE])
    hub.add_signature(inputs=x, outputs=y * tf.constant([1.0, 0.1, 10.0]))


_BATCH = examples.normal(4, _SIZE)

DEFUN_CALLS = Fixture(
    name="defun_calls",
    family="functions",
    description="nested, repeated, multi-output and noinline function calls",
    module_fn=_calls,
    calls=(Call("default", {"default": _BATCH}),),
)

DEFUN_CAPTURES = Fixture(
    name="defun_captures",
    family="functions",
    description="a function with a captured tensor",
    module_fn=_captures,
    calls=(Call("default", {"default": _BATCH}),),
)

DEFUN_STATEFUL = Fixture(
    name="defun_stateful",
    family="functions",
    description="a function that reads a resource variable",
    module_fn=_stateful,
    calls=(Call("default", {"default": _BATCH}),),
)

DEFUN_GRADIENT = Fixture(
    name="defun_gradient",
    family="functions",
    description="a function with a gradient function of its own",
    module_fn=_gradient,
    calls=(Call("default", {"default": _BATCH}),),
)
