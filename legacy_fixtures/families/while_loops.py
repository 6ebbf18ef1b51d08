"""Loops of TF1's first kind: Enter, Merge, Switch, NextIteration and Exit in a frame."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_SIZE = 4
_WORDS = 7


def _input():
    return tf.placeholder(tf.float32, [None, _SIZE], name="x")


def _dense(x, name="dense"):
    with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
        kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
        bias = tf.get_variable("bias", [_SIZE])
    return tf.tanh(tf.matmul(x, kernel) + bias)


def _simple():
    """Variables are created outside and read inside; one more output sums the iterations."""
    x = _input()
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
    bias = tf.get_variable("bias", [_SIZE])

    def body(step, hidden, total):
        hidden = tf.tanh(tf.matmul(hidden, kernel) + bias)
        return step + 1, hidden, total + hidden * tf.cast(step, tf.float32)

    steps, hidden, total = tf.while_loop(
        lambda step, *_: step < 3, body, [0, x, tf.zeros_like(x)], name="refine"
    )
    hub.add_signature(inputs=x, outputs={"default": hidden, "total": total, "steps": steps})


@with_ref_variables
def _ref_simple():
    _simple()


def _nested():
    """The inner loop's trip count and factor depend on the outer loop."""
    x = _input()
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
    scale = tf.get_variable("scale", [_SIZE])

    def outer(i, hidden, inner_steps):
        factor = 1.0 / tf.cast(i + 2, tf.float32)

        def inner(j, value):
            return j + 1, tf.sin(tf.matmul(value, kernel)) * scale + factor * hidden

        j, value = tf.while_loop(lambda j, _: j <= i, inner, [0, hidden])
        return i + 1, value + 0.5 * hidden, inner_steps + j

    _, hidden, inner_steps = tf.while_loop(lambda i, *_: i < 3, outer, [0, x, 0])
    hub.add_signature(inputs=x, outputs={"default": hidden, "inner_steps": inner_steps})


def _nested_deep():
    """Three levels; the innermost writes nothing but uses values of every level around it."""
    x = _input()
    weights = [tf.get_variable(name, [_SIZE]) for name in ("low", "middle", "high")]

    def loop(level, around):
        if level == len(weights):
            return around

        def body(i, value):
            inner = loop(level + 1, tf.tanh(value + around * weights[level]))
            return i + 1, 0.5 * value + inner

        return tf.while_loop(lambda i, _: i < 2, body, [0, around])[1]

    hub.add_signature(inputs=x, outputs=loop(0, x))


def _in_cond():
    """One branch loops, the other does not; both use the same variable."""
    x = _input()
    flag = tf.placeholder(tf.bool, [], name="refine")
    scale = tf.get_variable("scale", [_SIZE])

    def refine():
        return tf.while_loop(
            lambda i, _: i < 4, lambda i, value: (i + 1, tf.tanh(value * scale) + x), [0, x]
        )[1]

    y = tf.cond(flag, refine, lambda: x * scale)
    hub.add_signature(inputs={"x": x, "refine": flag}, outputs=y)


def _cond_in_predicate():
    """The predicate is a cond of its own: at least two steps, then until the norm is small."""
    x = _input()
    scale = tf.get_variable("scale", [_SIZE])

    def predicate(step, value):
        def is_large():
            return tf.reduce_sum(tf.square(value)) > 0.75

        return tf.cond(step < 2, lambda: tf.constant(True), is_large)

    def body(step, value):
        return step + 1, value * 0.6 * tf.tanh(tf.abs(scale) + 1.0)

    steps, y = tf.while_loop(predicate, body, [0, x])
    hub.add_signature(inputs=x, outputs={"default": y, "steps": steps})


def _cond_in_body():
    """Every other step takes the other branch."""
    x = _input()
    scale = tf.get_variable("scale", [_SIZE])
    shift = tf.get_variable("shift", [_SIZE])

    def body(i, value):
        is_even = tf.equal(i % 2, 0)
        return i + 1, tf.cond(is_even, lambda: tf.tanh(value * scale), lambda: value + shift)

    hub.add_signature(inputs=x, outputs=tf.while_loop(lambda i, _: i < 5, body, [0, x])[1])


@with_ref_variables
def _ref_cond_in_body():
    _cond_in_body()


def _trip_count():
    """The number of iterations is an input."""
    x = _input()
    count = tf.placeholder(tf.int32, [], name="count")
    steps, y = tf.while_loop(lambda i, _: i < count, lambda i, h: (i + 1, _dense(h)), [0, x])
    hub.add_signature(inputs={"x": x, "count": count}, outputs={"default": y, "steps": steps})


def _shape_invariants():
    """A loop variable that grows, and one whose static shape is less than it could be."""
    x = _input()
    scale = tf.get_variable("scale", [_SIZE])

    def body(i, grown, last):
        last = last * scale + tf.cast(i, tf.float32)
        return i + 1, tf.concat([grown, last], axis=1), last

    invariants = [
        tf.TensorShape([]),
        tf.TensorShape([None, None]),
        tf.TensorShape([None, None]),
    ]
    _, grown, last = tf.while_loop(
        lambda i, *_: i < 3, body, [0, x, x], shape_invariants=invariants
    )
    hub.add_signature(inputs=x, outputs={"default": grown, "last": last})


def _swapped():
    """Loop variables that change places, one that stays, and one that becomes a constant."""
    x = _input()
    scale = tf.get_variable("scale", [_SIZE])

    def body(i, first, second, kept, replaced):
        replaced.set_shape([])
        return i + 1, second, tf.tanh(first * scale + replaced * kept), kept, tf.constant(0.25)

    _, first, second, kept, replaced = tf.while_loop(
        lambda i, *_: i < 3, body, [0, x, x * 0.5, scale * 2.0, tf.reduce_mean(x)]
    )
    outputs = {"default": first, "second": second, "kept": kept, "replaced": replaced}
    hub.add_signature(inputs=x, outputs=outputs)


def _variable_in_body():
    """Layers are called in the body, which creates their variables there."""
    x = _input()

    def body(i, hidden):
        hidden = tf.layers.dense(hidden, _SIZE, tf.tanh, name="dense")
        return i + 1, hidden + tf.get_variable("shift", [_SIZE])

    _, y = tf.while_loop(lambda i, _: i < 3, body, [0, x])
    hub.add_signature(inputs=x, outputs=y)


def _dropout():
    """Dropout and noise in the body."""
    x = _input()
    scale = tf.get_variable("scale", [_SIZE])

    def body(i, hidden):
        hidden = tf.nn.dropout(tf.tanh(hidden * scale), rate=0.3, seed=21)
        return i + 1, hidden + 0.1 * tf.random.normal(tf.shape(hidden), seed=22)

    _, y = tf.while_loop(lambda i, _: i < 3, body, [0, x])
    hub.add_signature(inputs=x, outputs=y)


def _dropout_variants(is_training):
    """Only the training graph has a loop: it averages over several dropout masks."""
    x = _input()
    hidden = _dense(x)
    if is_training:

        def body(i, total):
            return i + 1, total + tf.nn.dropout(hidden, rate=0.25, seed=23)

        hidden = tf.while_loop(lambda i, _: i < 4, body, [0, tf.zeros_like(hidden)])[1] / 4.0
    hub.add_signature(inputs=x, outputs=_dense(hidden, "output"))


def _embedding():
    """Looks up the next id's embedding in each step, beginning with an input."""
    ids = tf.placeholder(tf.int32, [None, None], name="ids")
    table = tf.get_variable("embedding", [_WORDS, _SIZE])
    scale = tf.get_variable("scale", [_SIZE])

    def body(i, state):
        return i + 1, tf.tanh(tf.nn.embedding_lookup(table, ids[:, i]) + state * scale)

    initial = tf.zeros(tf.stack([tf.shape(ids)[0], _SIZE]))
    _, state = tf.while_loop(
        lambda i, _: i < tf.shape(ids)[1],
        body,
        [0, initial],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, _SIZE])],
    )
    hub.add_signature(inputs=ids, outputs=state)


@with_ref_variables
def _ref_embedding():
    _embedding()


def _strings():
    """Strings as loop variables: joins words until there are as many as asked for."""
    words = tf.placeholder(tf.string, [None], name="words")
    count = tf.placeholder(tf.int32, [], name="count")

    def body(i, joined, separator):
        return i + 1, tf.strings.join([joined, separator, words]), tf.strings.join([separator, "-"])

    _, joined, separator = tf.while_loop(
        lambda i, *_: i < count, body, [0, words, tf.constant("+")]
    )
    outputs = {"default": joined, "separator": separator}
    hub.add_signature(inputs={"words": words, "count": count}, outputs=outputs)


def _partitioned():
    """A variable in parts, which are put together in the body."""
    x = _input()
    partitioner = tf.fixed_size_partitioner(2)
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE], partitioner=partitioner)

    def body(i, value):
        whole = tf.concat([tf.identity(part) for part in kernel], axis=0)
        return i + 1, tf.tanh(tf.matmul(value, whole))

    hub.add_signature(inputs=x, outputs=tf.while_loop(lambda i, _: i < 3, body, [0, x])[1])


def _maximum_iterations():
    """Halves until all is small, but not more often than the maximum."""
    x = _input()
    scale = tf.get_variable("scale", [_SIZE])

    def body(step, value):
        return step + 1, value * 0.5 * tf.tanh(tf.abs(scale) + 2.0)

    steps, y = tf.while_loop(
        lambda _, value: tf.reduce_max(tf.abs(value)) > 0.3, body, (0, x), maximum_iterations=4
    )
    hub.add_signature(inputs=x, outputs={"default": y, "steps": steps})


def _no_gradient():
    """A loop without gradients beside a path that has some."""
    x = _input()
    scale = tf.get_variable("scale", [_SIZE])
    _, attention = tf.while_loop(
        lambda i, _: i < 3,
        lambda i, value: (i + 1, tf.nn.softmax(value * scale)),
        [0, x],
        back_prop=False,
        parallel_iterations=1,
    )
    hub.add_signature(inputs=x, outputs=x * scale * attention)


def _predicate_value_in_body():
    """The body uses what the predicate has computed, which runs once more than the body.

    TensorFlow 1.15 differentiates no such loop, so no variable is trainable.
    """
    x = _input()
    scale = tf.get_variable("scale", [_SIZE], trainable=False)
    computed = []

    def predicate(step, value):
        computed.append(tf.norm(value * scale))
        return computed[0] > 0.2

    def body(step, value):
        return step + 1, value * 0.5 * tf.sigmoid(scale) + 0.01 * computed[0]

    steps, y = tf.while_loop(predicate, body, [0, x])
    hub.add_signature(inputs=x, outputs={"default": y, "steps": steps})


def _integers():
    """No floats in the loop: the greatest common divisor, then a gather with it."""
    pair = tf.placeholder(tf.int64, [2], name="pair")
    table = tf.get_variable("table", [_WORDS, _SIZE])
    divisor, _ = tf.while_loop(
        lambda _, b: tf.not_equal(b, 0),
        lambda a, b: (b, tf.floormod(a, b)),
        [pair[0], pair[1]],
    )
    outputs = {"default": tf.gather(table, divisor % _WORDS), "divisor": divisor}
    hub.add_signature(inputs=pair, outputs=outputs)


def _two_signatures():
    """Two signatures use the results of one loop, and one of a loop after it."""
    x = _input()

    def loop(count, value, name):
        return tf.while_loop(lambda i, _: i < count, lambda i, h: (i + 1, _dense(h)), [0, value])[1]

    first = loop(2, x, "first")
    second = loop(tf.cast(tf.reduce_sum(tf.cast(first > 0.0, tf.int32)) % 3, tf.int32), first, "b")
    hub.add_signature("default", inputs=x, outputs=first)
    hub.add_signature("both", inputs=x, outputs={"first": first, "second": second})


_X = examples.normal(5, _SIZE)
_BATCH = {"default": _X}
_IDS = {"default": examples.ids(_WORDS, (3, 5))}
_FLAGS = ((True, "looping"), (False, "not looping"))
_COUNTS = ((0, "no iteration"), (1, "one iteration"), (4, "four iterations"))
_STRINGS = examples.strings(["cat", "", "tree"])
_PLAIN = (Call("default", _BATCH),)


def _fixture(name, description, module_fn, calls=_PLAIN, **options):
    return Fixture(name, "while_loops", description, module_fn, calls, **options)


WHILE_SIMPLE = _fixture("while_simple", "a loop that reads variables of outside it", _simple)

WHILE_REF_SIMPLE = _fixture("while_ref_simple", "the same with ref variables", _ref_simple)

WHILE_NESTED = _fixture("while_nested", "a loop whose body loops", _nested)

WHILE_NESTED_DEEP = _fixture("while_nested_deep", "three loops, one in another", _nested_deep)

WHILE_IN_COND = _fixture(
    "while_in_cond",
    "a loop in one branch",
    _in_cond,
    tuple(Call("default", {"x": _X, "refine": flag}, label) for flag, label in _FLAGS),
)

WHILE_COND_IN_PREDICATE = _fixture(
    "while_cond_in_predicate",
    "a loop whose predicate branches",
    _cond_in_predicate,
    (
        Call("default", _BATCH),
        Call("default", {"default": _X * 0.1}, "only the first branch"),
    ),
)

WHILE_COND_IN_BODY = _fixture(
    "while_cond_in_body",
    "a loop whose body branches on the step; TensorFlow 1.15 fails to differentiate it",
    _cond_in_body,
)

WHILE_REF_COND_IN_BODY = _fixture(
    "while_ref_cond_in_body", "the same with ref variables, and gradients", _ref_cond_in_body
)

WHILE_TRIP_COUNT = _fixture(
    "while_trip_count",
    "as many iterations as an input says, or none",
    _trip_count,
    tuple(Call("default", {"x": _X, "count": count}, label) for count, label in _COUNTS),
)

WHILE_SHAPE_INVARIANTS = _fixture(
    "while_shape_invariants", "loop variables with shape invariants, one grows", _shape_invariants
)

WHILE_SWAPPED = _fixture("while_swapped", "loop variables swapped, kept and replaced", _swapped)

WHILE_VARIABLE_IN_BODY = _fixture(
    "while_variable_in_body", "variables created in the body", _variable_in_body
)

WHILE_DROPOUT = _fixture("while_dropout", "random ops in the body", _dropout)

WHILE_ONLY_IN_TRAINING = _fixture(
    "while_only_in_training",
    "a loop in the training graph alone",
    _dropout_variants,
    tags_and_args=((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True})),
)

WHILE_EMBEDDING = _fixture(
    "while_embedding", "embedding lookup in the body", _embedding, (Call("default", _IDS),)
)

WHILE_REF_EMBEDDING = _fixture(
    "while_ref_embedding", "the same with ref variables", _ref_embedding, (Call("default", _IDS),)
)

WHILE_STRINGS = _fixture(
    "while_strings",
    "strings as loop variables, no variables",
    _strings,
    tuple(Call("default", {"words": _STRINGS, "count": n}, label) for n, label in _COUNTS),
)

WHILE_PARTITIONED = _fixture(
    "while_partitioned", "a partitioned variable in the body", _partitioned
)

WHILE_MAXIMUM_ITERATIONS = _fixture(
    "while_maximum_iterations",
    "an end by the maximum of iterations or by the predicate",
    _maximum_iterations,
    (
        Call("default", {"default": _X * 20.0}, "maximum"),
        Call("default", _BATCH, "predicate"),
        Call("default", {"default": _X * 0.05}, "no iteration"),
    ),
)

WHILE_NO_GRADIENT = _fixture("while_no_gradient", "back_prop=False", _no_gradient)

WHILE_PREDICATE_VALUE_IN_BODY = _fixture(
    "while_predicate_value_in_body",
    "a tensor of the predicate used in the body",
    _predicate_value_in_body,
)

WHILE_INTEGERS = _fixture(
    "while_integers",
    "integers as loop variables",
    _integers,
    (
        Call("default", {"default": [84, 36]}),
        Call("default", {"default": [5, 0]}, "no iteration"),
    ),
)

WHILE_TWO_SIGNATURES = _fixture(
    "while_two_signatures",
    "loops that signatures share",
    _two_signatures,
    (Call("default", _BATCH), Call("both", {"default": _X})),
)
