"""BERT's pattern, and ALBERT's: `tokens` and `tokenization_info`, no default signature."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
import tf_slim as slim

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture, vocabulary_path


class Size(NamedTuple):
    """The hyperparameters of a network, as BERT's `bert_config.json` has them."""

    vocabulary: int
    hidden: int
    heads: int
    layers: int
    intermediate: int
    positions: int


_TINY = Size(vocabulary=40, hidden=16, heads=2, layers=2, intermediate=32, positions=24)


def _gelu(x):
    return 0.5 * x * (1.0 + tf.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * tf.pow(x, 3))))


class _Dropout:
    """Dropout in training, with a seed of its own for every use."""

    def __init__(self, is_training):
        self._is_training = is_training
        self._uses = 0

    def __call__(self, x):
        if not self._is_training:
            return x
        self._uses += 1
        return tf.nn.dropout(x, rate=0.1, seed=500 + self._uses)


def _embed(input_ids, segment_ids, dropout, size):
    """Returns embeddings `[batch, length, hidden]` and the table `[vocabulary, hidden]`."""
    with tf.variable_scope("embeddings"):
        table = tf.get_variable("word_embeddings", [size.vocabulary, size.hidden])
        types = tf.get_variable("token_type_embeddings", [2, size.hidden])
        positions = tf.get_variable("position_embeddings", [size.positions, size.hidden])
        length = tf.shape(input_ids)[1]
        embedded = tf.nn.embedding_lookup(table, input_ids)
        one_hot = tf.one_hot(tf.reshape(segment_ids, [-1]), 2)
        embedded += tf.reshape(tf.matmul(one_hot, types), tf.shape(embedded))
        embedded += tf.slice(positions, [0, 0], [length, -1])[tf.newaxis]
        return dropout(_layer_norm(embedded)), table


def _layer_norm(x):
    return slim.layer_norm(x, begin_norm_axis=-1, begin_params_axis=-1, scope="LayerNorm")


def _attend(x, mask, dropout, size):
    """Multi-head self-attention; `mask` is `[batch, 1, 1, length]`, 0 where padded."""
    width = size.hidden // size.heads

    def heads(name):
        projected = tf.layers.dense(x, size.hidden, name=name)
        shape = tf.concat([tf.shape(x)[:2], [size.heads, width]], axis=0)
        return tf.transpose(tf.reshape(projected, shape), [0, 2, 1, 3])

    with tf.variable_scope("attention/self"):
        scores = tf.matmul(heads("query"), heads("key"), transpose_b=True) / math.sqrt(width)
        weights = dropout(tf.nn.softmax(scores + (1.0 - mask) * -10000.0))
        context = tf.transpose(tf.matmul(weights, heads("value")), [0, 2, 1, 3])
        return tf.reshape(context, tf.shape(x))


def _encode(x, mask, dropout, size, shares_layers):
    for layer in range(size.layers):
        name = "shared" if shares_layers else layer
        with tf.variable_scope(f"encoder/layer_{name}", reuse=shares_layers and tf.AUTO_REUSE):
            attended = _attend(x, mask, dropout, size)
            with tf.variable_scope("attention/output"):
                dense = tf.layers.dense(attended, size.hidden, name="dense")
                x = _layer_norm(dropout(dense) + x)
            with tf.variable_scope("intermediate"):
                wide = tf.layers.dense(x, size.intermediate, _gelu, name="dense")
            with tf.variable_scope("output"):
                x = _layer_norm(dropout(tf.layers.dense(wide, size.hidden, name="dense")) + x)
    return x


def _predict_masked(sequence, positions, table, size):
    """Returns logits `[batch, predictions, vocabulary]`; the table is the output layer, too."""
    with tf.variable_scope("cls/predictions"):
        gathered = tf.gather(sequence, positions, batch_dims=1)
        with tf.variable_scope("transform"):
            gathered = _layer_norm(tf.layers.dense(gathered, size.hidden, _gelu, name="dense"))
        bias = tf.get_variable("output_bias", [size.vocabulary], initializer=tf.zeros_initializer)
        return tf.einsum("bph,vh->bpv", gathered, table) + bias


def _add_sop(inputs, outputs):
    """ALBERT's sentence order prediction."""
    with tf.variable_scope("cls/seq_relationship"):
        logits = tf.layers.dense(outputs["pooled_output"], 2, name="dense")
    hub.add_signature("sop", inputs, {**outputs, "sop_log_probs": tf.nn.log_softmax(logits)})


def _add_tokenization_info(vocabulary):
    path = tf.constant(vocabulary_path(vocabulary), tf.string, name="vocab_file")
    tf.add_to_collection(tf.GraphKeys.ASSET_FILEPATHS, path)
    lower_case = tf.constant(True, name="do_lower_case")
    hub.add_signature(
        "tokenization_info", outputs={"vocab_file": path, "do_lower_case": lower_case}
    )


def bert(is_training, with_mlm=True, size=_TINY, shares_layers=False, vocabulary="bert_vocab.txt"):
    """Signatures `tokens`, `tokenization_info`, `mlm` on request, or ALBERT's `sop`."""
    inputs = {
        name: tf.placeholder(tf.int32, [None, None], name=name)
        for name in ("input_ids", "input_mask", "segment_ids")
    }
    mask = tf.cast(inputs["input_mask"], tf.float32)[:, tf.newaxis, tf.newaxis, :]
    dropout = _Dropout(is_training)
    with tf.variable_scope("bert"):
        embedded, table = _embed(inputs["input_ids"], inputs["segment_ids"], dropout, size)
        sequence = _encode(embedded, mask, dropout, size, shares_layers)
        with tf.variable_scope("pooler"):
            pooled = tf.layers.dense(sequence[:, 0, :], size.hidden, tf.tanh, name="dense")
    outputs = {"pooled_output": pooled, "sequence_output": sequence}
    hub.add_signature("tokens", inputs, outputs)
    _add_tokenization_info(vocabulary)
    if shares_layers:
        _add_sop(inputs, outputs)
    if with_mlm:
        positions = tf.placeholder(tf.int32, [None, None], name="mlm_positions")
        logits = _predict_masked(sequence, positions, table, size)
        hub.add_signature(
            "mlm", {**inputs, "mlm_positions": positions}, {**outputs, "mlm_logits": logits}
        )


_TOKENS = {
    "input_ids": examples.ids(_TINY.vocabulary, (3, 10)),
    "input_mask": (np.arange(10) < np.array([[10], [7], [4]])).astype(np.int32),
    "segment_ids": np.tile(np.int32([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]), (3, 1)),
}

BERT_TINY = Fixture(
    name="bert_tiny",
    family="bert",
    description="two transformer layers; tokens, mlm, and tokenization_info with an asset's path",
    module_fn=bert,
    tags_and_args=((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True})),
    calls=(
        Call("tokens", _TOKENS),
        Call("mlm", {**_TOKENS, "mlm_positions": np.int32([[1, 2], [0, 5], [3, 3]])}),
        Call("tokenization_info", {}),
    ),
)

BERT_TOKENS_ONLY = Fixture(
    name="bert_tokens_only",
    family="bert",
    description="the same for inference without mlm: one signature takes inputs",
    module_fn=bert,
    tags_and_args=((INFERENCE, {"is_training": False, "with_mlm": False}),),
    calls=(Call("tokens", _TOKENS), Call("tokenization_info", {})),
)

_ALBERT = {"with_mlm": False, "shares_layers": True, "vocabulary": "albert.model"}

ALBERT_TINY = Fixture(
    name="albert_tiny",
    family="bert",
    description="layers that share their weights; a SentencePiece model as vocabulary",
    module_fn=bert,
    tags_and_args=(
        (INFERENCE, {"is_training": False, **_ALBERT}),
        (TRAIN, {"is_training": True, **_ALBERT}),
    ),
    calls=(Call("tokens", _TOKENS), Call("sop", _TOKENS), Call("tokenization_info", {})),
)
