from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from converter import errors
from converter.assemble.emit import emit
from converter.ir.text import parse_graph
from converter.passes.raise_control_flow import raise_control_flow

_X = tf.constant([1.0, 2.0])


class _State:
    """One variable, table and asset for all names."""

    producer = 0

    def __init__(self):
        self.value = tf.Variable([10.0, 20.0])
        self.asset = tf.constant("there/words.txt")

    def variable(self, key):
        assert key == "w"
        return self.value

    def asset_path(self, key):
        assert key == "path"
        return self.asset


def _region(text):
    return raise_control_flow(
        parse_graph(text), SimpleNamespace(loops_without_gradient=(), variables={})
    )


def _run(text, *args, state=None):
    state = state or _State()
    function = tf.function(lambda *a: emit(_region(text), a, state), autograph=False)
    return [np.asarray(result) for result in function(*args)]


def test_plain_nodes():
    text = "a = _Arg()\nb = _Arg()\ny = Sub[T=float](a, b)\nz = Neg[T=float](y)\nreturn z, y"
    z, y = _run(text, _X, tf.constant([3.0, 3.0]))
    np.testing.assert_array_equal(y, [-2, -1])
    np.testing.assert_array_equal(z, [2, 1])


def test_nodes_in_any_order_and_results_of_any_kind():
    text = "z = Neg[T=float](y)\ny = Exp[T=float](a)\na = _Arg()\nreturn a, z, a, z"
    one, two, three, four = _run(text, _X)
    np.testing.assert_array_equal(one, three)
    np.testing.assert_array_equal(two, four)
    np.testing.assert_allclose(two, -np.exp(_X))


def test_other_outputs_than_the_first():
    text = "x = _Arg()\nu = Unique[T=float, out_idx=int32](x)\nreturn u:1"
    np.testing.assert_array_equal(_run(text, tf.constant([5.0, 6.0, 5.0]))[0], [0, 1, 0])


def test_no_nodes_but_arguments():
    np.testing.assert_array_equal(_run("x = _Arg()\nreturn x", _X)[0], _X)


def test_variables_are_read_by_value_and_changed_by_handle():
    text = """
        x = _Arg()
        w = _Variable[key="w"]()
        w/value = _VariableValue[key="w"]()
        u = AssignVariableOp[dtype=float](w, x)
        r = ReadVariableOp[dtype=float](w, ^u)
        return w/value, r
    """
    state = _State()
    before, after = _run(text, _X, state=state)
    np.testing.assert_array_equal(before, [10, 20])
    np.testing.assert_array_equal(after, _X)
    np.testing.assert_array_equal(state.value, _X)


@pytest.mark.parametrize("op", ["_VariableValue", "_Variable"])
def test_gradients_reach_variables(op):
    read = "r = ReadVariableOp[dtype=float](w)" if op == "_Variable" else "r = Identity[T=float](w)"
    text = f'x = _Arg()\nw = {op}[key="w"]()\n{read}\ny = Mul[T=float](r, x)\nreturn y'
    state = _State()
    function = tf.function(lambda a: emit(_region(text), [a], state)[0], autograph=False)
    with tf.GradientTape() as tape:
        y = function(_X)
    np.testing.assert_array_equal(tape.gradient(y, state.value), _X)


def test_targets_run():
    text = """
        x = _Arg()
        w = _Variable[key="w"]()
        u = AssignAddVariableOp[dtype=float](w, x)
        return x
        target u
    """
    state = _State()
    _run(text, _X, state=state)
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
    state = _State()
    np.testing.assert_array_equal(_run(text, _X, state=state)[0], [10, 20])
    np.testing.assert_array_equal(state.value, _X)


def test_assets():
    assert _run('path = _Asset[key="path"]()\nreturn path')[0] == b"there/words.txt"


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
        _run(f"x = _Arg[T=float]()\n{line}\nreturn y/bad", _X)
    assert "TensorFlow rejects the graph" in str(caught.value)
    assert "\n" not in str(caught.value)
