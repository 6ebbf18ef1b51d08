"""The text embedding exporter's pattern: strings in, a combination of word vectors out."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.python.ops import lookup_ops

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture, vocabulary_path

_WORDS = 12
_OOV_BUCKETS = 3
_EMBED_DIM = 6


def _split(sentences):
    """Returns the lower-case words of sentences `[batch]` as a sparse `[batch, words]`."""
    normalized = tf.regex_replace(sentences, r"[[:punct:]]", "")
    normalized = tf.strings.lower(normalized)
    return tf.string_split(normalized, delimiter=" ")


def _look_up(words):
    table = lookup_ops.index_table_from_file(
        vocabulary_path("words.txt"), num_oov_buckets=_OOV_BUCKETS
    )
    return tf.SparseTensor(words.indices, table.lookup(words.values), words.dense_shape)


def _partitioned():
    sentences = tf.placeholder(tf.string, [None], name="sentences")
    table = tf.get_variable(
        "embeddings",
        [_WORDS + _OOV_BUCKETS, _EMBED_DIM],
        partitioner=tf.fixed_size_partitioner(3),
    )
    embedded = tf.nn.safe_embedding_lookup_sparse(
        table, _look_up(_split(sentences)), combiner="sqrtn"
    )
    hub.add_signature(inputs=sentences, outputs=embedded)


def _mean():
    """The exporter of TF Hub's examples: empty sentences become one empty word."""
    sentences = tf.placeholder(tf.string, [None], name="sentences")
    table = tf.get_variable("embeddings", [_WORDS + _OOV_BUCKETS, _EMBED_DIM])
    words, _ = tf.sparse_fill_empty_rows(_split(sentences), "")
    embedded = tf.nn.embedding_lookup_sparse(table, _look_up(words), None, combiner="mean")
    hub.add_signature(inputs={"text": sentences}, outputs={"default": embedded})


def _weighted():
    """Weighs words by their counts, in partitions of several axes' first one."""
    words = tf.placeholder(tf.string, [None, None], name="words")
    weights = tf.placeholder(tf.float32, [None, None], name="weights")
    table = tf.get_variable(
        "word_embedding/weights",
        [_WORDS + _OOV_BUCKETS, _EMBED_DIM],
        partitioner=tf.fixed_size_partitioner(2),
    )
    present = tf.where(tf.not_equal(words, ""))
    shape = tf.shape(words, out_type=tf.int64)
    sparse_words = tf.SparseTensor(present, tf.gather_nd(words, present), shape)
    sparse_weights = tf.SparseTensor(present, tf.gather_nd(weights, present), shape)
    embedded = tf.nn.embedding_lookup_sparse(
        table,
        _look_up(sparse_words),
        sparse_weights,
        partition_strategy="div",
        combiner="sum",
    )
    hub.add_signature(inputs={"words": words, "weights": weights}, outputs=embedded)


_SENTENCES = examples.strings(
    ["The cat sat, on the mat!", "", "a zebra ran away", "house tree house", "quagga"]
)

TEXT_EMBEDDING_OOV = Fixture(
    name="text_embedding_oov",
    family="text",
    description="vocabulary asset, OOV buckets, embedding in three parts, sqrtn combiner",
    module_fn=_partitioned,
    calls=(Call("default", {"default": _SENTENCES}),),
)

TEXT_EMBEDDING_MEAN = Fixture(
    name="text_embedding_mean",
    family="text",
    description="mean of word vectors, empty sentences filled",
    module_fn=_mean,
    calls=(Call("default", {"text": _SENTENCES}),),
)

TEXT_EMBEDDING_WEIGHTED = Fixture(
    name="text_embedding_weighted",
    family="text",
    description="weighted sum of word vectors from a `div` partitioned embedding in two parts",
    module_fn=_weighted,
    calls=(
        Call(
            "default",
            {
                "words": examples.strings([["cat", "zebra", ""], ["tree", "", ""], 3 * ["a"]]),
                "weights": examples.images(3, 3),
            },
        ),
    ),
)
