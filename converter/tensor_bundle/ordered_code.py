"""Keys under which checkpoints keep the slices of partitioned variables.

The bytes sort as the values do. Source: tensorflow/core/lib/strings/ordered_code.cc, and
`EncodeTensorNameSlice` in tensorflow/core/util/saved_tensor_slice_util.cc.
"""

from __future__ import annotations

from collections.abc import Sequence

FULL_EXTENT = -1  # The length that stands for a whole axis, whose start is 0.


def is_slice_key(key: bytes) -> bool:
    """Whether a checkpoint's key is that of a slice; all others are names of tensors."""
    return key.startswith(b"\0")


def slice_key(name: str, extents: Sequence[tuple[int, int]]) -> bytes:
    """The key of a slice: its tensor's name, and start and length for each axis."""
    out = _unsigned(0) + _string(name.encode()) + _unsigned(len(extents))
    return out + b"".join(_signed(start) + _signed(length) for start, length in extents)


def _unsigned(value: int) -> bytes:
    digits = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([len(digits)]) + digits


def _string(value: bytes) -> bytes:
    escaped = bytearray()
    for byte in value:
        escaped.append(byte)
        if byte in (0x00, 0xFF):
            escaped.append(0xFF - byte)
    return bytes(escaped) + b"\0\1"


def _signed(value: int) -> bytes:
    """Two's complement, its sign bit spread, with as many leading bits flipped as it has bytes."""
    length = (~value if value < 0 else value).bit_length() // 7 + 1
    bits = 8 * length
    flipped = ((1 << length) - 1) << (bits - length)
    return ((value & ((1 << bits) - 1)) ^ flipped).to_bytes(length, "big")
