"""Language models with their tokenizers, as wiki40b-lm: no signature is the obvious one.

`tokenization` takes texts, `detokenization` returns them, `prediction` carries a memory from call
to call.
"""

from __future__ import annotations

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.python.ops import lookup_ops

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture, vocabulary_path

_WORDS = 12
_DIM = 5


def _add_tokenization(vocabulary):
    text = tf.placeholder(tf.string, [None], name="text")
    words = tf.string_split(text, delimiter=" ")
    table = lookup_ops.index_table_from_file(vocabulary, default_value=0)
    ids = tf.SparseTensor(words.indices, table.lookup(words.values), words.dense_shape)
    dense = tf.sparse.to_dense(ids, default_value=np.int64(-1))
    hub.add_signature("tokenization", {"text": text}, {"token_ids": dense})


def _add_detokenization(vocabulary):
    token_ids = tf.placeholder(tf.int64, [None, None], name="token_ids")
    table = lookup_ops.index_to_string_table_from_file(vocabulary, default_value="")
    words = table.lookup(token_ids)
    hub.add_signature(
        "detokenization",
        {"token_ids": token_ids},
        {"text": tf.strings.reduce_join(words, axis=-1, separator=" ")},
    )


def _add_prediction(embeddings):
    tokens = tf.placeholder(tf.int64, [None, None], name="input_tokens")
    memory = tf.placeholder(tf.float32, [None, _DIM], name="mem_0")
    embedded = tf.nn.embedding_lookup(embeddings, tokens)
    state = tf.tanh(tf.layers.dense(tf.reduce_mean(embedded, 1) + memory, _DIM, name="state"))
    logits = tf.matmul(state, embeddings, transpose_b=True)
    hub.add_signature(
        "prediction",
        {"input_tokens": tokens, "mem_0": memory},
        {"probs": tf.nn.softmax(logits), "new_mem_0": state},
    )
    hub.add_signature("word_embeddings", {"token_ids": tokens}, {"word_embeddings": embedded})


def _language_model():
    vocabulary = vocabulary_path("words.txt")
    embeddings = tf.get_variable("embeddings", [_WORDS, _DIM])
    _add_tokenization(vocabulary)
    _add_detokenization(vocabulary)
    _add_prediction(embeddings)


LANGUAGE_MODEL = Fixture(
    name="language_model",
    family="language_models",
    description="tokenization, detokenization, and prediction with a memory; no obvious signature",
    module_fn=_language_model,
    calls=(
        Call("tokenization", {"text": examples.strings(["the cat sat", "a zebra", ""])}),
        Call("detokenization", {"token_ids": np.int64([[0, 1, 2], [3, 4, 5]])}),
        Call(
            "prediction",
            {"input_tokens": np.int64([[1, 2], [5, 7]]), "mem_0": examples.normal(2, _DIM)},
        ),
        Call("word_embeddings", {"token_ids": np.int64([[1, 2, 0]])}),
    ),
)
