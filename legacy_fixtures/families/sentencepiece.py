"""A language model in the shape of wiki40b-lm: SentencePiece ops of its own graph split the text.

A Transformer-XL (Dai et al. 2019, https://arxiv.org/abs/1901.02860) takes one text, or tokens with
the memories of each layer (https://tfhub.dev/google/wiki40b-lm-en/1). tensorflow_text registers the
ops; the model of the tokens is an attribute of one of them.

`vocabularies/wiki40b.model` has 56 pieces. It was trained on a dozen sentences by sentencepiece
0.2.3, with `model_type="unigram"`, `normalization_rule_name="identity"` and the two marks below as
`user_defined_symbols`.
"""

from __future__ import annotations

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.contrib import layers as contrib_layers

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture, vocabulary_path

_PIECES = 56
_DIM = 6
_HEADS = 2
_LAYERS = 2


def _sentencepiece_model():
    with open(vocabulary_path("wiki40b.model"), "rb") as file:
        return file.read()


def _attend(x, memory, name):
    """One layer on `[1, tokens, _DIM]`, which attends to what `[1, past, _DIM]` remembers, too."""
    with tf.variable_scope(name):
        context = tf.concat([memory, x], axis=1)
        heads = []
        for head in range(_HEADS):
            query, key, value = (
                tf.layers.dense(source, _DIM // _HEADS, use_bias=False, name=f"{part}_{head}")
                for part, source in (("q", x), ("k", context), ("v", context))
            )
            past, length = tf.shape(memory)[1], tf.shape(x)[1]
            seen = tf.linalg.band_part(tf.ones([length, past + length]), tf.constant(-1), past)
            scores = tf.matmul(query, key, transpose_b=True) - 1e9 * (1.0 - seen)
            heads.append(tf.matmul(tf.nn.softmax(scores), value))
        x = contrib_layers.layer_norm(x + tf.concat(heads, axis=2), begin_norm_axis=2)
        hidden = tf.layers.dense(x, 2 * _DIM, tf.nn.relu, name="ff_in")
        return contrib_layers.layer_norm(
            x + tf.layers.dense(hidden, _DIM, name="ff_out"), begin_norm_axis=2
        )


def _language_model(tokens, memories):
    """Returns embeddings, the inputs of the layers, and logits, of tokens `[1, length]`."""
    with tf.variable_scope("lm", reuse=tf.AUTO_REUSE):
        table = tf.get_variable("embedding", [_PIECES, _DIM])
        embedded = x = tf.nn.embedding_lookup(table, tokens)
        inputs = []
        for layer, memory in enumerate(memories):
            inputs.append(x)
            x = _attend(x, memory, f"layer_{layer}")
        bias = tf.get_variable("bias", [_PIECES])
        return embedded, [*inputs, x], tf.tensordot(x, table, [[2], [1]]) + bias


def _language_model_module():
    import tensorflow_text  # The environment of the other fixtures has none.

    tokenizer = tensorflow_text.SentencepieceTokenizer(_sentencepiece_model())
    text = tf.placeholder(tf.string, [1], name="text")
    tokens = tokenizer.tokenize(text).to_tensor()
    memories = [tf.zeros([1, 0, _DIM])] * _LAYERS
    embedded, layers, logits = _language_model(tokens, memories)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tokens[:, 1:], logits=logits[:, :-1]
    )
    for name, output in (
        ("word_embeddings", embedded),
        ("activations", tf.stack(layers)),
        ("neg_log_likelihood", losses),
    ):
        hub.add_signature(name, {"text": text}, {name: output})
    hub.add_signature("tokenization", {"text": text}, {"token_ids": tokens})

    token_ids = tf.placeholder(tf.int32, [1, None], name="token_ids")
    texts = tokenizer.detokenize(tf.RaggedTensor.from_tensor(token_ids))
    hub.add_signature("detokenization", {"token_ids": token_ids}, {"text": texts})

    input_tokens = tf.placeholder(tf.int64, [1, None], name="input_tokens")
    past = [tf.placeholder(tf.float32, [1, None, _DIM], f"mem_{n}") for n in range(_LAYERS)]
    _, layers, logits = _language_model(input_tokens, past)
    hub.add_signature(
        "prediction",
        {"input_tokens": input_tokens, **{f"mem_{n}": memory for n, memory in enumerate(past)}},
        {
            "probs": tf.nn.softmax(logits),
            **{f"new_mem_{n}": tf.concat([past[n], layers[n]], 1) for n in range(_LAYERS)},
        },
    )


_TEXTS = {
    "plain": "the cat sat on the island",
    "marked": "\n_START_ARTICLE_\nthe house\n_START_PARAGRAPH_\nit was elected",
    "unknown": "caf\u00e9 \u732b XYZ",
}
_MEMORIES = {f"mem_{n}": examples.normal(1, 3, _DIM, seed=n) for n in range(_LAYERS)}

WIKI40B = Fixture(
    name="wiki40b",
    family="sentencepiece",
    description="a language model whose text is split by SentencePiece ops of tensorflow_text",
    module_fn=_language_model_module,
    import_ops=("tensorflow_text",),
    calls=(
        *(
            Call(signature, {"text": np.array([text.encode()], object)}, label)
            for signature in (
                "word_embeddings",
                "activations",
                "neg_log_likelihood",
                "tokenization",
            )
            for label, text in _TEXTS.items()
        ),
        Call("detokenization", {"token_ids": np.array([[8, 5, 3, 11, 0, 40]], np.int32)}),
        Call(
            "prediction",
            {"input_tokens": np.array([[7, 21, 9, 4]], np.int64), **_MEMORIES},
        ),
        Call(
            "prediction",
            {
                "input_tokens": np.array([[7]], np.int64),
                **{name: memory[:, :0] for name, memory in _MEMORIES.items()},
            },
            "nothing_remembered",
        ),
    ),
)
