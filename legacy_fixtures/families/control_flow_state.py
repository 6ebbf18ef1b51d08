"""Variables that are written in loops and in branches, of either kind."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.python.ops import control_flow_ops

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_SIZE = 4
_ROWS = 5


def _input():
    return tf.placeholder(tf.float32, [None, _SIZE], name="x")


def _scale():
    return tf.get_variable("scale", [_SIZE])


def _counter(name="count", dtype=tf.int32):
    return tf.get_variable(name, [], dtype, tf.zeros_initializer, trainable=False)


def _counted_loop():
    """Each iteration adds to a counter, which is read after the loop; and to one beside it."""
    x = _input()
    scale = _scale()
    count, total = _counter(), _counter("total", tf.float32)

    def body(i, value):
        value = tf.tanh(value * scale)
        updates = [tf.assign_add(count, i + 1), tf.assign_add(total, tf.reduce_mean(value))]
        with tf.control_dependencies(updates):
            return i + 1, tf.identity(value)

    _, y = tf.while_loop(lambda i, _: i < 3, body, (0, x), parallel_iterations=1)
    with tf.control_dependencies([y]):
        outputs = {"default": y, "count": count.read_value(), "total": total.read_value() * 1.0}
    hub.add_signature(inputs=x, outputs=outputs)


@with_ref_variables
def _ref_counted_loop():
    _counted_loop()


def _state_between_iterations():
    """The state goes from one iteration to the next through a variable alone."""
    x = _input()
    scale = _scale()
    state = tf.get_variable("state", [_SIZE], trainable=False)

    def body(i, total):
        before = state.read_value() * 0.5
        with tf.control_dependencies([before]):
            written = tf.assign(state, before + tf.sin(x[i]))
        with tf.control_dependencies([written]):
            after = state.read_value() * 2.0
        return i + 1, total + after * scale

    count = tf.shape(x)[0]
    _, total = tf.while_loop(
        lambda i, _: i < count, body, (0, tf.zeros([_SIZE])), parallel_iterations=1
    )
    hub.add_signature(inputs=x, outputs=total)


@with_ref_variables
def _ref_state_between_iterations():
    _state_between_iterations()


def _scatter_in_loop():
    """Writes a row of a memory in each iteration, then attends to all rows."""
    x = _input()
    slots = tf.placeholder(tf.int32, [None], name="slots")
    scale = _scale()
    memory = tf.get_variable("memory", [_ROWS, _SIZE], trainable=False)

    def body(i, total):
        with tf.control_dependencies([tf.scatter_update(memory, slots[i], x[i] * 0.5)]):
            rows = memory.read_value() * 2.0
            shares = tf.nn.softmax(tf.linalg.matvec(rows, x[i] * scale))
        return i + 1, total + tf.linalg.matvec(rows, shares, transpose_a=True)

    count = tf.size(slots)
    _, total = tf.while_loop(
        lambda i, _: i < count, body, (0, tf.zeros([_SIZE])), parallel_iterations=1
    )
    hub.add_signature(inputs={"x": x, "slots": slots}, outputs=total)


@with_ref_variables
def _ref_scatter_in_loop():
    _scatter_in_loop()


def _power_iteration():
    """Spectral norm by several power iterations, whose last vector is kept for the next call."""
    x = _input()
    kernel = tf.get_variable("kernel", [_SIZE, 3])
    u_var = tf.get_variable("u_var", [1, 3], trainable=False)

    def body(i, u):
        v = tf.nn.l2_normalize(tf.matmul(u, kernel, transpose_b=True))
        u = tf.nn.l2_normalize(tf.matmul(v, kernel))
        with tf.control_dependencies([u_var.assign(u)]):
            return i + 1, tf.identity(u)

    initial = tf.identity(u_var) * 1.0
    _, u = tf.while_loop(lambda i, _: i < 3, body, (0, initial), parallel_iterations=1)
    u = tf.stop_gradient(u)
    v = tf.stop_gradient(tf.nn.l2_normalize(tf.matmul(u, kernel, transpose_b=True)))
    sigma = tf.matmul(tf.matmul(v, kernel), u, transpose_b=True)
    outputs = {"default": tf.matmul(x, kernel / sigma), "sigma": tf.reshape(sigma, [])}
    hub.add_signature(inputs=x, outputs=outputs)


@with_ref_variables
def _ref_power_iteration():
    _power_iteration()


def _assigned_in_branch():
    """A branch writes, the other one does not; what follows reads."""
    x = _input()
    flag = tf.placeholder(tf.bool, [], name="update")
    scale = _scale()
    mean = tf.get_variable("mean", [_SIZE], trainable=False)
    count = _counter(dtype=tf.int64)

    def update():
        assigned = tf.assign(mean, 0.5 * mean + 0.5 * tf.reduce_mean(x, axis=0))
        with tf.control_dependencies([assigned, tf.assign_add(count, 1)]):
            return tf.constant(1.0)

    def keep():
        return tf.constant(-1.0)

    updated = tf.cond(flag, update, keep)
    with tf.control_dependencies([updated]):
        current, steps = mean.read_value() * 1.0, count.read_value()
    outputs = {"default": (x - current) * scale, "updated": updated, "count": steps}
    hub.add_signature(inputs={"x": x, "update": flag}, outputs=outputs)


@with_ref_variables
def _ref_assigned_in_branch():
    _assigned_in_branch()


def _returned_assignment():
    """Both branches return what an assignment returns, one of them of another variable."""
    x = _input()
    flag = tf.placeholder(tf.bool, [], name="flag")
    scale = _scale()
    first = tf.get_variable("first", [_SIZE], trainable=False)
    second = tf.get_variable("second", [_SIZE], trainable=False)
    mean = tf.reduce_mean(x, axis=0)
    chosen = tf.cond(
        flag,
        lambda: tf.identity(tf.assign_add(first, mean)),
        lambda: tf.identity(tf.assign_sub(second, mean)),
    )
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=tf.tanh(chosen * scale))


@with_ref_variables
def _ref_returned_assignment():
    _returned_assignment()


@with_ref_variables
def _ref_merged():
    """Branches return references: RefSwitch by hand, and RefMerge of two variables."""
    x = _input()
    flag = tf.placeholder(tf.bool, [], name="flag")
    left = tf.get_variable("left", [_SIZE], trainable=False)
    right = tf.get_variable("right", [_SIZE], trainable=False)
    scale = _scale()
    _, left_when_true = control_flow_ops._SwitchRefOrTensor(left._ref(), flag)
    right_when_false, _ = control_flow_ops._SwitchRefOrTensor(right._ref(), flag)
    chosen, index = control_flow_ops.merge([right_when_false, left_when_true])
    outputs = {"default": x * scale + chosen * 1.0, "index": index}
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=outputs)


@with_ref_variables
def _ref_switched_assignment():
    """Assigns to a reference that comes out of a Switch: only if that branch is taken."""
    x = _input()
    flag = tf.placeholder(tf.bool, [], name="flag")
    state = tf.get_variable("state", [_SIZE], trainable=False)
    scale = _scale()
    mean = tf.reduce_mean(x, axis=0)
    when_false, when_true = control_flow_ops._SwitchRefOrTensor(state._ref(), flag)
    _, mean_when_true = control_flow_ops.switch(mean, flag)
    assigned = tf.assign(when_true, mean_when_true * 2.0)
    merged, _ = control_flow_ops.merge([tf.identity(when_false), tf.identity(assigned)])
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=x * scale - merged)


def _branch_in_loop():
    """In a loop, a branch writes whenever the value is a new maximum."""
    x = _input()
    scale = _scale()
    best = tf.get_variable("best", [], trainable=False)
    changes = _counter("changes")
    scores = tf.linalg.matvec(x, scale)

    def body(i, total):
        def keep():
            return tf.constant(0.0)

        def replace():
            updates = [tf.assign(best, scores[i]), tf.assign_add(changes, 1)]
            with tf.control_dependencies(updates):
                return tf.identity(scores[i])

        found = tf.cond(scores[i] > best.read_value() * 1.0, replace, keep)
        with tf.control_dependencies([found]):
            return i + 1, total * 0.5 + best.read_value() * 1.0 + 0.1 * found

    count = tf.shape(x)[0]
    _, total = tf.while_loop(lambda i, _: i < count, body, (0, 0.0), parallel_iterations=1)
    with tf.control_dependencies([total]):
        outputs = {"default": total, "changes": changes.read_value()}
    hub.add_signature(inputs=x, outputs=outputs)


@with_ref_variables
def _ref_branch_in_loop():
    _branch_in_loop()


def _update_op_in_branch():
    """Update ops: one that a branch makes, one that writes what a loop computes."""
    x = _input()
    flag = tf.placeholder_with_default(True, [], name="flag")
    scale = _scale()
    mean = tf.get_variable("mean", [_SIZE], trainable=False)
    power = tf.get_variable("power", [_SIZE], trainable=False)

    def observe():
        update = tf.assign(mean, tf.reduce_mean(x, axis=0))
        tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update.op)
        return x - 2.0

    y = tf.cond(flag, observe, lambda: x + 1.0)
    _, product = tf.while_loop(
        lambda i, _: i < 3, lambda i, value: (i + 1, tf.sin(value) * y[0]), (0, y[0])
    )
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.assign(power, product).op)
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=y * scale + power)


@with_ref_variables
def _ref_update_op_in_branch():
    _update_op_in_branch()


_X = examples.normal(_ROWS, _SIZE)
_PLAIN = (Call("default", {"default": _X}),)


def _flag_calls(name):
    return tuple(
        Call("default", {"x": _X, name: flag}, label)
        for flag, label in ((True, "true"), (False, "false"))
    )


def _fixture(name, description, module_fn, calls=_PLAIN, **options):
    return Fixture(name, "control_flow_state", description, module_fn, calls, **options)


STATE_COUNTED_LOOP = _fixture("state_counted_loop", "counters in a loop", _counted_loop)

STATE_REF_COUNTED_LOOP = _fixture(
    "state_ref_counted_loop", "the same with ref variables", _ref_counted_loop
)

STATE_BETWEEN_ITERATIONS = _fixture(
    "state_between_iterations",
    "a variable read and written in each iteration",
    _state_between_iterations,
)

STATE_REF_BETWEEN_ITERATIONS = _fixture(
    "state_ref_between_iterations",
    "the same with ref variables",
    _ref_state_between_iterations,
)

_SLOT_CALLS = (
    Call("default", {"x": _X, "slots": [3, 0, 3]}),
    Call("default", {"x": _X, "slots": []}, "no iteration"),
)

STATE_SCATTER_IN_LOOP = _fixture(
    "state_scatter_in_loop", "rows written in a loop", _scatter_in_loop, _SLOT_CALLS
)

STATE_REF_SCATTER_IN_LOOP = _fixture(
    "state_ref_scatter_in_loop", "the same with ref variables", _ref_scatter_in_loop, _SLOT_CALLS
)

STATE_POWER_ITERATION = _fixture(
    "state_power_iteration", "spectral norm by a loop that keeps its vector", _power_iteration
)

STATE_REF_POWER_ITERATION = _fixture(
    "state_ref_power_iteration", "the same with ref variables", _ref_power_iteration
)

STATE_ASSIGNED_IN_BRANCH = _fixture(
    "state_assigned_in_branch",
    "variables that one branch writes",
    _assigned_in_branch,
    _flag_calls("update"),
)

STATE_REF_ASSIGNED_IN_BRANCH = _fixture(
    "state_ref_assigned_in_branch",
    "the same with ref variables",
    _ref_assigned_in_branch,
    _flag_calls("update"),
)

STATE_RETURNED_ASSIGNMENT = _fixture(
    "state_returned_assignment",
    "branches that return assignments",
    _returned_assignment,
    _flag_calls("flag"),
)

STATE_REF_RETURNED_ASSIGNMENT = _fixture(
    "state_ref_returned_assignment",
    "the same with ref variables",
    _ref_returned_assignment,
    _flag_calls("flag"),
)

STATE_REF_MERGED = _fixture(
    "state_ref_merged",
    "RefSwitch and RefMerge of two variables",
    _ref_merged,
    _flag_calls("flag"),
)

STATE_REF_SWITCHED_ASSIGNMENT = _fixture(
    "state_ref_switched_assignment",
    "an assignment to what a RefSwitch lets through",
    _ref_switched_assignment,
    _flag_calls("flag"),
)

STATE_BRANCH_IN_LOOP = _fixture(
    "state_branch_in_loop",
    "a branch in a loop that writes",
    _branch_in_loop,
)

STATE_REF_BRANCH_IN_LOOP = _fixture(
    "state_ref_branch_in_loop", "the same with ref variables", _ref_branch_in_loop
)

STATE_UPDATE_OP_IN_BRANCH = _fixture(
    "state_update_op_in_branch",
    "update ops out of a branch and after a loop",
    _update_op_in_branch,
    _flag_calls("flag"),
)

STATE_REF_UPDATE_OP_IN_BRANCH = _fixture(
    "state_ref_update_op_in_branch",
    "the same with ref variables",
    _ref_update_op_in_branch,
    _flag_calls("flag"),
)
