import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from converter.ir.graph import Kind, TensorInfo
from converter.parity.generate import (
    ATTEMPTS,
    Attempt,
    Siblings,
    UnmakeableError,
    differing_scalar,
    generate,
)
from converter.parity.uses import Use

_NO_USE = Use()


def _info(dtype, shape, kind=Kind.DENSE, components=(None,), splits=tf.int64):
    return TensorInfo(
        kind,
        tf.as_dtype(dtype).as_datatype_enum,
        shape,
        components,
        splits.as_datatype_enum if kind is Kind.RAGGED else 0,
    )


def _make(dtype, shape, use=_NO_USE, attempt=ATTEMPTS[0], **kwargs):
    return generate("seed", _info(dtype, shape), use, attempt, **kwargs)


@pytest.mark.parametrize(
    "dtype",
    ["float16", "bfloat16", "float32", "float64", "complex64", "complex128", "int8", "uint8",
     "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool", "string"],
)  # fmt: skip
def test_every_dtype(dtype):
    array = _make(dtype, (None, 3))
    assert array.shape == (8, 3)
    assert tf.as_dtype(array.dtype) == tf.as_dtype(dtype)
    assert len(set(map(str, array.flat))) > 1


def test_refuses_dtypes_without_values():
    with pytest.raises(UnmakeableError, match="qint8"):
        _make("qint8", (1,))


def test_is_the_same_in_every_run():
    np.testing.assert_array_equal(_make("float32", (4,)), _make("float32", (4,)))
    other = generate("other", _info("float32", (4,)), _NO_USE, ATTEMPTS[0])
    assert not np.array_equal(other, _make("float32", (4,)))


def test_unknown_sizes_are_those_of_the_attempt():
    attempt = Attempt(batch=5, size=2, image_size=7)
    assert _make("float32", (None, None, None), attempt=attempt).shape == (5, 2, 3)
    assert _make("float32", (None, None, None, 3), attempt=attempt).shape == (5, 7, 7, 3)
    assert _make("float32", (2, 4), attempt=attempt).shape == (2, 4)


def test_unknown_sizes_fit_what_the_graph_and_other_inputs_say():
    sizes = Siblings({1: 9})
    assert _make("float32", (None, None), siblings=sizes).shape == (8, 9)
    assert _make("float32", (None, None), Use(width=5), siblings=sizes).shape == (8, 5)
    alone = Attempt(like_siblings=False)
    assert _make("float32", (None, None), attempt=alone, siblings=sizes).shape == (8, 3)


def test_unknown_ranks():
    assert _make("float32", None).shape == (8, 3)
    assert _make("string", None).shape == (8,)
    assert _make("float32", None, attempt=Attempt(scalars=True)).shape == ()


def test_ids_stay_below_their_limit():
    ids = _make("int32", (50, 4), Use(limit=7))
    assert ids.min() == 0
    assert ids.max() == 6
    assert not _make("int32", (50, 4), Use(limit=7), Attempt(simple_ids=True)).any()


def test_ids_of_one_dimension_are_sorted_and_distinct_where_they_can_be():
    ids = _make("int64", (None,), Use(limit=20)).tolist()
    assert ids == sorted(set(ids))
    assert _make("int64", (None,), Use(limit=3)).tolist() == sorted(
        _make("int64", (None,), Use(limit=3))
    )


def test_integers_of_unknown_use_are_flags():
    assert set(_make("int32", (None, 9)).flat) == {0, 1}


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_trip_counts_are_small_and_not_flags(dtype):
    for attempt in ATTEMPTS:
        assert 2 <= _make(dtype, (), Use(is_compared=True), attempt) <= 4
    # Whatever else is done with it.
    assert 2 <= _make(dtype, (), Use(is_compared=True, keys=(10, 20))) <= 4


def test_vectors_that_are_compared_are_not_trip_counts():
    compared = Use(is_compared=True)
    assert set(_make("int32", (None, 9), compared).flat) == {0, 1}
    assert set(_make("int64", (30,), dataclasses.replace(compared, keys=(10, 20)))) == {10, 20, 21}


def test_floats_that_are_compared_are_as_others():
    np.testing.assert_array_equal(_make("float32", (), Use(is_compared=True)), _make("float32", ()))


def test_lengths_stay_within_the_longest():
    lengths = _make("int32", (40,), siblings=Siblings(longest=5))
    assert (lengths.min(), lengths.max()) == (1, 5)


def test_words_are_known_and_unknown():
    words = _make("string", (None,), Use(keys=(b"cat", b"dog"))).tolist()
    assert {b"cat", b"dog"} < set(words)
    assert set(words) - {b"cat", b"dog"}


def test_keys_of_integer_tables():
    keys = _make("int64", (30,), Use(keys=(10, 20)))
    assert set(keys.tolist()) == {10, 20, 21}


def test_sentences_have_several_words():
    assert all(text.count(b" ") >= 2 for text in _make("string", (4,), Use(in_sentences=True)))


@pytest.mark.parametrize(
    ("encoding", "decode"),
    [("png", tf.io.decode_png), ("jpeg", tf.io.decode_jpeg), ("gif", tf.io.decode_gif),
     ("bmp", tf.io.decode_bmp)],
)  # fmt: skip
def test_encoded_images_can_be_decoded(encoding, decode):
    encoded = _make("string", (), Use(encoding=encoding))
    assert decode(encoded.item()).shape[-3:] == (32, 32, 3)


@pytest.mark.parametrize(
    ("encoding", "decode"),
    [("number", tf.strings.to_number), ("base64", tf.io.decode_base64)],
)
def test_encoded_strings_can_be_decoded(encoding, decode):
    assert decode(_make("string", (5,), Use(encoding=encoding)).tolist()).shape == (5,)


def test_sparse_values_are_sorted_without_duplicates():
    info = _info("float32", (None, 5), Kind.SPARSE)
    value = generate("seed", info, _NO_USE, ATTEMPTS[0])
    cells = value.indices.tolist()
    assert cells == sorted(cells)
    assert len({tuple(cell) for cell in cells}) == len(cells) == len(value.values)
    assert value.dense_shape.tolist() == [8, 5]
    assert 1 not in value.indices[:, 0]  # An empty row.
    tf.sparse.to_dense(tf.SparseTensor(value.indices, value.values, value.dense_shape))


def test_ragged_values_have_empty_rows():
    info = _info("string", (None, None, None, 2), Kind.RAGGED, (None,) * 3, tf.int32)
    value = generate("seed", info, _NO_USE, ATTEMPTS[0])
    outer, inner = value.nested_row_splits
    assert outer.dtype == np.int32
    assert 0 in np.diff(outer)
    assert len(outer) == 9
    assert len(inner) == outer[-1] + 1
    assert value.flat_values.shape == (inner[-1], 2)


@pytest.mark.parametrize("default", [True, 3, 0.5, 0.9, 0.001, 0.0, -2.0, 12.0, "x"])
def test_hyperparameters_differ_from_their_defaults(default):
    other = differing_scalar(default)
    assert other != default
    assert type(other) is type(default)
    if isinstance(default, float) and 0 <= default <= 1:
        assert 0 < other < 1
