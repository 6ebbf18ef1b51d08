"""Indexes, against TensorFlow's own reader and writer."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from checkpoint_files import compress_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow.core.protobuf import tensor_bundle_pb2

from converter.tensor_bundle import tensor_bytes
from converter.tensor_bundle.checkpoint_index import (
    Entry,
    Index,
    Slice,
    read_index,
    write_index,
)
from converter.tensor_bundle.ordered_code import slice_key
from converter.tensor_bundle.sorted_table import TableError, read_table, write_table

_DTYPES = ["float32", "float64", "int8", "int64", "bool", "complex64", "uint16", "half", "bfloat16"]
_SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


def _make(name, dtype, shape):
    """A value that differs from name to name."""
    count = math.prod(shape)
    numbers = np.arange(count) + len(name)
    if dtype == "string":
        return np.array([f"{name} {n}" * (n % 3) for n in numbers], dtype=object).reshape(shape)
    return numbers.reshape(shape).astype(tf.as_dtype(dtype).as_numpy_dtype)


def _save(prefix, values, slices=None):
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(values),
        shape_and_slices=slices or [""] * len(values),
        tensors=[
            tf.constant(v, dtype=tf.string if v.dtype == object else None) for v in values.values()
        ],
    )


def _bytes_of(prefix, entry, shards):
    path = prefix.with_name(f"{prefix.name}.data-{entry.shard:05d}-of-{shards:05d}")
    return path.read_bytes()[entry.offset : entry.end]


def _encode(array):
    return b"".join(bytes(block) for block in tensor_bytes.encode(array))


_CHECKPOINTS = st.dictionaries(
    _NAMES, st.tuples(st.sampled_from([*_DTYPES, "string"]), _SHAPES), min_size=1, max_size=8
).map(lambda specs: {name: _make(name, *spec) for name, spec in specs.items()})
_SLOW = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _assert_tensorflow_wrote(prefix, values):
    index = read_index(prefix.with_name(prefix.name + ".index").read_bytes())
    assert set(index.entries) == set(values)
    for name, array in values.items():
        entry = index.entries[name]
        kind = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
        assert (entry.dtype, entry.shape) == (kind.as_datatype_enum, array.shape)
        assert _bytes_of(prefix, entry, index.shards) == _encode(array)
        checksum = tensor_bytes.make_checksum(entry)
        checksum.update(memoryview(_bytes_of(prefix, entry, index.shards)))
        assert checksum.value() == entry.checksum


@_SLOW
@given(_CHECKPOINTS)
def test_what_tensorflow_writes_is_read(tmp_path_factory, values):
    prefix = tmp_path_factory.mktemp("bundle") / "c"
    _save(prefix, values)
    _assert_tensorflow_wrote(prefix, values)


@_SLOW
@given(_CHECKPOINTS, st.integers(1, 3))
def test_tensorflow_reads_what_is_written(tmp_path_factory, values, shards):
    prefix = tmp_path_factory.mktemp("bundle") / "c"
    _write(prefix, values, shards)
    reader = tf.train.load_checkpoint(str(prefix))
    assert set(reader.get_variable_to_shape_map()) == set(values)
    for name, array in values.items():
        actual = reader.get_tensor(name)
        if array.dtype == object:
            array = np.vectorize(lambda s: s.encode(), otypes=[object])(array)
        np.testing.assert_array_equal(actual, array)


def _write(prefix, values, shards):
    """Writes a checkpoint, its tensors on several data files in turn."""
    data = [bytearray() for _ in range(shards)]
    entries = {}
    for number, (name, array) in enumerate(values.items()):
        shard = number % shards
        kind = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
        content = _encode(array)
        entry = Entry(kind.as_datatype_enum, array.shape, shard, len(data[shard]), len(content))
        checksum = tensor_bytes.make_checksum(entry)
        checksum.update(memoryview(content))
        entries[name] = Entry(
            entry.dtype, entry.shape, shard, entry.offset, entry.size, checksum.value()
        )
        data[shard] += content
    for number, content in enumerate(data):
        path = prefix.with_name(f"{prefix.name}.data-{number:05d}-of-{shards:05d}")
        path.write_bytes(content)
    prefix.with_name(prefix.name + ".index").write_bytes(write_index(Index(shards, entries)))


@pytest.mark.parametrize("count", [1, 17, 20_000])
def test_many_keys_in_both_directions(count, tmp_path):
    values = {
        f"network/block_{i // 7}/layer_{i}/kernel": np.full([2], i, np.float32)
        for i in range(count)
    }
    _save(tmp_path / "theirs", values)
    index = read_index((tmp_path / "theirs.index").read_bytes())
    assert set(index.entries) == set(values)
    _write(tmp_path / "ours", values, 1)
    reader = tf.train.load_checkpoint(str(tmp_path / "ours"))
    assert len(reader.get_variable_to_shape_map()) == count
    for name in list(values)[:: max(count // 100, 1)]:
        np.testing.assert_array_equal(reader.get_tensor(name), values[name])


@st.composite
def _partitions(draw):
    """A shape of one to four axes, and where each is cut."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    cuts = []
    for size in shape:
        inner = draw(st.sets(st.integers(1, size - 1)) if size > 1 else st.just(set()))
        edges = [0, *sorted(inner), size]
        cuts.append(list(itertools.pairwise(edges)))
    return shape, cuts


def _parts(cuts):
    if not cuts:
        return [()]
    return [(edge, *rest) for edge in cuts[0] for rest in _parts(cuts[1:])]


@_SLOW
@given(_partitions())
def test_parts_of_tensors_in_both_directions(tmp_path_factory, partition):
    shape, cuts = partition
    directory = tmp_path_factory.mktemp("parts")
    full = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    parts = _parts(cuts)
    pieces = [full[tuple(slice(*edge) for edge in part)] for part in parts]
    tf.raw_ops.SaveV2(
        prefix=str(directory / "c"),
        tensor_names=["t"] * len(parts),
        shape_and_slices=[
            " ".join(map(str, shape))
            + " "
            + ":".join(f"{start},{end - start}" for start, end in part)
            for part in parts
        ],
        tensors=[tf.constant(piece) for piece in pieces],
    )
    path = directory / "c.index"
    index = read_index(path.read_bytes())
    entry = index.entries["t"]
    assert entry.shape == tuple(shape)
    stored = {part.extents: part.entry for part in entry.slices}
    # A part that is all of it is stored as a tensor.
    stored = stored or {tuple((0, size) for size in shape): entry}
    for part, piece in zip(parts, pieces, strict=True):
        extents = tuple((start, end - start) for start, end in part)
        assert _bytes_of(directory / "c", stored[extents], index.shards) == piece.tobytes()
    path.write_bytes(write_index(index))
    np.testing.assert_array_equal(
        tf.train.load_checkpoint(str(directory / "c")).get_tensor("t"), full
    )


def test_several_data_files_of_tensorflow(tmp_path):
    _save(tmp_path / "one", {"a": np.zeros([3], np.float32)})
    _save(tmp_path / "two", {"b": np.ones([2], np.int64)})
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(tmp_path / "one"), str(tmp_path / "two")],
        destination_prefix=str(tmp_path / "c"),
        delete_old_dirs=False,
        allow_missing_files=False,
    )
    index = read_index((tmp_path / "c.index").read_bytes())
    assert index.shards == 2
    assert {index.entries[name].shard for name in "ab"} == {0, 1}


def _index(change=None, **entries):
    header = tensor_bundle_pb2.BundleHeaderProto(num_shards=1)
    if change is not None:
        change(header)
    table = {b"": header.SerializeToString()}
    return write_table(table | {k.encode(): v for k, v in entries.items()})


def test_byte_orders():
    assert not read_index(_index()).is_big_endian
    index = read_index(_index(lambda header: setattr(header, "endianness", 1)))
    assert index.is_big_endian
    assert read_index(write_index(index)) == index
    with pytest.raises(TableError, match="unknown byte order 2"):
        read_index(_index(lambda header: setattr(header, "endianness", 2)))


def test_a_format_of_the_future():
    with pytest.raises(TableError, match="version"):
        read_index(_index(lambda header: setattr(header.version, "min_consumer", 2)))


@pytest.mark.parametrize("shards", [-1, 100_000])
def test_impossible_numbers_of_data_files(shards):
    with pytest.raises(TableError, match="data files"):
        read_index(_index(lambda header: setattr(header, "num_shards", shards)))


def _entry_bytes(**fields):
    return tensor_bundle_pb2.BundleEntryProto(dtype=1, **fields).SerializeToString()


def test_versions_that_must_not_read_it():
    with pytest.raises(TableError, match="version"):
        read_index(_index(lambda header: header.version.bad_consumers.append(1)))


def test_impossible_places():
    with pytest.raises(TableError, match="impossible place"):
        read_index(_index(a=_entry_bytes(offset=-1)))
    with pytest.raises(TableError, match="impossible place"):
        read_index(_index(a=_entry_bytes(size=-1)))


def _shape_bytes(*sizes):
    entry = tensor_bundle_pb2.BundleEntryProto(dtype=1)
    for size in sizes:
        entry.shape.dim.add(size=size)
    return entry.SerializeToString()


@pytest.mark.parametrize("shape", [(-1,), (-7, 3), (2**32, 2**31), (2**62, 2**62, 0), (2, -1, 0)])
def test_impossible_shapes(shape):
    """TensorFlow's reader aborts the process."""
    with pytest.raises(TableError, match="entry of 'a' has an impossible shape"):
        read_index(_index(a=_shape_bytes(*shape)))


def test_ranks():
    assert len(read_index(_index(a=_shape_bytes(*[1] * 254))).entries["a"].shape) == 254
    with pytest.raises(TableError, match="has rank 255"):
        read_index(_index(a=_shape_bytes(*[1] * 255)))
    entry = tensor_bundle_pb2.BundleEntryProto(dtype=1)
    entry.shape.unknown_rank = True
    with pytest.raises(TableError, match=r"has rank \?"):
        read_index(_index(a=entry.SerializeToString()))


def _slices(parts):
    """A table with a tensor of four elements, and entries for its parts."""
    whole = Entry(1, (4,), slices=(Slice(((0, 4),), Entry(1, (4,), size=16)),))
    return read_table(write_index(Index(1, {"t": whole}))) | parts


@pytest.mark.parametrize("shape", [(4,), (-7,)])
def test_slices_that_belong_to_no_tensor(shape):
    """TensorFlow's reader takes them for tensors."""
    table = _slices({slice_key("t", [(1, 2)]): _shape_bytes(*shape)})
    with pytest.raises(TableError, match="1 slices in it belong to no tensor"):
        read_index(write_table(table))


def test_a_slice_that_is_listed_twice():
    entry = tensor_bundle_pb2.BundleEntryProto.FromString(_slices({})[b"t"])
    entry.slices.append(entry.slices[0])
    with pytest.raises(TableError, match="a slice of 't' is missing"):
        read_index(write_table(_slices({b"t": entry.SerializeToString()})))


def test_slices_of_slices():
    entry = tensor_bundle_pb2.BundleEntryProto.FromString(_slices({})[b"t"])
    key = slice_key("t", [(0, 4)])
    with pytest.raises(TableError, match="a slice of 't' has slices itself"):
        read_index(write_table(_slices({key: entry.SerializeToString()})))


def test_damaged_entries_and_headers():
    with pytest.raises(TableError, match="entry of 'a' is damaged"):
        read_index(_index(a=b"\xff"))
    with pytest.raises(TableError, match="header is missing"):
        read_index(write_table({b"a": b""}))
    with pytest.raises(TableError, match="header is damaged"):
        read_index(write_table({b"": b"\xff"}))
    with pytest.raises(TableError, match="not a tensor name"):
        read_index(write_table({b"": b"", b"\xff\xfe": b""}))


def test_a_missing_part():
    whole = Entry(1, (4,), slices=(Slice(((0, 4),), Entry(1, (4,), size=16)),))
    table = read_table(write_index(Index(1, {"t": whole})))
    kept = {key: value for key, value in table.items() if key in (b"", b"t")}
    with pytest.raises(TableError, match="a slice of 't' is missing"):
        read_index(write_table(kept))


def test_compressed():
    assert read_index(compress_table(_index(a=_entry_bytes()))) == read_index(
        _index(a=_entry_bytes())
    )
