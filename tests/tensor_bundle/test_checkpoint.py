import dataclasses
import os
import struct

import crc32c
import numpy as np
import pytest
import tensorflow as tf
from checkpoint_files import compress_table, swap_bytes

from converter import errors
from converter.formats.registry import read_module
from converter.ir.graph import SliceSpec, VariableSpec
from converter.tensor_bundle import checkpoint_index
from converter.tensor_bundle.checkpoint import read_checkpoint
from converter.tensor_bundle.checkpoint_index import Index
from converter.tensor_bundle.sorted_table import mask, write_varint
from converter.tensor_bundle.tensor_bytes import make_checksum
from converter.tensor_bundle.tensorflow_reader import read_with_tensorflow

_A = VariableSpec("a", "a", 1, (), True, "a")


def _save(module, **tensors):
    """Writes another checkpoint in the place of the module's."""
    for path in (module / "variables").iterdir():
        path.unlink()
    tf.raw_ops.SaveV2(
        prefix=str(module / "variables" / "variables"),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(value) for value in tensors.values()],
    )


def _shard(module):
    return module / "variables" / "variables.data-00000-of-00001"


def _check_all(module):
    legacy = read_module(module)
    (program,) = legacy.variants.values()
    for spec in program.variables.values():
        legacy.checkpoint.check(spec)
    return legacy.checkpoint, program


def _weights_error(function, *args):
    with pytest.raises(errors.WeightsError) as caught:
        function(*args)
    assert "\n" not in str(caught.value)
    assert "Copy the module again" in str(caught.value) or "copy the module again" in str(
        caught.value
    )
    return str(caught.value)


def test_the_index_lists_dtypes_and_shapes(golden_module):
    checkpoint = read_module(golden_module("dense_regularized")).checkpoint
    entry = checkpoint.entries["hidden/kernel"]
    assert (entry.dtype, entry.shape) == (tf.float32.as_datatype_enum, (6, 8))
    assert list(checkpoint.entries) == sorted(checkpoint.entries)


def test_values_are_read_by_name(half_plus_two):
    checkpoint, program = _check_all(half_plus_two)
    assert checkpoint.read(program.variables["a"]) == np.float32(0.5)
    assert checkpoint.read(program.variables["b"]) == np.float32(2.0)


def test_a_single_string_keeps_its_last_zeros(half_plus_two):
    _save(half_plus_two, a=b"word\0", b=2.0)
    checkpoint = read_checkpoint(half_plus_two / "variables" / "variables")
    spec = VariableSpec("a", "a", tf.string.as_datatype_enum, (), True, "a")
    value = checkpoint.read(spec)
    assert value.dtype == object
    assert value.item() == b"word\0"


def test_a_module_without_variables(golden_module):
    checkpoint = read_module(golden_module("no_variables")).checkpoint
    assert not checkpoint.entries
    assert checkpoint.lacks(_A)


def test_missing_variables(half_plus_two):
    for path in (half_plus_two / "variables").iterdir():
        path.unlink()
    assert "no value for variable 'a'" in _weights_error(_check_all, half_plus_two)


def test_a_missing_data_shard(half_plus_two):
    _shard(half_plus_two).unlink()
    message = _weights_error(read_module, half_plus_two)
    assert "variable 'a' is in 'variables.data-00000-of-00001', which is missing" in message


def test_a_truncated_data_shard(half_plus_two):
    _shard(half_plus_two).write_bytes(b"1234567")
    message = _weights_error(read_module, half_plus_two)
    assert "variable 'b' ends at byte 8 of 'variables.data-00000-of-00001', which has 7" in message


def test_a_damaged_data_shard_is_found_by_its_checksum(half_plus_two):
    _shard(half_plus_two).write_bytes(b"12345678")
    checkpoint, program = _check_all(half_plus_two)
    message = _weights_error(checkpoint.read, program.variables["a"])
    assert "the value of variable 'a' cannot be read" in message


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 48, b"\0" * 1000])
def test_a_garbled_index(content, half_plus_two):
    (half_plus_two / "variables" / "variables.index").write_bytes(content)
    assert "index cannot be read" in _weights_error(read_module, half_plus_two)


def test_a_truncated_index(half_plus_two):
    path = half_plus_two / "variables" / "variables.index"
    path.write_bytes(path.read_bytes()[:-20])
    assert "index cannot be read" in _weights_error(read_module, half_plus_two)


def test_a_checkpoint_without_one_variable(half_plus_two):
    _save(half_plus_two, a=np.float32(1))
    assert "no value for variable 'b'" in _weights_error(_check_all, half_plus_two)


def test_a_value_of_another_dtype(half_plus_two):
    _save(half_plus_two, a=np.float64(1), b=np.float32(1))
    message = _weights_error(_check_all, half_plus_two)
    assert "variable 'a' has dtype float32, its value in the checkpoint has float64" in message


def test_a_value_of_another_shape(half_plus_two):
    _save(half_plus_two, a=np.zeros([2, 1], np.float32), b=np.float32(1))
    message = _weights_error(_check_all, half_plus_two)
    assert "variable 'a' has shape (), its value in the checkpoint has (2, 1)" in message


@pytest.mark.parametrize(
    ("declared", "fits"),
    [((2, 3), True), ((None, 3), True), (None, True), ((3, 2), False), ((2,), False), ((), False)],
)
def test_unknown_sizes_fit_any(declared, fits, half_plus_two):
    _save(half_plus_two, a=np.zeros([2, 3], np.float32))
    checkpoint = read_checkpoint(half_plus_two / "variables" / "variables")
    spec = dataclasses.replace(_A, shape=declared)
    if fits:
        checkpoint.check(spec)
    else:
        _weights_error(checkpoint.check, spec)


def test_an_index_that_promises_more_than_the_files_hold(half_plus_two):
    _save(half_plus_two, a=np.zeros([1000], np.float32), b=np.float32(1))
    _shard(half_plus_two).write_bytes(b"\0" * 100)
    message = _weights_error(read_module, half_plus_two)
    assert "variable 'a' ends at byte 4000 of 'variables.data-00000-of-00001', which has" in message


def test_more_entries_than_variables_do_no_harm(half_plus_two):
    _save(half_plus_two, a=np.float32(1), b=np.float32(2), global_step=np.int64(9))
    checkpoint, program = _check_all(half_plus_two)
    assert checkpoint.read(program.variables["b"]) == 2


def test_a_part_of_a_partitioned_variable_is_cut_out(half_plus_two):
    full = np.arange(12, dtype=np.float32).reshape(4, 3)
    _save(half_plus_two, table=full)
    checkpoint = read_checkpoint(half_plus_two / "variables" / "variables")
    part = VariableSpec(
        "table/part_1", "n", 1, (2, 3), True, "table", SliceSpec((4, 3), (1, 0), (2, 3))
    )
    np.testing.assert_array_equal(checkpoint.read(part), full[1:3])


def test_a_part_of_a_variable_of_another_full_shape(half_plus_two):
    _save(half_plus_two, table=np.zeros([4, 3], np.float32))
    checkpoint = read_checkpoint(half_plus_two / "variables" / "variables")
    part = VariableSpec("t", "t", 1, (2, 3), True, "table", SliceSpec((5, 3), (1, 0), (2, 3)))
    assert "has shape (5, 3), its value in the checkpoint has (4, 3)" in _weights_error(
        checkpoint.check, part
    )


def test_golden_parts_are_found_under_the_name_of_the_whole(golden_module):
    legacy = read_module(golden_module("text_embedding_oov"))
    (program,) = legacy.variants.values()
    parts = [spec for spec in program.variables.values() if spec.slice]
    assert parts
    for spec in parts:
        assert spec.checkpoint_key == spec.name.rpartition("/")[0]
        assert legacy.checkpoint.read(spec).shape == spec.slice.shape


# Places.


def _rewrite_index(module, change):
    path = module / "variables" / "variables.index"
    index = checkpoint_index.read_index(path.read_bytes())
    entries = {name: change(name, entry) for name, entry in index.entries.items()}
    path.write_bytes(checkpoint_index.write_index(Index(index.shards, entries)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shard": 1}, "is in data file 1, of 1"),
        ({"shard": -1}, "is in data file -1, of 1"),
        ({"offset": 5}, "ends at byte 9 of"),
        ({"offset": 2**62}, "ends at byte 4611686018427387908 of"),
        ({"size": 3}, "has 3 bytes, expected 4"),
        ({"shape": (2**40,)}, "has 4 bytes, expected 4398046511104"),
        ({"dtype": 7, "shape": (5,)}, "has 4 bytes for 5 strings"),
        ({"dtype": 999}, "has the unknown dtype 999"),
        ({"dtype": 101}, "has float32_ref"),
        ({"dtype": 20}, "has resource"),
        ({"dtype": 21, "shape": (4,)}, "has variant"),
    ],
)
def test_places_that_cannot_be(changes, message, half_plus_two):
    def change(name, entry):
        return dataclasses.replace(entry, **changes) if name == "a" else entry

    _rewrite_index(half_plus_two, change)
    found = _weights_error(read_module, half_plus_two)
    assert f"variable 'a' {message}" in found


def _partitioned(module, parts=((0, 2), (2, 2))):
    """Stores a [4, 3] table in parts of rows."""
    full = np.arange(12, dtype=np.float32).reshape(4, 3)
    for path in (module / "variables").iterdir():
        path.unlink()
    tf.raw_ops.SaveV2(
        prefix=str(module / "variables" / "variables"),
        tensor_names=["table"] * len(parts),
        shape_and_slices=[f"4 3 {start},{size}:0,3" for start, size in parts],
        tensors=[tf.constant(full[start : start + size]) for start, size in parts],
    )
    return full


def _part(start, size):
    where = SliceSpec((4, 3), (start, 0), (size, 3))
    return VariableSpec("table/part", "n", 1, (size, 3), True, "table", where)


def test_the_bytes_of_a_part(half_plus_two):
    full = _partitioned(half_plus_two)
    checkpoint = read_checkpoint(half_plus_two / "variables" / "variables")
    entry = checkpoint.find_bytes(_part(2, 2))
    content = _shard(half_plus_two).read_bytes()[entry.offset : entry.end]
    assert content == full[2:].tobytes()
    np.testing.assert_array_equal(checkpoint.read(_part(2, 2)), full[2:])


def test_a_variable_that_is_cut_otherwise_is_read_but_has_no_bytes(half_plus_two):
    full = _partitioned(half_plus_two)
    checkpoint = read_checkpoint(half_plus_two / "variables" / "variables")
    assert checkpoint.find_bytes(_part(1, 2)) is None
    np.testing.assert_array_equal(checkpoint.read(_part(1, 2)), full[1:3])
    whole = VariableSpec("table", "n", 1, (4, 3), True, "table")
    assert checkpoint.find_bytes(whole) is None
    np.testing.assert_array_equal(checkpoint.read(whole), full)


def test_a_part_that_is_all_of_it(half_plus_two):
    _save(half_plus_two, table=np.zeros([4, 3], np.float32))
    checkpoint = read_checkpoint(half_plus_two / "variables" / "variables")
    assert checkpoint.find_bytes(_part(0, 4)) == checkpoint.entries["table"]
    assert checkpoint.find_bytes(_part(0, 2)) is None


@pytest.mark.parametrize("changes", [{"dtype": 3}, {"shape": (3, 2)}])
def test_parts_of_another_kind(changes, half_plus_two):
    _partitioned(half_plus_two)

    def change(_, entry):
        part = entry.slices[0]
        other = dataclasses.replace(part, entry=dataclasses.replace(part.entry, **changes))
        return dataclasses.replace(entry, slices=(other, *entry.slices[1:]))

    _rewrite_index(half_plus_two, change)
    assert "has a part of another dtype or shape" in _weights_error(read_module, half_plus_two)


def test_parts_out_of_the_whole(half_plus_two):
    _partitioned(half_plus_two)
    _rewrite_index(half_plus_two, lambda _, entry: dataclasses.replace(entry, shape=(3, 3)))
    assert "has a part of another dtype or shape" in _weights_error(read_module, half_plus_two)


def test_a_compressed_index(half_plus_two):
    plain, program = _check_all(half_plus_two)
    path = half_plus_two / "variables" / "variables.index"
    path.write_bytes(compress_table(path.read_bytes()))
    checkpoint, _ = _check_all(half_plus_two)
    assert checkpoint == plain
    assert checkpoint.find_bytes(program.variables["a"]) is not None
    assert read_with_tensorflow(checkpoint, program.variables["b"]) == np.float32(2.0)


_DTYPES = [
    "float32", "float64", "half", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16",
    "uint32", "uint64", "bool", "complex64", "complex128", "qint8", "quint8", "qint32", "string",
]  # fmt: skip


def _make_tensor(dtype):
    numbers = tf.constant([[0, 1, 77], [5, 300, 65_536]])
    if dtype == "string":
        return tf.constant([[b"", b"word\0", b"x" * 300], [b"a", b"b", b"c"]])
    if dtype.startswith("q"):
        return tf.bitcast(tf.cast(numbers, dtype.replace("q", "", 1)), dtype)
    value = tf.cast(numbers, dtype)
    return value * (1 - 2j) if dtype.startswith("complex") else value


@pytest.mark.parametrize("is_swapped", [False, True])
def test_values_of_all_dtypes_are_those_that_tensorflow_reads(is_swapped, half_plus_two):
    """Both readers read the twin that is swapped as TensorFlow reads the plain one."""
    prefix = half_plus_two / "variables" / "variables"
    tensors = {dtype: _make_tensor(dtype) for dtype in _DTYPES}
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=_DTYPES,
        shape_and_slices=[""] * len(_DTYPES),
        tensors=list(tensors.values()),
    )
    reader = tf.train.load_checkpoint(str(prefix))
    expected = {dtype: reader.get_tensor(dtype) for dtype in _DTYPES}
    if is_swapped:
        swap_bytes(prefix)
    checkpoint = read_checkpoint(prefix)
    assert checkpoint.is_big_endian == is_swapped
    for dtype in _DTYPES:
        spec = VariableSpec(dtype, dtype, tf.as_dtype(dtype).as_datatype_enum, (2, 3), True, dtype)
        for actual in (checkpoint.read(spec), read_with_tensorflow(checkpoint, spec)):
            assert actual.dtype == expected[dtype].dtype
            np.testing.assert_array_equal(actual, expected[dtype])
        assert (checkpoint.find_bytes(spec) is None) == is_swapped


@pytest.mark.parametrize("change", [str, swap_bytes], ids=["plain", "swapped"])
def test_parts_are_those_that_tensorflow_reads(change, half_plus_two):
    full = _partitioned(half_plus_two)
    prefix = half_plus_two / "variables" / "variables"
    change(prefix)
    checkpoint = read_checkpoint(prefix)
    whole = VariableSpec("table", "n", 1, (4, 3), True, "table")
    for spec in (whole, *(_part(start, 4 - start) for start in range(4)), _part(1, 2)):
        start = spec.slice.offset[0] if spec.slice else 0
        expected = full[start : start + spec.shape[0]]
        np.testing.assert_array_equal(checkpoint.read(spec), expected)
        np.testing.assert_array_equal(read_with_tensorflow(checkpoint, spec), expected)


def test_parts_with_a_gap(half_plus_two):
    _partitioned(half_plus_two, parts=((0, 1), (2, 2)))
    checkpoint = read_checkpoint(half_plus_two / "variables" / "variables")
    whole = VariableSpec("table", "n", 1, (4, 3), True, "table")
    for read in (checkpoint.read, lambda spec: read_with_tensorflow(checkpoint, spec)):
        assert "do not cover it" in _weights_error(read, whole)
    assert checkpoint.read(_part(2, 2)).shape == (2, 3)


def test_parts_that_overlap_do_not_cover_more(half_plus_two):
    """The sizes of the parts add up to the whole, and more."""
    _partitioned(half_plus_two, parts=((0, 2), (1, 2)))
    checkpoint = read_checkpoint(half_plus_two / "variables" / "variables")
    whole = VariableSpec("table", "n", 1, (4, 3), True, "table")
    assert "do not cover it" in _weights_error(checkpoint.read, whole)


def test_parts_of_a_shape_that_no_memory_holds(half_plus_two):
    _partitioned(half_plus_two)
    _rewrite_index(half_plus_two, lambda _, entry: dataclasses.replace(entry, shape=(2**55, 3)))
    checkpoint = read_checkpoint(half_plus_two / "variables" / "variables")
    whole = VariableSpec("table", "n", 1, (None, 3), True, "table")
    for read in (checkpoint.read, lambda spec: read_with_tensorflow(checkpoint, spec)):
        assert "do not cover it" in _weights_error(read, whole)


@pytest.mark.parametrize(
    ("full", "offset", "shape"),
    [
        ((4, 3), (3, 0), (2, 3)),
        ((4, 3), (-1, 0), (2, 3)),
        ((4, 3), (1, 0), (2,)),
        ((4, 3), (1,), (2, 3)),
        ((4, 3), (1, 0), (1, 3)),
        ((4, 3), (3, 0), (-2, 3)),
    ],
)
def test_parts_that_are_none(full, offset, shape, half_plus_two):
    _save(half_plus_two, table=np.zeros([4, 3], np.float32))
    checkpoint = read_checkpoint(half_plus_two / "variables" / "variables")
    part = VariableSpec("t", "t", 1, (2, 3), True, "table", SliceSpec(full, offset, shape))
    with pytest.raises(errors.WeightsError, match="but is said to be the part of shape"):
        checkpoint.check(part)


def test_bytes_that_are_named_again_and_again(half_plus_two):
    path = half_plus_two / "variables" / "variables.index"
    index = checkpoint_index.read_index(path.read_bytes())
    entries = {f"copy_{i}": index.entries["a"] for i in range(3)}
    path.write_bytes(checkpoint_index.write_index(Index(index.shards, entries)))
    assert "lists 12 bytes of values, its data files hold 8" in _weights_error(
        read_module, half_plus_two
    )


def test_strings_that_promise_more_than_the_file_holds(half_plus_two):
    """TensorFlow would allocate what the length says."""
    _save(half_plus_two, a=b"abcd", b=2.0)
    prefix = half_plus_two / "variables" / "variables"
    shard = bytearray(_shard(half_plus_two).read_bytes())
    entry = read_checkpoint(prefix).entries["a"]
    huge = write_varint(1 << 27)
    lengths = mask(crc32c.crc32c(struct.pack("<I", 1 << 27)))
    shard[entry.offset : entry.end] = (huge + struct.pack("<I", lengths))[: entry.size].ljust(
        entry.size, b"\0"
    )
    _shard(half_plus_two).write_bytes(shard)
    checksum = make_checksum(entry)
    checksum.update(memoryview(shard[entry.offset : entry.end]))
    _rewrite_index(
        half_plus_two,
        lambda name, e: dataclasses.replace(e, checksum=checksum.value()) if name == "a" else e,
    )
    spec = VariableSpec("a", "a", tf.string.as_datatype_enum, (), True, "a")
    checkpoint = read_checkpoint(prefix)
    for read in (checkpoint.read, lambda spec: read_with_tensorflow(checkpoint, spec)):
        assert "strings have other lengths than it says" in _weights_error(read, spec)


def test_strings_with_another_checksum_of_their_lengths(half_plus_two):
    _save(half_plus_two, a=b"abcd", b=2.0)
    prefix = half_plus_two / "variables" / "variables"
    entry = read_checkpoint(prefix).entries["a"]
    shard = bytearray(_shard(half_plus_two).read_bytes())
    shard[entry.offset + 1] ^= 1
    _shard(half_plus_two).write_bytes(shard)
    checksum = make_checksum(entry)
    checksum.update(memoryview(shard[entry.offset : entry.end]))
    _rewrite_index(
        half_plus_two,
        lambda name, e: dataclasses.replace(e, checksum=checksum.value()) if name == "a" else e,
    )
    spec = VariableSpec("a", "a", tf.string.as_datatype_enum, (), True, "a")
    message = _weights_error(read_checkpoint(prefix).read, spec)
    assert "the checksum of its strings' lengths is wrong" in message


def test_an_index_of_gigabytes_is_not_read(half_plus_two):
    os.truncate(half_plus_two / "variables" / "variables.index", 3 << 30)
    with pytest.raises(errors.FormatError, match="index has 3,221,225,472 bytes, expected"):
        read_module(half_plus_two)
