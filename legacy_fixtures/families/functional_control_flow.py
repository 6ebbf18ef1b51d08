"""Loops and branches of TF1's second kind: While, If and Case, whose bodies are functions."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.python.framework import function

from legacy_fixtures import examples
from legacy_fixtures.control_flow_scope import with_control_flow_v2
from legacy_fixtures.fixture import Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_SIZE = 4


def _input():
    return tf.placeholder(tf.float32, [None, _SIZE], name="x")


def _flag():
    return tf.placeholder(tf.bool, [], name="flag")


def _scale(name="scale", trainable=True):
    return tf.get_variable(name, [_SIZE], trainable=trainable)


@with_control_flow_v2
def _while():
    """Captures variables; the number of iterations is an input."""
    x = _input()
    count = tf.placeholder(tf.int32, [], name="count")
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
    scale = _scale()

    def body(i, value, total):
        value = tf.tanh(tf.matmul(value, kernel))
        return i + 1, value, total + value * scale

    _, y, total = tf.while_loop(lambda i, *_: i < count, body, (0, x, tf.zeros_like(x)))
    hub.add_signature(inputs={"x": x, "count": count}, outputs={"default": y, "total": total})


@with_control_flow_v2
@with_ref_variables
def _ref_while():
    """Reads of ref variables are captured, not the variables."""
    x = _input()
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])

    def body(i, value):
        return i + 1, tf.tanh(tf.matmul(value, kernel))

    hub.add_signature(inputs=x, outputs=tf.while_loop(lambda i, _: i < 3, body, (0, x))[1])


@with_control_flow_v2
def _while_nested():
    """A loop and a branch in a loop."""
    x = _input()
    scale, shift = _scale(), _scale("shift")

    def outer(i, value):
        _, inner = tf.while_loop(
            lambda j, _: j <= i, lambda j, v: (j + 1, tf.sin(v * scale) + value), (0, value)
        )
        is_even = tf.equal(i % 2, 0)
        return i + 1, tf.cond(is_even, lambda: inner - shift, lambda: inner * shift)

    hub.add_signature(inputs=x, outputs=tf.while_loop(lambda i, _: i < 3, outer, (0, x))[1])


@with_control_flow_v2
def _while_dropout():
    """Random ops in a function that is a body."""
    x = _input()
    scale = _scale()

    def body(i, value):
        return i + 1, tf.nn.dropout(tf.tanh(value * scale), rate=0.25, seed=71)

    hub.add_signature(inputs=x, outputs=tf.while_loop(lambda i, _: i < 3, body, (0, x))[1])


@with_control_flow_v2
def _cond():
    """Several outputs of several dtypes, captured variables, a loop in one branch."""
    x, flag = _input(), _flag()
    left, right = _scale("left"), _scale("right")

    def loop():
        return tf.while_loop(
            lambda i, _: i < 2, lambda i, v: (i + 1, tf.tanh(v * left) + right), (0, x)
        )[1]

    y, name, same = tf.cond(
        flag,
        lambda: (loop(), tf.constant("loop"), x),
        lambda: (x * right, tf.constant("product"), x),
    )
    hub.add_signature(
        inputs={"x": x, "flag": flag}, outputs={"default": y, "name": name, "same": same}
    )


@with_control_flow_v2
def _case():
    """tf.switch_case, and tf.case as a chain."""
    x = _input()
    kind = tf.placeholder(tf.int32, [], name="kind")
    first, second = _scale("first"), _scale("second")
    y = tf.switch_case(
        kind, [lambda: tf.tanh(x * first), lambda: x + second, lambda: x * first * second]
    )
    chain = tf.case(
        [(kind > 1, lambda: x - first), (kind > 0, lambda: x * second)], default=lambda: -x
    )
    hub.add_signature(inputs={"x": x, "kind": kind}, outputs={"default": y, "chain": chain})


@with_control_flow_v2
def _lists():
    """map_fn and scan, whose arrays are tensor lists then; one that grows."""
    x = _input()
    scale = _scale()
    mapped = tf.map_fn(lambda row: tf.tanh(row * scale), x)
    scanned = tf.scan(lambda total, row: total * 0.5 + row, mapped, initializer=tf.zeros([_SIZE]))
    grown = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[_SIZE])
    _, grown = tf.while_loop(
        lambda i, _: i < 3, lambda i, array: (i + 1, array.write(i, x[i] * scale)), (0, grown)
    )
    outputs = {"default": scanned, "mapped": mapped, "grown": grown.stack()}
    hub.add_signature(inputs=x, outputs=outputs)


@with_control_flow_v2
def _rnn():
    """dynamic_rnn with lengths."""
    x = tf.placeholder(tf.float32, [None, None, _SIZE], name="x")
    lengths = tf.placeholder(tf.int32, [None], name="lengths")
    cell = tf.nn.rnn_cell.LSTMCell(3)
    outputs, state = tf.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32)
    inputs = {"x": x, "lengths": lengths}
    hub.add_signature(inputs=inputs, outputs={"default": state.h, "sequence": outputs})


@with_control_flow_v2
def _state():
    """Assignments in a body and in a branch."""
    x, flag = _input(), _flag()
    scale = _scale()
    count = tf.get_variable("count", [], tf.int32, tf.zeros_initializer, trainable=False)
    mean = tf.get_variable("mean", [_SIZE], trainable=False)

    def body(i, value):
        with tf.control_dependencies([tf.assign_add(count, i + 1)]):
            return i + 1, tf.tanh(value * scale)

    _, y = tf.while_loop(lambda i, _: i < 3, body, (0, x))

    def update():
        with tf.control_dependencies([tf.assign(mean, tf.reduce_mean(y, axis=0))]):
            return tf.identity(y)

    y = tf.cond(flag, update, lambda: y * 2.0)
    with tf.control_dependencies([y]):
        outputs = {"default": y, "count": count.read_value(), "mean": mean.read_value()}
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=outputs)


def _define_loop():
    """Returns a function with a loop of the first kind, and dropout in it."""

    @function.Defun(tf.float32, tf.float32, func_name="Refine")
    def refine(x, scale):
        x.set_shape([None, _SIZE])
        scale.set_shape([_SIZE])

        def body(i, value):
            return i + 1, tf.nn.dropout(tf.tanh(value * scale), rate=0.2, seed=72)

        return tf.while_loop(lambda i, _: i < 3, body, (0, x))[1]

    return refine


def _loop_in_function():
    """Two calls of a function that loops, whose gradients TensorFlow 1.15 takes for zeros."""
    x = _input()
    refine = _define_loop()
    y = refine(x, _scale(trainable=False))
    z = refine(y * 2.0, _scale("second", trainable=False))
    hub.add_signature(inputs=x, outputs={"default": z, "first": y})


def _branch_in_function():
    """Two calls of a function that branches, whose gradients fail in TensorFlow 1.15."""
    x, flag = _input(), _flag()

    @function.Defun(tf.float32, tf.float32, tf.bool, func_name="Choose")
    def choose(x, scale, flag):
        return tf.cond(flag, lambda: tf.tanh(x * scale), lambda: x - scale)

    y = choose(x, _scale(trainable=False), flag)
    z = choose(y, _scale("second", trainable=False), tf.logical_not(flag))
    for tensor in (y, z):
        tensor.set_shape([None, _SIZE])
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs={"default": z, "first": y})


def _function_in_loop():
    """A function that is called in a body and in a branch of the first kind."""
    x, flag = _input(), _flag()
    scale = _scale()

    @function.Defun(tf.float32, tf.float32, func_name="Squash")
    def squash(x, scale):
        return tf.tanh(x * scale) * 1.5

    def body(i, value):
        value = squash(value, scale)
        value.set_shape([None, _SIZE])
        return i + 1, value

    looped = tf.while_loop(lambda i, _: i < 3, body, (0, x))[1]
    y = tf.cond(flag, lambda: squash(looped, scale), lambda: looped)
    y.set_shape([None, _SIZE])
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=y)


def _tf_function():
    """tf.function with AutoGraph: a call of a function that loops and branches.

    TensorFlow 1.15 finds no gradient of what it imports of that.
    """
    x = _input()
    scale = _scale(trainable=False)

    @tf.function
    def refine(value):
        for i in tf.range(3):
            value = tf.tanh(value * scale)
            if tf.equal(i % 2, 0):
                value = value + 0.5
        return value

    hub.add_signature(inputs=x, outputs=refine(x))


_X = examples.normal(5, _SIZE)
_PLAIN = (Call("default", {"default": _X}),)
_FLAGS = tuple(
    Call("default", {"x": _X, "flag": flag}, label)
    for flag, label in ((True, "true"), (False, "false"))
)
_COUNTS = ((0, "no iteration"), (3, "three iterations"))


def _fixture(name, description, module_fn, calls=_PLAIN):
    return Fixture(name, "functional_control_flow", description, module_fn, calls)


V2_WHILE = _fixture(
    "v2_while",
    "a While with captured variables",
    _while,
    tuple(Call("default", {"x": _X, "count": count}, label) for count, label in _COUNTS),
)

V2_REF_WHILE = _fixture("v2_ref_while", "a While over ref variables", _ref_while)

V2_WHILE_NESTED = _fixture("v2_while_nested", "While and If in a While", _while_nested)

V2_WHILE_DROPOUT = _fixture("v2_while_dropout", "random ops in a While", _while_dropout)

V2_COND = _fixture("v2_cond", "an If with a While in it", _cond, _FLAGS)

V2_CASE = _fixture(
    "v2_case",
    "a Case and a chain of If",
    _case,
    tuple(Call("default", {"x": _X, "kind": kind}, f"kind {kind}") for kind in range(3)),
)

V2_LISTS = _fixture("v2_lists", "TensorLists in a While", _lists)

V2_RNN = _fixture(
    "v2_rnn",
    "dynamic_rnn in a While",
    _rnn,
    (Call("default", {"x": examples.normal(3, 5, _SIZE), "lengths": [5, 2, 4]}),),
)

V2_STATE = _fixture("v2_state", "assignments in While and If", _state, _FLAGS)

DEFUN_WITH_LOOP = _fixture(
    "defun_with_loop", "a function with a V1 loop, called twice", _loop_in_function
)

DEFUN_WITH_BRANCH = _fixture(
    "defun_with_branch", "a function with a V1 cond, called twice", _branch_in_function, _FLAGS
)

DEFUN_IN_LOOP = _fixture(
    "defun_in_loop", "a function called in a V1 loop and a V1 cond", _function_in_loop, _FLAGS
)

TF_FUNCTION = _fixture("tf_function", "tf.function with AutoGraph", _tf_function)
