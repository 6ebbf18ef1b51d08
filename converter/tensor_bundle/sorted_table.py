"""Sorted tables of byte strings: the file format of LevelDB, as TensorFlow writes it.

A table is a run of blocks: data blocks, an empty block of meta data, and an index block that
names the data blocks; a footer of fixed size points at the last two. In a block each key keeps
only what the key before it does not have, except at restart points. Each block ends in its
compression type and a masked CRC-32C. TensorFlow writes no compressed ones, but reads them.

Who reads a table may go through it, or jump to a key by the index block and the restart points.
Both must find the same, so these are checked, too: TensorFlow's reader jumps, and it aborts the
process on some entries.

Sources: tensorflow/core/lib/io/{table,block,format,table_builder}.cc, and LevelDB's
doc/table_format.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

import cramjam
import crc32c

from converter import limits

FOOTER_SIZE = 48
_MAGIC = 0xDB4775248B80FB57
_TRAILER_SIZE = 5  # one byte of compression type, four of checksum
_UNCOMPRESSED, _SNAPPY = 0, 1
_BLOCK_SIZE = 1 << 18  # TensorFlow's, in bytes
_RESTART_INTERVAL = 16  # TensorFlow's and LevelDB's


class TableError(ValueError):
    """The bytes are not a table, or are damaged."""


def mask(checksum: int) -> int:
    """Masks a CRC-32C as TensorFlow stores it (source: tsl/lib/hash/crc32c.h)."""
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_table(data: bytes) -> dict[bytes, bytes]:
    """Reads a whole table, in the order of its keys.

    Raises:
      TableError: if it is damaged, or holds more than an index of a checkpoint does.
    """
    return _Reader(memoryview(data)).read()


class _Reader:
    """Reads the blocks of a table.

    Args:
      view: The table.
    """

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._items: dict[bytes, bytes] = {}
        self._last: bytes | None = None
        self._key_bytes = 0
        self._bytes_left = limits.MAX_DECOMPRESSED_INDEX_BYTES

    def read(self) -> dict[bytes, bytes]:
        if len(self._view) < FOOTER_SIZE:
            raise TableError(f"{len(self._view)} bytes are too few for a table")
        footer = self._view[-FOOTER_SIZE:]
        if struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
            raise TableError("the magic number at its end is wrong")
        position = 0
        for _ in range(2):  # The meta block's handle, then the index's.
            offset, position = read_varint(footer, position)
            size, position = read_varint(footer, position)
            top = self._block(offset, size)
        limit, end = None, 0
        for separator, handle in _read_block(top):
            start, after = read_varint(handle, 0)
            length, _ = read_varint(handle, after)
            if start < end:
                raise TableError("its blocks overlap")
            end = start + length
            self._count_key(separator)
            self._add(self._block(start, length), limit)
            limit = separator
            if self._last is not None and self._last > separator:
                raise TableError("a block has keys beyond those that the index block names")
        return self._items

    def _add(self, block: memoryview, limit: bytes | None) -> None:
        """Adds the items of a block, whose keys are all greater than `limit`."""
        for key, value in _read_block(block):
            self._count_key(key)
            if any(before is not None and key <= before for before in (self._last, limit)):
                raise TableError("its keys are out of order")
            if len(self._items) == limits.MAX_INDEX_ITEMS:
                raise TableError(f"it has more than {limits.MAX_INDEX_ITEMS} entries")
            if len(value) > limits.MAX_INDEX_VALUE_BYTES:
                raise TableError(f"an entry has {len(value)} bytes")
            self._items[key] = bytes(value)
            self._last = key

    def _count_key(self, key: bytes) -> None:
        self._key_bytes += len(key)
        if self._key_bytes > limits.MAX_INDEX_KEY_BYTES:
            raise TableError("its keys are too long")

    def _block(self, offset: int, size: int) -> memoryview:
        """The contents of a block, its checksum verified, decompressed."""
        view, end = self._view, offset + size
        if end + _TRAILER_SIZE > len(view):
            raise TableError(f"a block ends at {end}, after the file")
        kind = view[end]
        (stored,) = struct.unpack("<I", view[end + 1 : end + _TRAILER_SIZE])
        if mask(crc32c.crc32c(view[offset : end + 1])) != stored:
            raise TableError(f"the checksum of the block at {offset} is wrong")
        if kind == _UNCOMPRESSED:
            return view[offset:end]
        if kind != _SNAPPY:
            raise TableError(f"the block at {offset} has the unknown type {kind}")
        try:
            return self._decompress(bytes(view[offset:end]))
        except cramjam.DecompressionError as error:
            raise TableError(f"the block at {offset} is not compressed well: {error}") from error

    def _decompress(self, data: bytes) -> memoryview:
        """Decompresses a block, whose size is looked at before memory is taken for it."""
        size = cramjam.snappy.decompress_raw_len(data)
        if size > self._bytes_left:
            raise TableError(
                f"a block has {size} bytes decompressed, expected {self._bytes_left} or fewer"
            )
        self._bytes_left -= size
        return memoryview(bytes(cramjam.snappy.decompress_raw(data)))


def _read_block(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    end, restarts = _read_restarts(block)
    position, key = 0, b""
    while position < end:
        start = position
        shared, position = read_varint(block, position)
        added, position = read_varint(block, position)
        size, position = read_varint(block, position)
        if shared > len(key) or position + added + size > end:
            raise TableError("an entry of a block reaches out of it")
        if restarts and restarts[-1] == start and not shared:
            restarts.pop()
        key = key[:shared] + bytes(block[position : position + added])
        position += added
        yield key, block[position : position + size]
        position += size
    if end and restarts:
        raise TableError("a block has restart points that are not entries")


def _read_restarts(block: memoryview) -> tuple[int, list[int]]:
    """Returns where the entries of a block end, and its restart points, the first one last."""
    if len(block) < 4:
        raise TableError("a block is too short")
    (count,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 * (count + 1)
    if end < 0:
        raise TableError("a block has more restart points than bytes")
    restarts = list(struct.unpack(f"<{count}I", block[end:-4]))
    if end and restarts[:1] != [0]:
        raise TableError("a block has no restart point at its start")
    restarts.reverse()
    return end, restarts


def write_table(items: Mapping[bytes, bytes]) -> bytes:
    """Writes a table, the keys in any order."""
    out = bytearray()
    index: list[tuple[bytes, bytes]] = []
    for block in _split(sorted(items.items())):
        index.append((block[-1][0], _append_block(out, block, _RESTART_INTERVAL)))
    footer = _append_block(out, [], 1) + _append_block(out, index, 1)
    out += footer.ljust(FOOTER_SIZE - 8, b"\0") + struct.pack("<Q", _MAGIC)
    return bytes(out)


def _split(items: list[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    """Yields runs of items, each about as large as a block."""
    block: list[tuple[bytes, bytes]] = []
    size = 0
    for item in items:
        block.append(item)
        size += len(item[0]) + len(item[1])
        if size >= _BLOCK_SIZE:
            yield block
            block, size = [], 0
    if block:
        yield block


def _append_block(out: bytearray, items: list[tuple[bytes, bytes]], interval: int) -> bytes:
    """Adds a block to `out`; returns its handle."""
    offset = len(out)
    restarts, last = [], b""
    for number, (key, value) in enumerate(items):
        shared = 0
        if number % interval == 0:
            restarts.append(len(out) - offset)
        else:
            shared = _common_length(last, key)
        out += write_varint(shared) + write_varint(len(key) - shared) + write_varint(len(value))
        out += key[shared:] + value
        last = key
    restarts = restarts or [0]
    out += struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))
    size = len(out) - offset
    out.append(_UNCOMPRESSED)
    out += struct.pack("<I", mask(crc32c.crc32c(memoryview(bytes(out[offset:])))))
    return write_varint(offset) + write_varint(size)


def _common_length(one: bytes, other: bytes) -> int:
    for position, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return position
    return min(len(one), len(other))


def read_varint(data: bytes | memoryview, position: int) -> tuple[int, int]:
    """Reads a varint of at most 64 bits; returns it, and where it ends.

    Raises:
      TableError: if the data ends before it does, or it is too long.
    """
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise TableError("a varint in it does not end")


def write_varint(value: int) -> bytes:
    """The bytes of a varint."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
