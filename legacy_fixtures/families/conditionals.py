"""Branches of TF1's first kind: Switch and Merge."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.python.ops import control_flow_ops

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_SIZE = 4


def _input():
    return tf.placeholder(tf.float32, [None, _SIZE], name="x")


def _flag(name="flag"):
    return tf.placeholder(tf.bool, [], name=name)


def _vector(name):
    return tf.get_variable(name, [_SIZE])


def _variables_per_branch():
    """Each branch has a variable of its own and one that both use."""
    x, flag = _input(), _flag()
    shared, left, right = _vector("shared"), _vector("left"), _vector("right")
    y = tf.cond(flag, lambda: tf.sin(x * left) + shared, lambda: x * shared - right)
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=y)


@with_ref_variables
def _ref_variables_per_branch():
    _variables_per_branch()


def _layers_in_branches():
    """Branches that create their variables."""
    x, flag = _input(), _flag()

    def wide():
        hidden = tf.layers.dense(x, 6, tf.tanh, name="wide")
        return tf.layers.dense(hidden, 3, name="wide_output")

    y = tf.cond(flag, wide, lambda: tf.layers.dense(x, 3, name="narrow"))
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=y)


def _several_outputs():
    """Outputs of several dtypes, one of them another output again."""
    x, flag = _input(), _flag()
    scale = _vector("scale")

    def long():
        y = tf.exp(x * scale)
        return y, tf.shape(x), tf.constant("long"), tf.reduce_sum(y, 1) > 1.0, y

    def short():
        y = x * scale
        return y, tf.shape(x) * 2, tf.constant("short"), tf.reduce_sum(y, 1) > 0.5, x

    y, shape, name, large, again = tf.cond(flag, long, short)
    outputs = {"default": y, "shape": shape, "name": name, "large": large, "again": again}
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=outputs)


def _pass_through():
    """Branches that return tensors of outside as they are, swapped, and constants."""
    x, flag = _input(), _flag()
    scale = _vector("scale")
    scaled = x * scale
    first, second, constant, same = tf.cond(
        flag,
        lambda: (x, scaled, tf.constant(1.5), scale),
        lambda: (scaled, x, tf.constant(-0.5), scale),
    )
    outputs = {"default": first * constant, "second": second, "same": same, "constant": constant}
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=outputs)


def _same_predicate():
    """One predicate for two conds, the second of which uses the first's result."""
    x, flag = _input(), _flag()
    left, right = _vector("left"), _vector("right")
    first = tf.cond(flag, lambda: tf.tanh(x * left), lambda: tf.sin(x))
    between = first + 1.0
    second = tf.cond(flag, lambda: between * 2.0, lambda: between * right)
    outputs = {"default": second, "first": first}
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=outputs)


def _same_predicate_nested():
    """A cond in a branch of a cond on the same predicate: the inner one has no choice."""
    x, flag = _input(), _flag()
    left, right = _vector("left"), _vector("right")

    def inner():
        return tf.cond(flag, lambda: tf.tanh(x * left), lambda: x - left)

    hub.add_signature(
        inputs={"x": x, "flag": flag},
        outputs=tf.cond(flag, lambda: inner() + 1.0, lambda: inner() * right),
    )


def _nested():
    """Branches that branch on predicates of their own, one made in a branch."""
    x, flag = _input(), _flag()
    left, right = _vector("left"), _vector("right")

    def when_true():
        mean = tf.reduce_mean(x)
        return tf.cond(mean > 0.0, lambda: x * left + mean, lambda: tf.exp(x * right))

    def when_false():
        hidden = tf.tanh(x * right)
        total = tf.reduce_sum(x)
        return tf.cond(total > 2.0, lambda: hidden, lambda: tf.zeros_like(hidden) + left)

    y = tf.cond(flag, when_true, when_false)
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=y)


def _case():
    """tf.case with a default, with exclusive predicates, and as a chain."""
    x = _input()
    kind = tf.placeholder(tf.int32, [], name="kind")
    weights = [_vector(name) for name in ("first", "second", "third")]
    is_kind = [tf.equal(kind, index) for index in range(3)]
    exclusive = tf.case(
        [
            (is_kind[index], lambda weight=weight: x * weight)
            for index, weight in enumerate(weights)
        ],
        default=lambda: -x,
        exclusive=True,
    )
    chain = tf.case(
        [(kind > 1, lambda: tf.tanh(x * weights[2])), (kind > 0, lambda: x + weights[1])],
        default=lambda: x * weights[0],
    )
    outputs = {"default": exclusive, "chain": chain}
    hub.add_signature(inputs={"x": x, "kind": kind}, outputs=outputs)


def _switch_case():
    """tf.switch_case, which has an index for its predicate."""
    x = _input()
    kind = tf.placeholder(tf.int32, [], name="kind")
    weights = [_vector(name) for name in ("first", "second", "third")]
    branches = [lambda weight=weight: tf.tanh(x * weight) for weight in weights]
    y = tf.switch_case(kind, branches, default=lambda: x)
    hub.add_signature(inputs={"x": x, "kind": kind}, outputs=y)


def _by_hand():
    """Switch and Merge without tf.cond: no contexts in the collections, no pivots."""
    x, flag = _input(), _flag()
    left, right = _vector("left"), _vector("right")
    when_false, when_true = control_flow_ops.switch(x, flag)
    left_value, _ = control_flow_ops.switch(right * 2.0, flag)
    y, index = control_flow_ops.merge([tf.sin(when_false) * left_value, when_true * 3.0])
    # A Merge of the dead and the live end of one Switch, with nothing in between.
    same, which = control_flow_ops.merge(list(control_flow_ops.switch(x * left, flag)))
    outputs = {"default": y, "index": index, "same": same, "which": which}
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=outputs)


def _in_loop_in_cond():
    """A cond in a loop in a cond: either branch of the inner one reads a variable."""
    x, flag = _input(), _flag()
    left, right = _vector("left"), _vector("right")

    def loop():
        def body(i, value):
            inner = tf.cond(
                tf.reduce_mean(value) > 0.1,
                lambda: tf.tanh(value * left) - 0.3,
                lambda: value + tf.abs(right),
            )
            return i + 1, inner

        return tf.while_loop(lambda i, _: i < 4, body, [0, x])[1]

    y = tf.cond(flag, loop, lambda: x * right)
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=y)


@with_ref_variables
def _ref_in_loop_in_cond():
    _in_loop_in_cond()


def _data_dependent():
    """A predicate that is computed from the inputs and from a variable."""
    x = _input()
    scale, threshold = _vector("scale"), tf.get_variable("threshold", [])
    y = x * scale
    norm = tf.norm(y)
    clipped = tf.cond(norm > tf.abs(threshold) * 10.0, lambda: y / norm, lambda: y)
    hub.add_signature(inputs=x, outputs={"default": clipped, "norm": norm})


def _flag_with_default():
    """A flag that callers may leave at its default, and its negation."""
    x = _input()
    flag = tf.placeholder_with_default(False, [], name="flag")
    scale = _vector("scale")
    y = tf.cond(flag, lambda: tf.nn.relu(x * scale), lambda: x)
    z = tf.cond(tf.logical_not(flag), lambda: x * scale, lambda: x + scale)
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs={"default": y, "negated": z})


def _sparse():
    """Branches that return a sparse tensor of different numbers of elements."""
    x, flag = _input(), _flag()
    scale = _vector("scale")

    def dense_to_sparse(values):
        indices = tf.where(values > 0.25)
        shape = tf.shape(values, out_type=tf.int64)
        return tf.SparseTensor(indices, tf.gather_nd(values, indices), shape)

    sparse = tf.cond(
        flag, lambda: dense_to_sparse(x * scale), lambda: dense_to_sparse(tf.sin(x) + scale)
    )
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=sparse)


def _random():
    """Branches that draw random numbers."""
    x, flag = _input(), _flag()
    scale = _vector("scale")
    y = tf.cond(
        flag,
        lambda: tf.nn.dropout(x * scale, rate=0.4, seed=31),
        lambda: x * scale + tf.random.uniform(tf.shape(x), seed=32),
    )
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=y)


def _empty_branch():
    """Guards an operation that fails on an empty batch."""
    x = _input()
    scale = _vector("scale")
    largest = tf.cond(
        tf.equal(tf.size(x), 0),
        lambda: tf.zeros([_SIZE]),
        lambda: tf.gather(x * scale, tf.argmax(tf.reduce_sum(x, 1))),
    )
    hub.add_signature(inputs=x, outputs=largest)


_X = examples.normal(5, _SIZE)
_FLAGS = tuple(
    Call("default", {"x": _X, "flag": flag}, label)
    for flag, label in ((True, "true"), (False, "false"))
)
_KINDS = tuple(Call("default", {"x": _X, "kind": kind}, f"kind {kind}") for kind in range(4))


def _fixture(name, description, module_fn, calls=_FLAGS):
    return Fixture(name, "conditionals", description, module_fn, calls)


COND_VARIABLES_PER_BRANCH = _fixture(
    "cond_variables_per_branch", "variables used in one branch or in both", _variables_per_branch
)

COND_REF_VARIABLES_PER_BRANCH = _fixture(
    "cond_ref_variables_per_branch", "the same with ref variables", _ref_variables_per_branch
)

COND_LAYERS_IN_BRANCHES = _fixture(
    "cond_layers_in_branches", "variables created in branches", _layers_in_branches
)

COND_SEVERAL_OUTPUTS = _fixture(
    "cond_several_outputs", "five outputs of four dtypes", _several_outputs
)

COND_PASS_THROUGH = _fixture(
    "cond_pass_through", "outputs that are captured tensors or constants", _pass_through
)

COND_SAME_PREDICATE = _fixture(
    "cond_same_predicate", "two conds on one predicate, one after the other", _same_predicate
)

COND_SAME_PREDICATE_NESTED = _fixture(
    "cond_same_predicate_nested", "two conds on one predicate, nested", _same_predicate_nested
)

COND_NESTED = _fixture(
    "cond_nested",
    "conds in both branches of a cond",
    _nested,
    tuple(
        Call("default", {"x": sign * _X, "flag": flag}, f"{flag}, {sign:+d}")
        for flag in (True, False)
        for sign in (1, -1)
    ),
)

COND_CASE = _fixture("cond_case", "tf.case, exclusive and not", _case, _KINDS)

COND_SWITCH_CASE = _fixture("cond_switch_case", "tf.switch_case", _switch_case, _KINDS)

COND_BY_HAND = _fixture("cond_by_hand", "Switch and Merge without tf.cond", _by_hand)

COND_IN_LOOP_IN_COND = _fixture(
    "cond_in_loop_in_cond",
    "a cond in a loop in a cond; TensorFlow 1.15 fails to differentiate it",
    _in_loop_in_cond,
)

COND_REF_IN_LOOP_IN_COND = _fixture(
    "cond_ref_in_loop_in_cond", "the same with ref variables, and gradients", _ref_in_loop_in_cond
)

COND_DATA_DEPENDENT = _fixture(
    "cond_data_dependent",
    "clips by the norm",
    _data_dependent,
    (
        Call("default", {"default": _X * 9.0}, "clipped"),
        Call("default", {"default": _X * 0.1}, "as it is"),
    ),
)

COND_FLAG_WITH_DEFAULT = _fixture(
    "cond_flag_with_default", "a predicate with a default", _flag_with_default
)

COND_SPARSE = _fixture("cond_sparse", "sparse tensors out of branches", _sparse)

COND_RANDOM = _fixture("cond_random", "random ops in branches", _random)

COND_EMPTY_BATCH = _fixture(
    "cond_empty_batch",
    "a branch for an empty batch",
    _empty_branch,
    (
        Call("default", {"default": _X}),
        Call("default", {"default": _X[:0]}, "empty"),
    ),
)
