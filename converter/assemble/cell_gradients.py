"""Gradients of fused recurrent cells, which TensorFlow lost with `tf.contrib`.

The ops and their gradient ops still exist; only the Python code that connected them was in contrib
(source: contrib/rnn/python/ops/lstm_ops.py and gru_ops.py of TensorFlow 1.15, and the comments on
`LSTMBlockCellGrad` and `GRUBlockCellGrad` in rnn_ops.cc).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter.ir.graph import AttrValue, Node

Tensors = Sequence[tf.Tensor]


def cell(node: Node) -> Callable[..., list[tf.Tensor]]:
    """Returns one step of a fused cell as a function of its inputs.

    As in contrib, gradients come from some outputs only: the new state and output of an LSTM, the
    output of a GRU.

    Args:
      node: A node whose op is in `op_facts.FUSED_CELLS`.
    """
    forward, backward = _CELLS[node.op]

    @tf.custom_gradient
    def step(*inputs: tf.Tensor) -> Any:
        outputs = list(forward(inputs, node.attrs))
        return outputs, lambda *upstream: backward(inputs, outputs, upstream, node.attrs)

    return step


def _lstm(inputs: Tensors, attrs: Mapping[str, AttrValue]) -> Tensors:
    x, cs_prev, h_prev, w, wci, wcf, wco, b = inputs
    given = {
        name: getattr(attrs[name], field)
        for name, field in (("forget_bias", "f"), ("cell_clip", "f"), ("use_peephole", "b"))
        if name in attrs
    }
    return tuple(
        tf.raw_ops.LSTMBlockCell(
            x=x, cs_prev=cs_prev, h_prev=h_prev, w=w, wci=wci, wcf=wcf, wco=wco, b=b, **given
        )
    )


def _lstm_gradient(
    inputs: Tensors, outputs: Tensors, upstream: Tensors, attrs: Mapping[str, AttrValue]
) -> Tensors:
    x, cs_prev, h_prev, w, wci, wcf, wco, b = inputs
    i, cs, f, o, ci, co, _ = outputs
    made = tf.raw_ops.LSTMBlockCellGrad(
        x=x, cs_prev=cs_prev, h_prev=h_prev, w=w, wci=wci, wcf=wcf, wco=wco, b=b,
        i=i, cs=cs, f=f, o=o, ci=ci, co=co, cs_grad=upstream[1], h_grad=upstream[6],
        use_peephole="use_peephole" in attrs and attrs["use_peephole"].b,
    )  # fmt: skip
    gates = made.dicfo
    dx, dh_prev = _split_like(tf.matmul(gates, w, transpose_b=True), x)
    dw = tf.matmul(tf.concat([x, h_prev], 1), gates, transpose_a=True)
    db = tf.raw_ops.BiasAddGrad(out_backprop=gates)
    peepholes = (made.wci_grad, made.wcf_grad, made.wco_grad)
    return dx, made.cs_prev_grad, dh_prev, dw, *peepholes, db


def _gru(inputs: Tensors, attrs: Mapping[str, AttrValue]) -> Tensors:
    del attrs
    x, h_prev, w_ru, w_c, b_ru, b_c = inputs
    return tuple(
        tf.raw_ops.GRUBlockCell(x=x, h_prev=h_prev, w_ru=w_ru, w_c=w_c, b_ru=b_ru, b_c=b_c)
    )


def _gru_gradient(
    inputs: Tensors, outputs: Tensors, upstream: Tensors, attrs: Mapping[str, AttrValue]
) -> Tensors:
    del attrs
    x, h_prev, w_ru, w_c, b_ru, b_c = inputs
    r, u, c, _ = outputs
    made = tf.raw_ops.GRUBlockCellGrad(
        x=x, h_prev=h_prev, w_ru=w_ru, w_c=w_c, b_ru=b_ru, b_c=b_c, r=r, u=u, c=c, d_h=upstream[3]
    )
    gates, candidate = made.d_r_bar_u_bar, made.d_c_bar
    dw_ru = tf.matmul(tf.concat([x, h_prev], 1), gates, transpose_a=True)
    dw_c = tf.matmul(tf.concat([x, h_prev * r], 1), candidate, transpose_a=True)
    db_ru = tf.raw_ops.BiasAddGrad(out_backprop=gates)
    db_c = tf.raw_ops.BiasAddGrad(out_backprop=candidate)
    return made.d_x, made.d_h_prev, dw_ru, dw_c, db_ru, db_c


def _split_like(joined: tf.Tensor, first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Splits columns into those of `first` and the rest."""
    size = tf.shape(first)[1]
    return joined[:, :size], joined[:, size:]


_CELLS: Mapping[str, tuple[Callable[..., Tensors], Callable[..., Tensors]]] = {
    "GRUBlockCell": (_gru, _gru_gradient),
    "LSTMBlockCell": (_lstm, _lstm_gradient),
}
