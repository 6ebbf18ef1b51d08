import contextlib
import struct

import crc32c
import pytest
from checkpoint_files import compress, compress_table
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.tensor_bundle import sorted_table
from converter.tensor_bundle.sorted_table import (
    TableError,
    mask,
    read_table,
    read_varint,
    write_table,
    write_varint,
)

_KEYS = st.one_of(
    st.binary(max_size=12), st.builds(lambda n: b"layer_%d/kernel" % n, st.integers(0, 10**6))
)


@given(st.dictionaries(_KEYS, st.binary(max_size=300), max_size=200))
def test_what_is_written_is_read(items):
    assert read_table(write_table(items)) == items


def test_tables_of_many_blocks():
    items = {b"%06d" % i: bytes(1000) for i in range(2000)}
    table = write_table(items)
    assert list(read_table(table).items()) == sorted(items.items())


@settings(max_examples=300)
@given(st.data())
def test_a_changed_byte_is_found(data):
    """In a block; in the footer it may be in the padding, which nobody reads."""
    table = bytearray(write_table({b"%04d" % i: b"value" for i in range(50)}))
    position = data.draw(st.integers(0, len(table) - 49))
    table[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(TableError):
        read_table(bytes(table))


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_footer_is_an_error_or_does_not_matter(data):
    items = {b"%04d" % i: b"value" for i in range(50)}
    table = bytearray(write_table(items))
    position = data.draw(st.integers(len(table) - 48, len(table) - 1))
    table[position] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(TableError):
        assert read_table(bytes(table)) == items


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    with pytest.raises(TableError):
        read_table(data)


@pytest.mark.parametrize("size", [0, 47, 48, 60])
def test_truncated_tables(size):
    with pytest.raises(TableError):
        read_table(write_table({b"a": b"b"})[:size])


def _with_block(entries: bytes, restarts=(0,)) -> bytes:
    """A table with one data block made by hand, its checksums right."""
    tail = (
        b"" if restarts is None else struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))
    )
    return _with_raw_block(entries + tail)


def _with_blocks(*blocks: tuple[bytes, bytes]) -> bytes:
    """A table with data blocks made by hand, each with its key in the index block."""
    tail = struct.pack("<2I", 0, 1)
    return _with_raw_blocks([(entries + tail, key) for entries, key in blocks])


def _with_raw_block(block: bytes, kind=0) -> bytes:
    return _with_raw_blocks([(block, b"z")], kind)


def _with_raw_blocks(blocks, kind=0) -> bytes:
    out = bytearray()

    def append(content, kind=0):
        offset, last = len(out), bytes([kind])
        out.extend(content + last + struct.pack("<I", mask(crc32c.crc32c(content + last))))
        return write_varint(offset) + write_varint(len(content))

    handles = b"".join(_entry(0, key, append(block, kind)) for block, key in blocks)
    meta = append(struct.pack("<2I", 0, 1))
    index = append(handles + struct.pack("<2I", 0, 1))
    return bytes(out) + (meta + index).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def _entry(shared, key, value):
    return bytes([shared, len(key), len(value)]) + key + value


def test_a_block_made_by_hand():
    block = _entry(0, b"abc", b"1") + _entry(2, b"d", b"2")
    assert read_table(_with_block(block)) == {b"abc": b"1", b"abd": b"2"}


@pytest.mark.parametrize(
    "block",
    [
        _entry(0, b"b", b"") + _entry(0, b"a", b""),
        _entry(0, b"a", b"") + _entry(0, b"a", b""),
        _entry(1, b"a", b""),
        bytes([0, 100, 0]) + b"a",
        bytes([0, 1, 100]) + b"a",
        b"\xff" * 12,
        b"\0",
    ],
)
def test_damaged_blocks(block):
    with pytest.raises(TableError):
        read_table(_with_block(block))


def test_more_restart_points_than_bytes():
    with pytest.raises(TableError, match="restart"):
        read_table(_with_block(b"\xff" * 4, restarts=None))


def test_keys_that_would_fill_the_memory():
    """Each entry of three bytes stands for a key a byte longer than the last one."""
    first = write_varint(0) + write_varint(40_000) + write_varint(0) + b"a" * 40_000
    more = b"".join(
        write_varint(40_000 + i) + write_varint(1) + write_varint(0) + b"a" for i in range(10_000)
    )
    with pytest.raises(TableError, match="too long"):
        read_table(_with_block(first + more))


def test_a_block_that_is_named_again_and_again():
    table = write_table({b"%04d" % i: b"" for i in range(10)})
    data_size = read_varint(table, len(table) - 48)[0] - 5
    handle = write_varint(0) + write_varint(data_size)
    entries = b"".join(_entry(0, bytes([65 + i]), handle) for i in range(20))
    out = bytearray(table[: data_size + 5])
    offset, content = len(out), entries + struct.pack("<2I", 0, 1)
    out += content + b"\0" + struct.pack("<I", mask(crc32c.crc32c(content + b"\0")))
    footer = handle + write_varint(offset) + write_varint(len(content))
    out += footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    with pytest.raises(TableError, match="overlap"):
        read_table(bytes(out))


@given(st.dictionaries(_KEYS, st.binary(max_size=300), max_size=100))
def test_compressed_tables(items):
    assert read_table(compress_table(write_table(items))) == items


@settings(max_examples=300)
@given(st.data())
def test_a_compressed_block_that_is_damaged_in_spite_of_its_checksum(data):
    items = {b"layer_%04d" % i: b"value" for i in range(50)}
    block = bytearray(compress(_entry(0, b"abc", b"1" * 90) + struct.pack("<2I", 0, 1)))
    block[data.draw(st.integers(0, len(block) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(TableError):
        assert read_table(_with_raw_block(bytes(block), kind=1)) is not items


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (b"", "not compressed well"),
        (b"\xff" * 6, "not compressed well"),
        (b"\x05\x00a\x01\x02", "not compressed well"),  # copies what lies before its start
        (b"\x03\x08ab", "not compressed well"),  # ends within a literal
        (b"\xff\xff\xff\xff\x0f", "4294967295 bytes decompressed, expected 16777216 or fewer"),
    ],
)
def test_damaged_compressed_blocks(block, message):
    with pytest.raises(TableError, match=message):
        read_table(_with_raw_block(block, kind=1))


def test_a_block_of_another_compression():
    with pytest.raises(TableError, match="unknown type 2"):
        read_table(_with_raw_block(b"abc", kind=2))


def test_a_compressed_block_that_would_fill_the_memory(monkeypatch):
    monkeypatch.setattr(sorted_table.limits, "MAX_DECOMPRESSED_INDEX_BYTES", 1000)
    block = _entry(0, b"abc", b"1" * 90) + struct.pack("<2I", 0, 1)
    assert read_table(_with_raw_block(compress(block), kind=1)) == {b"abc": b"1" * 90}
    block = b"".join(_entry(0, b"a%d" % i, b"1" * 90) for i in range(10, 21))
    block += struct.pack("<2I", 0, 1)
    with pytest.raises(TableError, match="1000 or fewer"):
        read_table(_with_raw_block(compress(block), kind=1))


@pytest.mark.parametrize(("name", "value"), [("MAX_INDEX_ITEMS", 9), ("MAX_INDEX_VALUE_BYTES", 4)])
def test_limits(name, value, monkeypatch):
    table = write_table({b"%04d" % i: b"value" for i in range(10)})
    assert len(read_table(table)) == 10
    monkeypatch.setattr(sorted_table.limits, name, value)
    with pytest.raises(TableError):
        read_table(table)


# Who jumps to a key must find what is found by going through the table.

_TWO = _entry(0, b"abc", b"1") + _entry(0, b"abd", b"2")


def test_restart_points():
    assert len(read_table(_with_block(_TWO, restarts=(0, 7)))) == 2


@pytest.mark.parametrize(
    "restarts", [(), (7,), (1,), (0, 1), (0, 7, 7), (7, 0), (0, 7, 14), (0, 0)]
)
def test_restart_points_that_hide_entries(restarts):
    with pytest.raises(TableError, match="restart"):
        read_table(_with_block(_TWO, restarts=restarts))


def test_a_restart_point_whose_key_is_not_whole():
    block = _entry(0, b"abc", b"1") + _entry(2, b"d", b"2")
    with pytest.raises(TableError, match="restart"):
        read_table(_with_block(block, restarts=(0, 7)))


def test_an_index_block_that_names_other_keys():
    with pytest.raises(TableError, match="beyond those that the index block names"):
        read_table(_with_block(_entry(0, b"zz", b"")))


def test_a_block_with_keys_that_belong_to_the_one_before():
    with pytest.raises(TableError, match="out of order"):
        read_table(_with_blocks((_entry(0, b"a", b""), b"m"), (_entry(0, b"k", b""), b"z")))
    table = _with_blocks((_entry(0, b"a", b""), b"m"), (_entry(0, b"n", b""), b"z"))
    assert list(read_table(table)) == [b"a", b"n"]


@given(st.integers(0, 2**64 - 1))
def test_varints(value):
    data = write_varint(value)
    assert read_varint(data, 0) == (value, len(data))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 11])
def test_varints_that_do_not_end(data):
    with pytest.raises(TableError):
        read_varint(data, 0)


def test_masked_checksums():
    """Source: tsl/lib/hash/crc32c_test.cc has no fixed value; this one is of a TF 1.15 file."""
    assert mask(crc32c.crc32c(b"")) == 0xA282EAD8
