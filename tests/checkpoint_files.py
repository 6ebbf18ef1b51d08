"""Checkpoints that today's TensorFlow does not write."""

import struct

import crc32c

from converter.tensor_bundle.sorted_table import mask, read_varint, write_varint

_FOOTER = 48


def compress_table(table: bytes) -> bytes:
    """The same table with its blocks compressed by Snappy, in literals only."""
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
    offset, content = len(out), write_varint(len(block))
    for start in range(0, len(block), 60):
        literal = block[start : start + 60]
        content += bytes([(len(literal) - 1) << 2]) + literal
    out += content + b"\1"
    out += struct.pack("<I", mask(crc32c.crc32c(content + b"\1")))
    return write_varint(offset) + write_varint(len(content))
