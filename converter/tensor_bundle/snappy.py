"""Decompresses blocks of Snappy, which LevelDB's tables may have.

Source: github.com/google/snappy, format_description.txt.
"""

from __future__ import annotations

_LITERAL, _COPY_1, _COPY_2 = 0, 1, 2
_LONGEST_SHORT_LITERAL = 60


def decompress(data: bytes, max_bytes: int) -> bytes:
    """Decompresses a block without a frame.

    Raises:
      ValueError: if it is damaged, or has more than `max_bytes` decompressed.
    """
    size, position = _read_size(data)
    if size > max_bytes:
        raise ValueError(f"it has {size} bytes decompressed, expected {max_bytes} or fewer")
    # No compressor makes a block larger (source: snappy.cc, MaxCompressedLength).
    if len(data) > 32 + size + size // 6:
        raise ValueError(f"it has {size} bytes decompressed, and {len(data)} compressed")
    out = bytearray()
    while position < len(data):
        tag, position = data[position], position + 1
        if tag & 3 == _LITERAL:
            position = _append_literal(out, data, position, tag >> 2)
        else:
            position = _append_copy(out, data, position, tag)
        if len(out) > size:
            break
    if len(out) != size:
        raise ValueError("it has another size than it says")
    return bytes(out)


def _read_size(data: bytes) -> tuple[int, int]:
    """Returns the size of the decompressed block, a varint of at most 32 bits, and its end."""
    size = 0
    for position, byte in enumerate(data[:5]):
        size |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            return size, position + 1
    raise ValueError("its size does not end")


def _append_literal(out: bytearray, data: bytes, position: int, code: int) -> int:
    length = code + 1
    if length > _LONGEST_SHORT_LITERAL:  # The code says how many bytes the length has.
        start, position = position, position + length - _LONGEST_SHORT_LITERAL
        length = int.from_bytes(data[start:position], "little") + 1
    end = position + length
    if end > len(data):
        raise ValueError("a literal ends after it")
    out += data[position:end]
    return end


def _append_copy(out: bytearray, data: bytes, position: int, tag: int) -> int:
    if tag & 3 == _COPY_1:
        end, length, high = position + 1, (tag >> 2 & 7) + 4, tag >> 5
    else:
        end, length, high = position + (2 if tag & 3 == _COPY_2 else 4), (tag >> 2) + 1, 0
    offset = int.from_bytes(data[position:end], "little") | high << 8
    if end > len(data) or not 0 < offset <= len(out):
        raise ValueError("a copy is not of what lies before it")
    start = len(out) - offset
    if offset >= length:
        out += out[start : start + length]
    else:  # The copy overlaps itself: a run that repeats.
        out += (out[start:] * (length // offset + 1))[:length]
    return end
