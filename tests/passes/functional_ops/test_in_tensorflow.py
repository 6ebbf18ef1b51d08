"""TensorFlow computes the same from the V1 nodes as from the functional ops."""

import contextlib
import dataclasses
from typing import Any

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st
from tensorflow.python.framework.function import Defun

from converter.ir import check, op_facts, serde
from converter.ir.graph import Graph, TensorRef
from converter.passes.inline_functions import inline_functions
from converter.passes.strip_placement import strip_placement

v1 = tf.compat.v1

_ABSENT = op_facts.CALL_OPS | op_facts.FUNCTIONAL_CONTROL_FLOW
_CALLS = [
    {"p": True, "n": 2, "x": [1.0, 3.0]},
    {"p": False, "n": 1, "x": [0.5, -1.0]},
    {"p": True, "n": 0, "x": [2.0, 0.0]},
    {"p": False, "n": 9, "x": [0.0, 2.0]},
]


@dataclasses.dataclass(frozen=True)
class _Given:
    """A bool, a number, two floats, and a variable of two floats."""

    p: Any
    n: Any
    x: Any
    v: Any


@contextlib.contextmanager
def _control_flow(*, v2):
    was_v2 = v1.control_flow_v2_enabled()
    (v1.enable_control_flow_v2 if v2 else v1.disable_control_flow_v2)()
    yield
    (v1.enable_control_flow_v2 if was_v2 else v1.disable_control_flow_v2)()


def _build(build):
    """The GraphDef of what `build` makes, and the names of its outputs and of `v` after them."""
    with tf.Graph().as_default() as graph, _control_flow(v2=True):
        given = _Given(
            p=v1.placeholder(tf.bool, [], "p"),
            n=v1.placeholder(tf.int32, [], "n"),
            x=v1.placeholder(tf.float32, [2], "x"),
            v=v1.get_variable("v", initializer=[1.0, 2.0], use_resource=True),
        )
        tf.group(given.v.initializer, name="init")
        outputs = [tf.identity(output) for output in tf.nest.flatten(build(given))]
        acting = [op for op in graph.get_operations() if op.type in ("If", "While", "Case")]
        with tf.control_dependencies(outputs + acting):
            outputs.append(given.v.read_value())
    return graph.as_graph_def(), [output.name for output in outputs]


def _inline(graph_def, names, make_program):
    functions = {function.signature.name: function for function in graph_def.library.function}
    results = tuple(TensorRef.parse(name) for name in names)
    graph = Graph(serde.nodes_from_graph_def(graph_def), (), results, ("init",))
    check.check_graph(graph, functions=functions)
    graph = inline_functions(graph, make_program(functions=functions))
    check.check_graph(graph, absent=_ABSENT)
    # Colocations name nodes as their functions did.
    graph = strip_placement(graph, make_program())
    inlined = serde.graph_def_from_nodes(graph.nodes.values(), graph_def.versions.producer)
    return inlined, [str(ref) for ref in graph.results]


def _run(graph_def, names):
    """The results of calls of one session, one after another."""
    fed = {node.name for node in graph_def.node if node.op == "Placeholder"}
    feeds = [{f"{name}:0": call[name] for name in fed} for call in _CALLS]
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with v1.Session(graph=graph) as session:
            session.run("init")
            return [session.run(names, feed) for feed in feeds]


def _assert_same(build, make_program):
    graph_def, names = _build(build)
    want, got = _run(graph_def, names), _run(*_inline(graph_def, names, make_program))
    for one, other in zip(want, got, strict=True):
        for left, right in zip(one, other, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-5)


def _then(effect, value):
    with tf.control_dependencies([effect]):
        return tf.identity(value())


_BUILDERS = []


def _model(build):
    _BUILDERS.append(build)
    return build


@pytest.mark.parametrize("build", _BUILDERS, ids=lambda build: build.__name__.strip("_"))
def test_values_and_effects_are_equal(build, make_program):
    _assert_same(build, make_program)


# Conditionals.


@_model
def _cond_of_values(g):
    return tf.cond(g.p, lambda: (g.x * 2.0, g.v + g.x), lambda: (tf.constant([5.0, 6.0]), g.x))


@_model
def _nested_conds(g):
    def inner():
        return tf.cond(g.x[0] > 1.0, lambda: g.x * 3.0, lambda: tf.constant([1.0, 1.0]))

    return tf.cond(g.p, inner, lambda: tf.cond(g.n > 3, lambda: -g.x, inner))


@_model
def _cond_that_assigns(g):
    return tf.cond(
        g.p,
        lambda: _then(g.v.assign_add(g.x), lambda: g.x),
        lambda: _then(g.v.assign(-g.x), lambda: g.v * 2.0),
    )


@_model
def _cond_without_outputs(g):
    assigned = v1.cond(g.p, lambda: tf.group(g.v.assign_add(g.x)), tf.no_op)
    return _then(assigned, lambda: g.v + 1.0)


@_model
def _cond_on_a_number(g):
    @Defun(tf.float32)
    def then(x):
        return x + 1.0

    @Defun(tf.float32)
    def otherwise(x):
        return x - 1.0

    return tf.raw_ops.If(
        cond=g.n, input=[g.x], Tout=[tf.float32], then_branch=then, else_branch=otherwise
    )


@_model
def _cond_with_an_effect_that_no_result_needs(g):
    @Defun(tf.resource)
    def then(handle):
        tf.raw_ops.AssignAddVariableOp(resource=handle, value=[1.0, 2.0])
        return tf.constant(1.0)

    @Defun(tf.resource)
    def otherwise(handle):
        return tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)[0]

    return tf.raw_ops.If(
        cond=g.p, input=[g.v.handle], Tout=[tf.float32], then_branch=then, else_branch=otherwise
    )


@_model
def _case(g):
    return tf.switch_case(g.n, [lambda: g.x, lambda: g.x * 2.0, lambda: tf.constant([7.0, 8.0])])


@_model
def _case_below_zero(g):
    return tf.switch_case(g.n - 2, [lambda: g.x, lambda: g.x * 2.0, lambda: g.x * 3.0])


@_model
def _case_that_assigns(g):
    def last():
        return tf.cond(g.p, lambda: _then(g.v.assign_add(g.x), lambda: g.x), lambda: g.v + 0.0)

    first = lambda: _then(g.v.assign(g.x), lambda: g.x)  # noqa: E731
    return tf.switch_case(g.n, [first, lambda: g.x * 2.0, last])


@_model
def _case_of_one(g):
    return tf.switch_case(g.n, [lambda: g.x * 2.0])


# Loops.


def _repeat(times, body, *values, **options):
    """`body(i, *values)` gives the next values."""
    return tf.while_loop(
        lambda i, *_: i < times,
        lambda i, *values: (i + 1, *body(i, *values)),
        (0, *values),
        **options,
    )


@_model
def _loop(g):
    return _repeat(g.n, lambda _, a: [a * g.x + g.v], g.x)


@_model
def _loop_that_swaps(g):
    return _repeat(g.n, lambda _, a, b: (b, a), g.x, -g.x)


@_model
def _loop_that_assigns(g):
    return _repeat(g.n, lambda _, a: [_then(g.v.assign_add(a), lambda: g.v * g.x)], g.x)


@_model
def _loop_whose_condition_assigns(g):
    def condition(i):
        return _then(g.v.assign_add(g.x), lambda: i) < g.n

    return tf.while_loop(condition, lambda i: i + 1, [0])


@_model
def _loop_on_a_variable_alone(g):
    @Defun(tf.resource)
    def condition(handle):
        return tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)[0] < 20.0

    @Defun(tf.resource)
    def body(handle):
        tf.raw_ops.AssignAddVariableOp(resource=handle, value=[1.0, 2.0])
        return handle

    loop = tf.raw_ops.While(input=[g.v.handle], cond=condition, body=body)[0].op
    return _then(loop, lambda: g.v * g.x)


@_model
def _loop_on_a_number(g):
    @Defun(tf.int32, tf.float32)
    def condition(i, a):
        del a
        return i

    @Defun(tf.int32, tf.float32)
    def body(i, a):
        return i - 1, a * 2.0

    return tf.raw_ops.While(input=[g.n, g.x], cond=condition, body=body)


@_model
def _loop_of_growing_shape(g):
    shapes = (tf.TensorShape([]), tf.TensorShape([None]))
    return _repeat(g.n, lambda _, a: [tf.concat([a, g.x], 0)], g.x, shape_invariants=shapes)


@_model
def _loop_in_a_loop(g):
    def body(i, a):
        b = _repeat(i, lambda _, b: [b * g.x + 1.0], a)[1]
        return [tf.cond(g.p, lambda: _then(g.v.assign_sub(b), lambda: b), lambda: b + g.v)]

    return _repeat(g.n, body, g.x)


@_model
def _loop_over_a_list(g):
    array = tf.TensorArray(tf.float32, size=g.n, element_shape=[2])
    body = lambda i, array: [array.write(i, g.x * tf.cast(i, tf.float32))]  # noqa: E731
    return _repeat(g.n, body, array)[1].stack()


# Calls, and V1 control flow beside or inside of functions.


@_model
def _calls(g):
    @tf.function
    def double(y):
        g.v.assign_add(y)
        return y * 2.0

    return tf.cond(g.p, lambda: double(double(g.x)), lambda: g.x), double(g.x)


@_model
def _call_in_a_v1_loop(g):
    @Defun(tf.float32)
    def halve(y):
        return y * tf.constant(0.5)

    @Defun(tf.float32)
    def ones(y):
        return tf.ones_like(y)

    @Defun(tf.float32)
    def shift(y):
        large = tf.reduce_sum(y) > 3.0
        (y,) = tf.raw_ops.If(
            cond=large, input=[y], Tout=[tf.float32], then_branch=halve, else_branch=ones
        )
        return y + tf.constant(1.0)

    with _control_flow(v2=False):
        return _repeat(g.n, lambda _, a: [tf.ensure_shape(shift(a), [2])], g.x)


@_model
def _call_in_a_v1_cond(g):
    @Defun(tf.resource, tf.float32)
    def add(handle, y):
        tf.raw_ops.AssignAddVariableOp(resource=handle, value=y)
        return tf.constant(1.0)

    with _control_flow(v2=False):
        return tf.cond(g.p, lambda: add(g.v.handle, g.x), lambda: 2.0)


@_model
def _v1_loop_in_a_function_that_is_called_three_times(g):
    with _control_flow(v2=False):

        @Defun(tf.int32, tf.float32)
        def power(times, y):
            return _repeat(times, lambda _, a: [a * y], y)[1]

        return power(g.n, g.x), power(g.n + 1, power(g.n, g.x + 1.0))


@_model
def _v1_assertion_in_a_function(g):
    with _control_flow(v2=False):

        @Defun(tf.int32, tf.float32)
        def checked(number, y):
            v1.Assert(number < 100, [number])
            return y * 2.0

        return checked(g.n, g.x), tf.cond(g.p, lambda: checked(g.n, g.x), lambda: g.x)


# Programs made at random, whose effects `tf.function` puts in order.

_PROGRAMS = st.recursive(
    st.sampled_from([("scale",), ("read",), ("constant",)]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["assign", "loop", "call"]), inner),
        st.tuples(st.sampled_from(["cond", "sequence"]), inner, inner),
        st.tuples(st.just("case"), inner, inner, inner),
    ),
    max_leaves=8,
)


def _compute(program, a, v):
    kind, *parts = program
    run = [lambda part=part: _compute(part, a, v) for part in parts]
    match kind:
        case "scale":
            return a * 0.5 + 1.0
        case "read":
            return v - a * 0.5
        case "constant":
            return tf.constant([1.5, -2.5])
        case "assign":
            value = run[0]()
            v.assign(value * 0.5)
            return value
        case "cond":
            return tf.cond(a[0] > 1.0, *run)
        case "case":
            return tf.switch_case(tf.cast(a[1] * 2.0, tf.int32), run)
        case "call":
            return tf.function(lambda b: _compute(parts[0], b, v))(a)
        case "sequence":
            return _compute(parts[1], run[0](), v)
    return _repeat(2, lambda _, b: [_compute(parts[0], b, v)], a)[1]


@hypothesis.given(program=_PROGRAMS)
@hypothesis.settings(max_examples=20)
def test_any_program_computes_the_same(program, make_program):
    _assert_same(lambda g: tf.function(lambda: _compute(program, g.x, g.v))(), make_program)
