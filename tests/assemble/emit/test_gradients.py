"""Gradients through loops, branches and calls."""

import pytest
import tensorflow as tf
from assemble.emit.regions import State, gradient_at, make_branch, make_loop, make_region

from converter import errors
from converter.assemble.emit import emit
from converter.compile.custom_gradients import CustomGradient


def test_gradients_lead_through_loops_and_branches():
    assert gradient_at([make_loop()], "last", 3.0, 20.0) == 8
    branch = make_branch("a = Square[T=float](x)\nreturn a", "return x", "m")
    assert gradient_at([branch], "m", 3.0, 0.0, True) == 6
    assert gradient_at([branch], "m", 3.0, 0.0, False) == 1


class _WithGradients(State):
    """Holds one function with a gradient that no op has."""

    def __init__(self, backward):
        super().__init__()
        body = "a = _Arg()\nb = _Arg()\ny = Sub[T=float](a, b)\nreturn y"
        self.made = CustomGradient(make_region(body), make_region(backward))

    def custom_gradient(self, key):
        assert key == "f"
        return self.made


_CALLS = """
    x = _Arg()
    y = _Arg()
    before = Neg[T=float](x)
    c = _CustomGradient[key="f", outputs=1](before, y)
    after = Neg[T=float](c)
    return after
"""


def test_a_function_with_a_gradient_of_its_own():
    state = _WithGradients(
        """
        a = _Arg()
        b = _Arg()
        dy = _Arg()
        da = Mul[T=float](a, dy)
        db = Mul[T=float](b, dy)
        return da, db
        """
    )
    function = tf.function(lambda *a: emit(make_region(_CALLS), a, state)[0], autograph=False)
    x, y = tf.constant(3.0), tf.constant(5.0)
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        result = function(x, y)
    assert result == 8
    # Of the values that the function was given, -3 and 5; the upstream gradient is -1.
    assert tape.gradient(result, [x, y]) == [-3, -5]


def test_a_gradient_that_tensorflow_rejects_is_refused_while_tracing():
    state = _WithGradients(
        "a = _Arg()\nb = _Arg()\ndy = _Arg()\nda = Mul[T=int32](a, dy)\nreturn da, b"
    )
    function = tf.function(lambda *a: emit(make_region(_CALLS), a, state)[0], autograph=False)
    with pytest.raises(errors.ConversionError):
        function(tf.constant(1.0), tf.constant(2.0))


def test_a_fused_cell_between_other_nodes_has_its_gradient():
    text = """
        x = _Arg()
        h = _Arg()
        w_ru = _Arg()
        w_c = _Arg()
        b_ru = _Arg()
        b_c = _Arg()
        twice = AddV2[T=float](x, x)
        cell = GRUBlockCell[T=float](twice, h, w_ru, w_c, b_ru, b_c)
        y = Neg[T=float](cell:3)
        return y
    """
    args = [tf.fill(shape, 0.5) for shape in ([2, 3], [2, 4], [7, 8], [7, 4], [8], [4])]
    state = State()
    function = tf.function(lambda *a: emit(make_region(text), a, state)[0], autograph=False)
    with tf.GradientTape() as tape:
        tape.watch(args[0])
        y = function(*args)
    assert tape.gradient(y, args[0]).numpy().any()


def test_no_gradient_leads_through_a_loop_made_without():
    assert gradient_at([make_loop(has_gradient=False)], "last", 3.0, 20.0) is None
