"""Plain nodes and state; the folder of this name has control flow and gradients."""

import numpy as np
import pytest
import tensorflow as tf
from assemble.emit.regions import State, X, make_region, run_text

from converter import errors
from converter.assemble.emit import emit


def test_plain_nodes():
    text = "a = _Arg()\nb = _Arg()\ny = Sub[T=float](a, b)\nz = Neg[T=float](y)\nreturn z, y"
    z, y = run_text(text, X, tf.constant([3.0, 3.0]))
    np.testing.assert_array_equal(y, [-2, -1])
    np.testing.assert_array_equal(z, [2, 1])


def test_nodes_keep_their_names_below_a_scope():
    text = "a = _Arg()\nmy/node = Neg[T=float](a)\nreturn my/node"
    state = State()
    function = tf.function(lambda a: emit(make_region(text), [a], state), autograph=False)
    graph = function.get_concrete_function(X).graph
    assert graph.get_operation_by_name("tf1/my/node").type == "Neg"


def test_nodes_in_any_order_and_results_of_any_kind():
    text = "z = Neg[T=float](y)\ny = Exp[T=float](a)\na = _Arg()\nreturn a, z, a, z"
    one, two, three, four = run_text(text, X)
    np.testing.assert_array_equal(one, three)
    np.testing.assert_array_equal(two, four)
    np.testing.assert_allclose(two, -np.exp(X))


def test_other_outputs_than_the_first():
    text = "x = _Arg()\nu = Unique[T=float, out_idx=int32](x)\nreturn u:1"
    np.testing.assert_array_equal(run_text(text, tf.constant([5.0, 6.0, 5.0]))[0], [0, 1, 0])


def test_no_nodes_but_arguments():
    np.testing.assert_array_equal(run_text("x = _Arg()\nreturn x", X)[0], X)


def test_variables_are_read_by_value_and_changed_by_handle():
    text = """
        x = _Arg()
        w = _Variable[key="w"]()
        w/value = _VariableValue[key="w"]()
        u = AssignVariableOp[dtype=float](w, x)
        r = ReadVariableOp[dtype=float](w, ^u)
        return w/value, r
    """
    state = State()
    before, after = run_text(text, X, state=state)
    np.testing.assert_array_equal(before, [10, 20])
    np.testing.assert_array_equal(after, X)
    np.testing.assert_array_equal(state.value, X)


@pytest.mark.parametrize("op", ["_VariableValue", "_Variable"])
def test_gradients_reach_variables(op):
    read = "r = ReadVariableOp[dtype=float](w)" if op == "_Variable" else "r = Identity[T=float](w)"
    text = f'x = _Arg()\nw = {op}[key="w"]()\n{read}\ny = Mul[T=float](r, x)\nreturn y'
    state = State()
    function = tf.function(lambda a: emit(make_region(text), [a], state)[0], autograph=False)
    with tf.GradientTape() as tape:
        y = function(X)
    np.testing.assert_array_equal(tape.gradient(y, state.value), X)


def test_targets_run():
    text = """
        x = _Arg()
        w = _Variable[key="w"]()
        u = AssignAddVariableOp[dtype=float](w, x)
        return x
        target u
    """
    state = State()
    run_text(text, X, state=state)
    np.testing.assert_array_equal(state.value, [11, 22])


def test_results_see_the_state_before_targets_that_they_do_not_need():
    text = """
        x = _Arg()
        w = _Variable[key="w"]()
        u = AssignVariableOp[dtype=float](w, x)
        r = ReadVariableOp[dtype=float](w)
        return r
        target u
    """
    state = State()
    np.testing.assert_array_equal(run_text(text, X, state=state)[0], [10, 20])
    np.testing.assert_array_equal(state.value, X)


def test_assets():
    assert run_text('path = _Asset[key="path"]()\nreturn path')[0] == b"there/words.txt"


@pytest.mark.parametrize(
    "line",
    [
        "y/bad = Neg[T=string](x)",  # no such kernel type
        "y/bad = MatMul[T=float](x, x)",  # shapes that do not fit
        "y/bad = Neg[T=double](x)",  # another dtype than that of its input
        "y/bad = Cast[SrcT=float](x)",  # a missing attribute
        "y/bad = Frobnicate(x)",
    ],
)
def test_a_node_that_tensorflow_rejects_is_a_conversion_error(line):
    with pytest.raises(errors.ConversionError) as caught:
        run_text(f"x = _Arg[T=float]()\n{line}\nreturn y/bad", X)
    assert "TensorFlow rejects the graph" in str(caught.value)
    assert "\n" not in str(caught.value)
