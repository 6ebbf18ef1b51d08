"""Lookup tables of every kind."""

from __future__ import annotations

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.python.ops import gen_lookup_ops, lookup_ops

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture, vocabulary_path

_WORDS = vocabulary_path("words.txt")
_LABELS = vocabulary_path("labels.txt")


def _file():
    """Words to ids, unknown words to the default -1; the ids select rows of a variable."""
    words = tf.placeholder(tf.string, [None], name="words")
    table = lookup_ops.index_table_from_file(_WORDS)
    found = table.lookup(words)
    rows = tf.get_variable("rows", [13, 3])
    outputs = {"default": found, "rows": tf.gather(rows, found + 1), "size": table.size()}
    hub.add_signature(inputs=words, outputs=outputs)


def _file_oov():
    words = tf.placeholder(tf.string, [None, None], name="words")
    fast = lookup_ops.index_table_from_file(_WORDS, num_oov_buckets=5)
    strong = lookup_ops.index_table_from_file(
        _LABELS,
        num_oov_buckets=7,
        hasher_spec=lookup_ops.StrongHashSpec([17, 4]),
    )
    outputs = {"default": fast.lookup(words), "strong": strong.lookup(words)}
    sizes = {"size": fast.size(), "strong_size": strong.size()}
    hub.add_signature(inputs=words, outputs={**outputs, **sizes})


def _index_to_string():
    ids = tf.placeholder(tf.int64, [None], name="ids")
    table = lookup_ops.index_to_string_table_from_file(_LABELS, default_value="UNKNOWN")
    hub.add_signature(inputs=ids, outputs=table.lookup(ids))


def _key_value():
    """Tables from columns of text files: string to int64, and string to float."""
    keys = tf.placeholder(tf.string, [None], name="keys")
    pairs = tf.lookup.TextFileInitializer(
        vocabulary_path("pairs.tsv"), tf.string, 0, tf.int64, 1, delimiter="\t"
    )
    scores = tf.lookup.TextFileInitializer(
        vocabulary_path("scores.txt"), tf.string, 0, tf.float32, 1, delimiter="|"
    )
    pair_table = lookup_ops.StaticHashTableV1(pairs, -5)
    score_table = lookup_ops.StaticHashTableV1(scores, -0.5)
    outputs = {
        "pair": pair_table.lookup(keys),
        "score": score_table.lookup(keys),
        "pairs": pair_table.size(),
        "scores": score_table.size(),
    }
    hub.add_signature(inputs=keys, outputs=outputs)


def _in_memory():
    words = tf.placeholder(tf.string, [None], name="words")
    ids = tf.placeholder(tf.int64, [None], name="ids")
    index = lookup_ops.index_table_from_tensor(["red", "green", "blue"], num_oov_buckets=2)
    reverse = lookup_ops.index_to_string_table_from_tensor(["red", "green", "blue"], "no color")
    wave_lengths = lookup_ops.StaticHashTableV1(
        tf.lookup.KeyValueTensorInitializer(["red", "green", "blue"], [700.0, 530.0, 470.0]), 0.5
    )
    remapped = lookup_ops.StaticHashTableV1(
        tf.lookup.KeyValueTensorInitializer(np.int64([0, 1, 2]), np.int64([20, 10, 0])), 99
    )
    hub.add_signature(
        "index", {"words": words}, {"default": index.lookup(words), "size": index.size()}
    )
    hub.add_signature("word", {"ids": ids}, reverse.lookup(ids))
    hub.add_signature("wave_length", {"words": words}, wave_lengths.lookup(words))
    hub.add_signature("remap", {"ids": ids}, remapped.lookup(ids))


def _shared_asset():
    """One file is the asset of two tables, in both directions."""
    words = tf.placeholder(tf.string, [None], name="words")
    path = tf.constant(_WORDS, name="vocabulary")
    tf.add_to_collection(tf.GraphKeys.ASSET_FILEPATHS, path)
    whole_line = lookup_ops.TextFileIndex.WHOLE_LINE
    line_number = lookup_ops.TextFileIndex.LINE_NUMBER
    to_id = _file_table(path, tf.string, whole_line, tf.int64, line_number)
    to_word = _file_table(path, tf.int64, line_number, tf.string, whole_line)
    ids = lookup_ops.StaticHashTableV1(to_id, -1).lookup(words)
    shifted = lookup_ops.StaticHashTableV1(to_word, "END").lookup(ids + 1)
    outputs = {"default": shifted, "ids": ids, "vocabulary": path}
    hub.add_signature(inputs=words, outputs=outputs)


def _file_table(path, key_dtype, key_index, value_dtype, value_index):
    return lookup_ops.TextFileInitializer(path, key_dtype, key_index, value_dtype, value_index)


def _ref_handles():
    """Tables of TensorFlow before 1.0, whose handles are references to strings."""
    words = tf.placeholder(tf.string, [None], name="words")
    path = tf.constant(_WORDS, name="vocabulary")
    tf.add_to_collection(tf.GraphKeys.ASSET_FILEPATHS, path)
    index = gen_lookup_ops.hash_table(tf.string, tf.int64, shared_name="index", name="index")
    _add_initializer(gen_lookup_ops.initialize_table_from_text_file(index, path, -2, -1))
    ids = gen_lookup_ops.lookup_table_find(index, words, tf.constant(-1, tf.int64))
    scores = gen_lookup_ops.hash_table(tf.int64, tf.float32, shared_name="score", name="score")
    keys, values = tf.range(4, dtype=tf.int64), tf.constant([0.25, 1.5, -2.0, 3.0])
    _add_initializer(gen_lookup_ops.initialize_table(scores, keys, values))
    scored = gen_lookup_ops.lookup_table_find(scores, ids, tf.constant(-9.0))
    size = gen_lookup_ops.lookup_table_size(index)
    weight = tf.get_variable("weight", [])
    outputs = {"default": scored * weight, "ids": ids, "size": size}
    hub.add_signature(inputs=words, outputs=outputs)


def _mutable():
    """A mutable table that the module's initializer fills."""
    words = tf.placeholder(tf.string, [None], name="words")
    table = lookup_ops.MutableHashTable(tf.string, tf.int64, -1, checkpoint=False)
    handle = table.resource_handle
    keys, values = tf.constant(["x", "y", "z"]), tf.constant([7, 8, 9], tf.int64)
    _add_initializer(gen_lookup_ops.lookup_table_import_v2(handle, keys, values))
    hub.add_signature(inputs=words, outputs={"default": table.lookup(words), "size": table.size()})


def _add_initializer(op):
    tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, op)


_SOME_WORDS = examples.strings(["cat", "zebra", "the", "tree", ""])
_WORD_PAIRS = examples.strings([["cat", "zebra"], ["tench", "white shark"]])
_COLORS = {"words": examples.strings(["blue", "red", "black", "green", "pink"])}
_COLOR_IDS = {"ids": [2, 0, 7, 1]}

TABLE_FILE = Fixture(
    name="table_file",
    family="tables",
    description="words to ids from a vocabulary file, unknown words to a default",
    module_fn=_file,
    calls=(Call("default", {"default": _SOME_WORDS}),),
)

TABLE_FILE_OOV = Fixture(
    name="table_file_oov",
    family="tables",
    description="two vocabulary files with buckets for unknown words, fast and strong hash",
    module_fn=_file_oov,
    calls=(Call("default", {"default": _WORD_PAIRS}),),
)

TABLE_INDEX_TO_STRING = Fixture(
    name="table_index_to_string",
    family="tables",
    description="ids to labels from a file",
    module_fn=_index_to_string,
    calls=(Call("default", {"default": [3, 0, 17, 1]}),),
)

TABLE_KEY_VALUE = Fixture(
    name="table_key_value",
    family="tables",
    description="columns of text files with their own delimiters",
    module_fn=_key_value,
    calls=(Call("default", {"default": examples.strings(["beta", "high", "delta", "alpha"])}),),
)

TABLE_IN_MEMORY = Fixture(
    name="table_in_memory",
    family="tables",
    description="tables from constants, of four pairs of dtypes",
    module_fn=_in_memory,
    calls=(
        Call("index", _COLORS),
        Call("word", _COLOR_IDS),
        Call("wave_length", _COLORS),
        Call("remap", _COLOR_IDS),
    ),
)

TABLE_SHARED_ASSET = Fixture(
    name="table_shared_asset",
    family="tables",
    description="one asset behind two tables and an output",
    module_fn=_shared_asset,
    calls=(Call("default", {"default": _SOME_WORDS}),),
)

TABLE_REF_HANDLES = Fixture(
    name="table_ref_handles",
    family="tables",
    description="V1 tables with string-ref handles, from a file and from constants",
    module_fn=_ref_handles,
    calls=(Call("default", {"default": _SOME_WORDS}),),
)

TABLE_MUTABLE = Fixture(
    name="table_mutable",
    family="tables",
    description="a mutable table filled by a table initializer",
    module_fn=_mutable,
    calls=(Call("default", {"default": examples.strings(["y", "w", "x"])}),),
)
