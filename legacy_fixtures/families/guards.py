"""Assertions: conds whose branches have effects but no results."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture

_SIZE = 4


def _input():
    return tf.placeholder(tf.float32, [None, None], name="x")


def _scale():
    return tf.get_variable("scale", [_SIZE])


def _assertions():
    """What a careful exporter checks before it computes."""
    x = _input()
    ids = tf.placeholder(tf.int32, [None], name="ids")
    checks = [
        tf.debugging.assert_equal(tf.shape(x)[1], _SIZE, message="wrong width"),
        tf.debugging.assert_non_negative(ids, data=[ids, tf.shape(ids)]),
        tf.debugging.assert_less(tf.reduce_max(tf.abs(x)), 100.0, summarize=5),
        tf.debugging.assert_rank(x, 2),
        tf.Assert(tf.shape(x)[0] > 0, ["empty batch", tf.shape(x)], name="is_not_empty"),
    ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        checked = tf.identity(x)
    checked.set_shape([None, _SIZE])
    y = tf.debugging.check_numerics(checked * _scale(), "not finite")
    hub.add_signature(inputs={"x": x, "ids": ids}, outputs=tf.gather(y, ids))


def _in_loop():
    """An assertion in the body, which the next value waits for."""
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    scale = _scale()

    def body(i, value):
        value = tf.tanh(value * scale)
        check = tf.debugging.assert_less_equal(tf.abs(value), 1.0, data=[i, value])
        with tf.control_dependencies([check]):
            return i + 1, tf.identity(value)

    hub.add_signature(inputs=x, outputs=tf.while_loop(lambda i, _: i < 3, body, [0, x])[1])


def _in_cond():
    """An assertion in one branch and a printed message in the other."""
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    flag = tf.placeholder(tf.bool, [], name="strict")
    scale = _scale()

    def strict():
        check = tf.debugging.assert_greater(tf.size(x), 1, message="too small")
        with tf.control_dependencies([check]):
            return x * scale

    def lenient():
        with tf.control_dependencies([tf.print("lenient", tf.shape(x))]):
            return x + scale

    y = tf.cond(flag, strict, lenient)
    hub.add_signature(inputs={"x": x, "strict": flag}, outputs=y)


_X = examples.normal(5, _SIZE)


def _fixture(name, description, module_fn, *calls):
    return Fixture(name, "guards", description, module_fn, calls)


GUARDS = _fixture(
    "guards",
    "assertions on inputs",
    _assertions,
    Call("default", {"x": _X, "ids": [3, 0]}),
)

GUARD_IN_LOOP = _fixture(
    "guard_in_loop", "an assertion in a body", _in_loop, Call("default", {"default": _X})
)

GUARD_IN_COND = _fixture(
    "guard_in_cond",
    "an assertion in a branch",
    _in_cond,
    Call("default", {"x": _X, "strict": True}, "strict"),
    Call("default", {"x": _X, "strict": False}, "lenient"),
)
