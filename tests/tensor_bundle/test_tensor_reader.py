"""Tensors are read with their checksums compared, also from slices.

That TensorFlow reads the same from real files: test_checkpoint.py.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.framework import types_pb2

from converter.tensor_bundle import tensor_reader
from converter.tensor_bundle.checkpoint_index import Entry, Slice
from converter.tensor_bundle.sorted_table import TableError
from converter.tensor_bundle.tensor_bytes import encode, make_checksum
from converter.tensor_bundle.tensor_reader import read_region, read_tensor, whole

_FULL = np.arange(24, dtype=np.int64).reshape(6, 4)


def _store(path, array, dtype, offset=0):
    """Writes an array behind `offset` other bytes, and returns its entry."""
    content = b"".join(bytes(block) for block in encode(array))
    entry = Entry(dtype, array.shape, 0, offset, len(content))
    checksum = make_checksum(entry)
    checksum.update(memoryview(content))
    path.write_bytes(b"?" * offset + content + b"?")
    return Entry(dtype, array.shape, 0, offset, len(content), checksum.value())


@pytest.mark.parametrize("block_bytes", [1, 7, 1 << 19])
def test_numbers_are_read_where_they_lie(block_bytes, tmp_path, monkeypatch):
    monkeypatch.setattr(tensor_reader, "_BLOCK_BYTES", block_bytes)
    entry = _store(tmp_path / "data", _FULL, types_pb2.DT_INT64, offset=5)
    read = read_tensor(tmp_path / "data", entry, is_big_endian=False)
    assert read.dtype == np.int64
    np.testing.assert_array_equal(read, _FULL)


def test_strings_are_objects(tmp_path):
    array = np.array([[b"", b"a\0"], [b"\xff" * 300, b"x"]], dtype=object)
    entry = _store(tmp_path / "data", array, types_pb2.DT_STRING)
    read = read_tensor(tmp_path / "data", entry, is_big_endian=False)
    assert read.dtype == object
    assert read.tolist() == array.tolist()


def test_quantized_numbers_are_integers(tmp_path):
    entry = _store(tmp_path / "data", np.array([1, -2], np.int8), types_pb2.DT_QINT8)
    read = read_tensor(tmp_path / "data", entry, is_big_endian=False)
    assert (read.dtype, read.tolist()) == (np.int8, [1, -2])


def test_a_changed_byte_is_found(tmp_path):
    entry = _store(tmp_path / "data", _FULL, types_pb2.DT_INT64)
    content = bytearray((tmp_path / "data").read_bytes())
    content[100] ^= 1
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(TableError, match="the checksum of its bytes"):
        read_tensor(tmp_path / "data", entry, is_big_endian=False)


def test_a_file_that_became_shorter_is_found(tmp_path):
    entry = _store(tmp_path / "data", _FULL, types_pb2.DT_INT64)
    (tmp_path / "data").write_bytes((tmp_path / "data").read_bytes()[: entry.size - 1])
    with pytest.raises(TableError, match="the checksum of its bytes"):
        read_tensor(tmp_path / "data", entry, is_big_endian=False)


def _cut(row_cuts, column_cuts):
    """Cuts the full tensor into a grid: the entry of it, and a function that reads a slice."""
    rows = list(itertools.pairwise(sorted({0, 6, *row_cuts})))
    columns = list(itertools.pairwise(sorted({0, 4, *column_cuts})))
    slices, values = [], {}
    for number, ((top, bottom), (left, right)) in enumerate(itertools.product(rows, columns)):
        value = _FULL[top:bottom, left:right]
        part = Entry(types_pb2.DT_INT64, value.shape, number, 0, value.nbytes)
        values[number] = value
        slices.append(Slice(((top, bottom - top), (left, right - left)), part))
    entry = Entry(types_pb2.DT_INT64, _FULL.shape, slices=tuple(slices))
    return entry, lambda part: values[part.shard]


@given(
    st.lists(st.integers(1, 5)),
    st.lists(st.integers(1, 3)),
    st.tuples(st.integers(0, 6), st.integers(0, 6)),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_any_part_is_put_together_from_any_slices(row_cuts, column_cuts, rows, columns):
    entry, read = _cut(row_cuts, column_cuts)
    region = slice(*sorted(rows)), slice(*sorted(columns))
    np.testing.assert_array_equal(read_region(entry, region, read), _FULL[region])


def test_only_slices_that_overlap_are_read():
    entry, read = _cut([2, 4], [])
    numbers = []

    def record(part):
        numbers.append(part.shard)
        return read(part)

    read_region(entry, (slice(1, 4), slice(0, 4)), record)
    assert numbers == [0, 1]


def test_a_missing_slice_is_found_before_anything_is_read():
    entry, _ = _cut([2, 4], [])
    entry = Entry(entry.dtype, entry.shape, slices=entry.slices[:2])
    with pytest.raises(TableError, match="do not cover it"):
        read_region(entry, whole(entry.shape), pytest.fail)


def test_slices_that_overlap_do_not_make_up_for_one_that_is_missing():
    entry, read = _cut([2, 4], [])
    entry = Entry(entry.dtype, entry.shape, slices=(*entry.slices[:2], entry.slices[0]))
    with pytest.raises(TableError, match="do not cover it"):
        read_region(entry, whole(entry.shape), read)


def test_all_of_a_scalar():
    assert whole(()) == ()
