"""ELMo: a bidirectional language model whose layers are mixed (Peters et al. 2018).

https://arxiv.org/abs/1802.05365. The LSTMs carry their state from call to call in variables, as
bilm-tf and the module on TF Hub do.
"""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.contrib import layers as contrib_layers

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_MAX_BATCH = 4
_MAX_CHARACTERS = 8
_CHARACTERS = 256 + 3  # Bytes, then begin of word, end of word, padding.
_CHARACTER_DIM = 3
_FILTERS = ((1, 2), (2, 3))  # Width and number.
_UNITS = 5
_DIM = 4
_LAYERS = 2


def _characters(tokens):
    """Returns character ids `[batch, tokens, _MAX_CHARACTERS]` of words `[batch, tokens]`."""

    def one(word):
        space = _MAX_CHARACTERS - 2
        encoded = tf.cast(tf.decode_raw(word, tf.uint8), tf.int32)[:space]
        padding = tf.fill([space - tf.size(encoded)], 258)
        return tf.concat([[256], encoded, [257], padding], axis=0)

    flat = tf.map_fn(one, tf.reshape(tokens, [-1]), dtype=tf.int32, back_prop=False)
    shape = tf.concat([tf.shape(tokens), [_MAX_CHARACTERS]], axis=0)
    return tf.reshape(flat, shape)


def _embed(tokens):
    """A convolution over characters, a highway layer, a projection: `[batch, tokens, _DIM]`."""
    table = tf.get_variable("char_embed", [_CHARACTERS, _CHARACTER_DIM])
    embedded = tf.nn.embedding_lookup(table, _characters(tokens))
    words = tf.reshape(embedded, [-1, _MAX_CHARACTERS, _CHARACTER_DIM])
    features = []
    for width, count in _FILTERS:
        kernel = tf.get_variable(f"W_cnn_{width}", [width, _CHARACTER_DIM, count])
        bias = tf.get_variable(f"b_cnn_{width}", [count])
        convolved = tf.nn.conv1d(words, kernel, 1, "VALID") + bias
        features.append(tf.tanh(tf.reduce_max(convolved, axis=1)))
    hidden = tf.concat(features, axis=1)
    size = hidden.shape[1].value
    carry = tf.layers.dense(hidden, size, tf.sigmoid, name="carry")
    transformed = tf.layers.dense(hidden, size, tf.tanh, name="transform")
    projected = tf.layers.dense(carry * transformed + (1.0 - carry) * hidden, _DIM, name="project")
    return tf.reshape(projected, tf.concat([tf.shape(tokens), [_DIM]], axis=0))


def _state_variables():
    """Returns the variables of a layer's carried c and h, for as many examples as there may be."""
    return [
        tf.get_variable(name, [_MAX_BATCH, size], trainable=False)
        for name, size in (("state_c", _UNITS), ("state_h", _DIM))
    ]


def _carry(variables, state, batch):
    """Returns assignments of the first rows; the others stay as they are."""
    return [
        tf.assign(variable, tf.concat([state[index], variable[batch:]], axis=0))
        for index, variable in enumerate(variables)
    ]


def _direction(x, lengths, is_backward):
    """Returns the outputs of all layers of a direction, and the assignments of their states."""
    batch = tf.shape(x)[0]
    layers, updates = [], []
    for layer in range(_LAYERS):
        with tf.variable_scope(f"layer_{layer}"):
            cell = tf.nn.rnn_cell.LSTMCell(_UNITS, num_proj=_DIM, cell_clip=3.0, proj_clip=3.0)
            variables = _state_variables()
            carried = tf.nn.rnn_cell.LSTMStateTuple(*(value[:batch] for value in variables))
            inputs = tf.reverse_sequence(x, lengths, 1, 0) if is_backward else x
            y, state = tf.nn.dynamic_rnn(cell, inputs, lengths, carried)
            updates += _carry(variables, state, batch)
            y = tf.reverse_sequence(y, lengths, 1, 0) if is_backward else y
            x = x + y if layer else y
            layers.append(x)
    return layers, updates


def _mix(layers, lengths):
    """Returns the weighted sum of layers `[batch, tokens, 2 * _DIM]`, normalized by softmax."""
    with tf.variable_scope("aggregation"):
        weights = tf.get_variable(
            "weights", [len(layers)], regularizer=contrib_layers.l2_regularizer(0.01)
        )
        scaling = tf.get_variable("scaling", [])
    mask = tf.sequence_mask(lengths, dtype=tf.float32)[:, :, tf.newaxis]
    shares = tf.unstack(tf.nn.softmax(weights))
    mixed = sum(shares[index] * layer * mask for index, layer in enumerate(layers))
    mean = tf.reduce_sum(mixed, 1) / tf.cast(lengths, tf.float32)[:, tf.newaxis]
    return scaling * mixed, scaling * mean


def _encode(tokens, lengths):
    with tf.variable_scope("bilm", reuse=tf.AUTO_REUSE):
        words = _embed(tokens)
        with tf.variable_scope("forward"):
            forward, forward_updates = _direction(words, lengths, is_backward=False)
        with tf.variable_scope("backward"):
            backward, backward_updates = _direction(words, lengths, is_backward=True)
    layers = [tf.concat([words, words], axis=2)]
    layers += [tf.concat([forward[i], backward[i]], axis=2) for i in range(_LAYERS)]
    with tf.control_dependencies(forward_updates + backward_updates):
        layers = [tf.identity(layer) for layer in layers]
    with tf.variable_scope("", reuse=tf.AUTO_REUSE):
        mixed, mean = _mix(layers, lengths)
    return {
        "default": mean,
        "elmo": mixed,
        "word_emb": words,
        "lstm_outputs1": layers[1],
        "lstm_outputs2": layers[2],
    }


def _split(sentences):
    """Returns the words of sentences as strings `[batch, tokens]`, and how many there are."""
    words = tf.string_split(sentences)
    dense = tf.sparse.to_dense(words, default_value="")
    ones = tf.SparseTensor(words.indices, tf.ones_like(words.values, tf.int32), words.dense_shape)
    return dense, tf.sparse.reduce_sum(ones, axis=1)


def _elmo(signatures):
    if "default" in signatures:
        sentences = tf.placeholder(tf.string, [None], name="sentences")
        words, counts = _split(sentences)
        encoded = _encode(words, tf.reshape(counts, [-1]))
        hub.add_signature("default", {"strings": sentences}, encoded)
    if "tokens" in signatures:
        tokens = tf.placeholder(tf.string, [None, None], name="tokens")
        lengths = tf.placeholder(tf.int32, [None], name="sequence_len")
        inputs = {"tokens": tokens, "sequence_len": lengths}
        hub.add_signature("tokens", inputs, _encode(tokens, lengths))


_CALLS = (
    Call("default", {"strings": examples.strings(["the cat sat down", "zebras", "a b c"])}),
    Call("default", {"strings": examples.strings(["one more"])}, "one sentence"),
    Call(
        "tokens",
        {
            "tokens": examples.strings([["the", "cat", ""], ["extraordinarily", "long", "words"]]),
            "sequence_len": [2, 3],
        },
    ),
)


_VALUES = {"aggregation/scaling": 1.3}

ELMO = Fixture(
    name="elmo",
    family="elmo",
    description="character CNN, two LSTM layers each way, states carried from call to call",
    module_fn=_elmo,
    tags_and_args=((INFERENCE, {"signatures": ("default", "tokens")}),),
    values=_VALUES,
    calls=_CALLS,
)

ELMO_REF = Fixture(
    name="elmo_ref",
    family="elmo",
    description="the same with ref variables and without the first signature",
    module_fn=with_ref_variables(_elmo),
    tags_and_args=((INFERENCE, {"signatures": ("tokens",)}),),
    values=_VALUES,
    calls=_CALLS,
)
