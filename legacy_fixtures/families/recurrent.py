"""Recurrent networks of tf.nn, tf.contrib.rnn and Keras."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.contrib import rnn as contrib_rnn

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_SIZE = 3
_UNITS = 4
_STEPS = 5


def _inputs():
    return tf.placeholder(tf.float32, [None, None, _SIZE], name="x")


def _lengths():
    return tf.placeholder(tf.int32, [None], name="lengths")


def _lstm():
    """Outputs of all steps, and the final state."""
    x = _inputs()
    outputs, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(_UNITS), x, dtype=tf.float32)
    hub.add_signature(inputs=x, outputs={"default": outputs, "c": state.c, "h": state.h})


@with_ref_variables
def _ref_lstm():
    _lstm()


def _lstm_projected():
    """Peepholes, a projection, clipping, and an initial state that callers give."""
    x, lengths = _inputs(), _lengths()
    c = tf.placeholder(tf.float32, [None, _UNITS], name="c")
    h = tf.placeholder(tf.float32, [None, 2], name="h")
    cell = tf.nn.rnn_cell.LSTMCell(
        _UNITS, use_peepholes=True, num_proj=2, cell_clip=0.8, proj_clip=0.9
    )
    initial = tf.nn.rnn_cell.LSTMStateTuple(c, h)
    outputs, state = tf.nn.dynamic_rnn(cell, x, lengths, initial)
    hub.add_signature(
        inputs={"x": x, "lengths": lengths, "c": c, "h": h},
        outputs={"default": outputs, "new_c": state.c, "new_h": state.h},
    )


def _gru():
    """Different lengths: zeros after the end, and the state of the last valid step."""
    x, lengths = _inputs(), _lengths()
    cell = tf.nn.rnn_cell.GRUCell(_UNITS)
    outputs, state = tf.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32, swap_memory=True)
    inputs = {"x": x, "lengths": lengths}
    hub.add_signature(inputs=inputs, outputs={"default": state, "sequence": outputs})


@with_ref_variables
def _ref_gru():
    _gru()


def _time_major():
    """Steps first, static batch, no initial state but zeros of the cell's own."""
    x = tf.placeholder(tf.float32, [_STEPS, 2, _SIZE], name="x")
    cell = tf.nn.rnn_cell.BasicRNNCell(_UNITS)
    outputs, state = tf.nn.dynamic_rnn(
        cell, x, initial_state=cell.zero_state(2, tf.float32), time_major=True
    )
    hub.add_signature(inputs=x, outputs={"default": outputs, "state": state})


def _bidirectional():
    """A sentence encoder: ids, embeddings, an LSTM in each direction, the final states."""
    ids, lengths = tf.placeholder(tf.int32, [None, None], name="ids"), _lengths()
    table = tf.get_variable("embedding", [7, _SIZE])
    outputs, states = tf.nn.bidirectional_dynamic_rnn(
        tf.nn.rnn_cell.LSTMCell(_UNITS),
        tf.nn.rnn_cell.GRUCell(_UNITS),
        tf.nn.embedding_lookup(table, ids),
        lengths,
        dtype=tf.float32,
    )
    encoded = tf.concat([states[0].h, states[1]], axis=1)
    outputs = {"default": encoded, "sequence": tf.concat(outputs, axis=2)}
    hub.add_signature(inputs={"ids": ids, "lengths": lengths}, outputs=outputs)


def _stacked(is_training):
    """Three layers: with dropout in training, with a residual connection, and plain."""
    x = tf.placeholder(tf.float32, [None, None, _UNITS], name="x")
    keep = 0.7 if is_training else 1.0
    dropout = tf.nn.rnn_cell.DropoutWrapper(
        tf.nn.rnn_cell.LSTMCell(_UNITS), keep, keep, keep, seed=51
    )
    residual = tf.nn.rnn_cell.ResidualWrapper(tf.nn.rnn_cell.GRUCell(_UNITS))
    cell = tf.nn.rnn_cell.MultiRNNCell([dropout, residual, tf.nn.rnn_cell.BasicRNNCell(_UNITS)])
    outputs, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    hub.add_signature(inputs=x, outputs=outputs)


def _variational_dropout():
    """One dropout mask for all steps, which is drawn before the loop."""
    x = tf.placeholder(tf.float32, [None, None, _SIZE], name="x")
    cell = tf.nn.rnn_cell.DropoutWrapper(
        tf.nn.rnn_cell.GRUCell(_UNITS),
        state_keep_prob=0.8,
        output_keep_prob=0.7,
        variational_recurrent=True,
        dtype=tf.float32,
        seed=52,
    )
    outputs, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    hub.add_signature(inputs=x, outputs=outputs)


def _raw():
    """Feeds each output back, mixed with the input of the step."""
    x = tf.placeholder(tf.float32, [None, _STEPS, _SIZE], name="x")
    cell = tf.nn.rnn_cell.GRUCell(_UNITS)
    kernel = tf.get_variable("feedback", [_UNITS, _SIZE])
    batch = tf.shape(x)[0]
    steps = tf.TensorArray(tf.float32, _STEPS).unstack(tf.transpose(x, [1, 0, 2]))

    def loop_fn(time, output, state, loop_state):
        finished = tf.fill([batch], time >= _STEPS)
        if output is None:
            return finished, steps.read(0), cell.zero_state(batch, tf.float32), None, None
        feedback = tf.matmul(output, kernel)
        following = tf.cond(
            time >= _STEPS,
            lambda: tf.zeros_like(feedback),
            lambda: tf.reshape(steps.read(time), [-1, _SIZE]) + feedback,
        )
        return finished, following, state, output, None

    outputs, state, _ = tf.nn.raw_rnn(cell, loop_fn)
    outputs = tf.transpose(outputs.stack(), [1, 0, 2])
    hub.add_signature(inputs=x, outputs={"default": outputs, "state": state})


def _block_cell():
    """An LSTM whose step is one op, in a loop."""
    x = _inputs()
    cell = contrib_rnn.LSTMBlockCell(_UNITS, forget_bias=0.5, use_peephole=True)
    outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    hub.add_signature(inputs=x, outputs={"default": outputs, "c": state.c})


def _gru_block_cell():
    """A GRU as one op in the loop."""
    x = _inputs()
    cell = contrib_rnn.GRUBlockCellV2(_UNITS)
    outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    hub.add_signature(inputs=x, outputs={"default": outputs, "state": state})


def _block_fused():
    """An LSTM that is one op: no loop."""
    x = tf.placeholder(tf.float32, [None, 2, _SIZE], name="x")
    lengths = _lengths()
    lstm = contrib_rnn.LSTMBlockFusedCell(_UNITS, cell_clip=2.0)
    outputs, state = lstm(x, dtype=tf.float32, sequence_length=lengths)
    inputs = {"x": x, "lengths": lengths}
    hub.add_signature(inputs=inputs, outputs={"default": outputs, "c": state[0], "h": state[1]})


def _static():
    """An unrolled LSTM with lengths: a cond for each step."""
    x = tf.placeholder(tf.float32, [None, 4, _SIZE], name="x")
    lengths = _lengths()
    cell = tf.nn.rnn_cell.LSTMCell(_UNITS)
    outputs, state = tf.nn.static_rnn(
        cell, tf.unstack(x, axis=1), dtype=tf.float32, sequence_length=lengths
    )
    outputs = {"default": tf.stack(outputs, axis=1), "h": state.h}
    hub.add_signature(inputs={"x": x, "lengths": lengths}, outputs=outputs)


def _keras():
    """Keras layers: masking, LSTM, GRU backwards."""
    ids = tf.placeholder(tf.int32, [None, None], name="ids")
    embedded = tf.keras.layers.Embedding(7, _SIZE, mask_zero=True, name="embedding")(ids)
    sequence = tf.keras.layers.LSTM(_UNITS, return_sequences=True, name="lstm")(embedded)
    backwards = tf.keras.layers.GRU(_UNITS, go_backwards=True, name="gru")(sequence)
    hub.add_signature(inputs=ids, outputs={"default": backwards, "sequence": sequence})


def _attention_cell():
    """A cell that attends to its own past states, and one whose state is an image."""
    x = _inputs()
    images = tf.placeholder(tf.float32, [None, None, 4, 4, 1], name="images")
    cell = contrib_rnn.AttentionCellWrapper(tf.nn.rnn_cell.GRUCell(_UNITS), attn_length=2)
    attended, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, scope="attention")
    convolution = contrib_rnn.ConvLSTMCell(2, [4, 4, 1], 2, [3, 3])
    convolved, _ = tf.nn.dynamic_rnn(convolution, images, dtype=tf.float32, scope="images")
    outputs = {"default": attended, "convolved": convolved}
    hub.add_signature(inputs={"x": x, "images": images}, outputs=outputs)


_X = examples.normal(3, _STEPS, _SIZE)
_BATCH = (
    Call("default", {"default": _X}),
    Call("default", {"default": _X[:1, :1]}, "one step"),
)
_SEQUENCES = (
    Call("default", {"x": _X, "lengths": [5, 2, 4]}),
    Call("default", {"x": _X, "lengths": [0, 3, 0]}, "empty sequences"),
)
_IDS = examples.ids(7, (3, _STEPS))
_WIDE = (Call("default", {"default": examples.normal(2, _STEPS, _UNITS)}),)


def _fixture(name, description, module_fn, calls=_BATCH, **options):
    return Fixture(name, "recurrent", description, module_fn, calls, **options)


RNN_LSTM = _fixture("rnn_lstm", "dynamic_rnn over an LSTM", _lstm)

RNN_REF_LSTM = _fixture("rnn_ref_lstm", "the same with ref variables", _ref_lstm)

RNN_LSTM_PROJECTED = _fixture(
    "rnn_lstm_projected",
    "an LSTM with peepholes, projection, clipping and an initial state",
    _lstm_projected,
    tuple(
        Call(
            "default",
            {"x": _X * 2.0, "lengths": lengths, "c": _X[:, :4, 0], "h": 0.3 * _X[:, :2, 1]},
            label,
        )
        for lengths, label in (([5, 2, 4], "plain"), ([0, 3, 0], "empty sequences"))
    ),
)

RNN_GRU_LENGTHS = _fixture(
    "rnn_gru_lengths", "a GRU with lengths and swap_memory", _gru, _SEQUENCES
)

RNN_REF_GRU_LENGTHS = _fixture(
    "rnn_ref_gru_lengths", "the same with ref variables", _ref_gru, _SEQUENCES
)

RNN_TIME_MAJOR = _fixture(
    "rnn_time_major",
    "a loop over static shapes",
    _time_major,
    (Call("default", {"default": examples.normal(_STEPS, 2, _SIZE)}),),
)

RNN_BIDIRECTIONAL = _fixture(
    "rnn_bidirectional",
    "two directions over embeddings, with lengths",
    _bidirectional,
    (Call("default", {"ids": _IDS, "lengths": [5, 1, 3]}),),
)

RNN_STACKED_DROPOUT = _fixture(
    "rnn_stacked_dropout",
    "three layers, with dropout in training",
    _stacked,
    _WIDE,
    tags_and_args=((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True})),
)

RNN_VARIATIONAL_DROPOUT = _fixture(
    "rnn_variational_dropout", "a dropout mask for all steps", _variational_dropout
)

RNN_RAW = _fixture("rnn_raw", "raw_rnn with feedback", _raw, (Call("default", {"default": _X}),))

RNN_LSTM_BLOCK_CELL = _fixture("rnn_lstm_block_cell", "LSTMBlockCell in a loop", _block_cell)

RNN_GRU_BLOCK_CELL = _fixture("rnn_gru_block_cell", "GRUBlockCell in a loop", _gru_block_cell)

RNN_LSTM_BLOCK_FUSED = _fixture(
    "rnn_lstm_block_fused",
    "LSTMBlockFusedCell",
    _block_fused,
    (Call("default", {"x": examples.normal(_STEPS, 2, _SIZE), "lengths": [5, 3]}),),
)

RNN_STATIC = _fixture(
    "rnn_static",
    "static_rnn with lengths",
    _static,
    (
        Call("default", {"x": _X[:, :4], "lengths": [4, 2, 3]}),
        Call("default", {"x": _X[:, :4], "lengths": [1, 2, 2]}, "short"),
    ),
)

RNN_KERAS = _fixture(
    "rnn_keras",
    "Keras: mask, LSTM, GRU backwards",
    _keras,
    (Call("default", {"default": [[3, 1, 5, 0, 0], [2, 6, 1, 4, 0]]}),),
)

RNN_CONTRIB_CELLS = _fixture(
    "rnn_contrib_cells",
    "AttentionCellWrapper and ConvLSTMCell",
    _attention_cell,
    (Call("default", {"x": _X, "images": examples.images(2, 3, 4, 4, 1)}),),
)
