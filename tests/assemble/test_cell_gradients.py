import numpy as np
import pytest
import tensorflow as tf

from converter.assemble.cell_gradients import cell
from converter.ir import op_facts
from converter.ir.text import parse_graph

_BATCH, _INPUTS, _CELLS = 3, 2, 4
_RANDOM = np.random.default_rng(5)


def _make(*shape):
    return tf.constant(_RANDOM.normal(scale=0.5, size=shape), tf.float32)


def _node(op, attrs=""):
    return parse_graph(f"n = {op}[T=float{attrs}]()").nodes["n"]


_LSTM_INPUTS = (
    _make(_BATCH, _INPUTS),
    _make(_BATCH, _CELLS),
    _make(_BATCH, _CELLS),
    _make(_INPUTS + _CELLS, 4 * _CELLS),
    *(_make(_CELLS) for _ in range(3)),
    _make(4 * _CELLS),
)
_GRU_INPUTS = (
    _make(_BATCH, _INPUTS),
    _make(_BATCH, _CELLS),
    _make(_INPUTS + _CELLS, 2 * _CELLS),
    _make(_INPUTS + _CELLS, _CELLS),
    _make(2 * _CELLS),
    _make(_CELLS),
)


@pytest.mark.parametrize(
    ("node", "inputs", "outputs"),
    [
        (_node("LSTMBlockCell", ", cell_clip=-1.0"), _LSTM_INPUTS, (1, 6)),
        (_node("LSTMBlockCell", ", cell_clip=-1.0, use_peephole=true"), _LSTM_INPUTS, (1, 6)),
        (_node("GRUBlockCell"), _GRU_INPUTS, (3,)),
    ],
    ids=["lstm", "lstm with peepholes", "gru"],
)
def test_gradients_are_those_of_small_steps(node, inputs, outputs):
    step = cell(node)

    def result(*inputs):
        made = step(*inputs)
        return tf.concat([tf.reshape(tf.square(made[index]), [-1]) for index in outputs], 0)

    with_peepholes = "use_peephole" in node.attrs
    found, expected = tf.test.compute_gradient(result, inputs, delta=1e-2)
    for index, (one, other) in enumerate(zip(found, expected, strict=True)):
        if node.op == "LSTMBlockCell" and index in (4, 5, 6) and not with_peepholes:
            assert not other.any()  # What a cell without peepholes says of them is undefined.
        else:
            np.testing.assert_allclose(one, other, atol=3e-3)


def test_attributes_reach_the_op():
    with_bias = cell(_node("LSTMBlockCell", ", forget_bias=3.0, cell_clip=-1.0"))(*_LSTM_INPUTS)
    default = cell(_node("LSTMBlockCell", ", cell_clip=-1.0"))(*_LSTM_INPUTS)
    expected = tf.raw_ops.LSTMBlockCell(
        **dict(zip(("x", "cs_prev", "h_prev", "w", "wci", "wcf", "wco", "b"), _LSTM_INPUTS,
                   strict=True)),
        forget_bias=3.0, cell_clip=-1.0,
    )  # fmt: skip
    np.testing.assert_array_equal(with_bias[6], expected.h)
    assert not np.allclose(default[6], expected.h)


@pytest.mark.parametrize("op", sorted(op_facts.FUSED_CELLS))
def test_every_fused_cell_has_a_gradient(op):
    assert callable(cell(_node(op)))
