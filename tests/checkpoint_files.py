"""Checkpoints that today's TensorFlow does not write."""

import dataclasses
import math
import pathlib
import struct

import cramjam
import crc32c
from tensorflow.core.framework import types_pb2

from converter.tensor_bundle.checkpoint import shard_path
from converter.tensor_bundle.checkpoint_index import Entry, Index, read_index, write_index
from converter.tensor_bundle.sorted_table import mask, read_varint, write_varint

_FOOTER = 48


def compress_table(table: bytes) -> bytes:
    """The same table with its blocks compressed by Snappy."""
    offset, position = read_varint(table, len(table) - _FOOTER)
    handles = [(offset, read_varint(table, position)[0])]
    index_offset, after = read_varint(table, read_varint(table, position)[1])
    index_size, _ = read_varint(table, after)
    new = bytearray()
    entries = []
    for key, handle in _entries(table[index_offset : index_offset + index_size]):
        start, after = read_varint(handle, 0)
        size, _ = read_varint(handle, after)
        entries.append((key, _append(new, table[start : start + size])))
    meta = _append(new, table[handles[0][0] : handles[0][0] + handles[0][1]])
    block = bytearray()
    for key, handle in entries:
        block += write_varint(0) + write_varint(len(key)) + write_varint(len(handle)) + key + handle
    block += struct.pack("<2I", 0, 1)
    footer = meta + _append(new, bytes(block))
    return bytes(new) + footer.ljust(_FOOTER - 8, b"\0") + table[-8:]


def _entries(block):
    (restarts,) = struct.unpack("<I", block[-4:])
    position, key = 0, b""
    while position < len(block) - 4 * (restarts + 1):
        shared, position = read_varint(block, position)
        added, position = read_varint(block, position)
        size, position = read_varint(block, position)
        key = key[:shared] + block[position : position + added]
        position += added
        yield key, block[position : position + size]
        position += size


def _append(out: bytearray, block: bytes) -> bytes:
    offset, content = len(out), compress(block)
    out += content + b"\1"
    out += struct.pack("<I", mask(crc32c.crc32c(content + b"\1")))
    return write_varint(offset) + write_varint(len(content))


def compress(data: bytes) -> bytes:
    """Compresses by Snappy, without a frame."""
    return bytes(cramjam.snappy.compress_raw(data))


def swap_bytes(prefix: pathlib.Path) -> None:
    """Makes a checkpoint as if a big-endian machine had written it."""
    index_path = prefix.with_name(f"{prefix.name}.index")
    index = read_index(index_path.read_bytes())
    paths = [shard_path(prefix, number, index.shards) for number in range(index.shards)]
    shards = [bytearray(path.read_bytes()) for path in paths]

    def swap(entry: Entry) -> Entry:
        data = shards[entry.shard]
        content = bytes(data[entry.offset : entry.end])
        if entry.dtype == types_pb2.DT_STRING:
            content, checksum = _swap_strings(content, math.prod(entry.shape))
        elif not entry.slices:
            width = entry.size // (math.prod(entry.shape) or 1)
            width //= 2 if entry.dtype in (types_pb2.DT_COMPLEX64, types_pb2.DT_COMPLEX128) else 1
            words = [content[i : i + width] for i in range(0, len(content), width or 1)]
            content = b"".join(word[::-1] for word in words)
            checksum = mask(crc32c.crc32c(content))
        else:
            parts = tuple(dataclasses.replace(p, entry=swap(p.entry)) for p in entry.slices)
            return dataclasses.replace(entry, slices=parts)
        data[entry.offset : entry.end] = content
        return dataclasses.replace(entry, checksum=checksum)

    entries = {name: swap(entry) for name, entry in index.entries.items()}
    index_path.write_bytes(write_index(Index(index.shards, entries, is_big_endian=True)))
    for path, data in zip(paths, shards, strict=True):
        path.write_bytes(data)


def _swap_strings(content: bytes, count: int) -> tuple[bytes, int]:
    """Returns the bytes of strings, with the numbers in them swapped, and their checksum."""
    lengths, position = [], 0
    for _ in range(count):
        length, position = read_varint(content, position)
        lengths.append(length)
    fixed = struct.pack(f">{count}I", *lengths)
    checksum = struct.pack(">I", mask(crc32c.crc32c(fixed)))
    rest = content[position + 4 :]
    return content[:position] + checksum + rest, mask(crc32c.crc32c(fixed + checksum + rest))
