"""The bytes of tensors in a checkpoint's data files, and their checksums.

Numbers lie there as they do in memory, in row-major order: little-endian, unless the index says
that a big-endian machine wrote them. Strings are their lengths as varints, a checksum of these, and
then all their bytes.

Source: `WriteTensor` and `WriteStringTensor` in tensorflow/core/util/tensor_bundle.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator
from typing import Protocol

import crc32c
import numpy as np
from tensorflow.core.framework import types_pb2

from converter.tensor_bundle.checkpoint_index import Entry
from converter.tensor_bundle.sorted_table import TableError, mask, read_varint, write_varint

_MAX_UINT32 = (1 << 32) - 1
_LENGTHS_CHECKSUM_BYTES = 4


class Checksum(Protocol):
    """The checksum of a tensor, updated block by block."""

    def update(self, block: memoryview) -> None:
        """Takes the next bytes."""

    def value(self) -> int:
        """The masked checksum of all bytes so far."""


def make_checksum(entry: Entry, *, is_big_endian: bool = False) -> Checksum:
    """Returns a new checksum for the bytes of `entry`, of the kind that the index has."""
    if entry.dtype == types_pb2.DT_STRING:
        return StringsChecksum(math.prod(entry.shape), is_big_endian=is_big_endian)
    return NumbersChecksum()


class NumbersChecksum:
    """The CRC-32C of the bytes."""

    def __init__(self) -> None:
        self._crc = 0

    def update(self, block: memoryview) -> None:
        """Takes the next bytes."""
        self._crc = crc32c.crc32c(block, self._crc)

    def value(self) -> int:
        """The masked checksum of all bytes so far."""
        return mask(self._crc)


class StringsChecksum(NumbersChecksum):
    """The CRC-32C of the lengths, as numbers of four or eight bytes, and of what follows them.

    Args:
      count: The number of strings.
      is_big_endian: Whether the numbers have their highest byte first.
    """

    def __init__(self, count: int, *, is_big_endian: bool = False) -> None:
        super().__init__()
        self._order = ">" if is_big_endian else "<"
        self._missing = count
        self._unread = b""

    def update(self, block: memoryview) -> None:
        """Takes the next bytes."""
        if not self._missing:
            super().update(block)
            return
        data = self._unread + bytes(block)
        position = 0
        while self._missing:
            try:
                length, position = read_varint(data, position)
            except TableError:  # The rest of this number is in the next block.
                break
            self._missing -= 1
            super().update(memoryview(_fixed(length, self._order)))
        self._unread = data[position:]
        if not self._missing:
            super().update(memoryview(self._unread))


def _fixed(length: int, order: str) -> bytes:
    return struct.pack(order + ("I" if length <= _MAX_UINT32 else "Q"), length)


def encode(array: np.ndarray) -> Iterator[memoryview]:
    """Yields the bytes of a tensor, little-endian; strings are arrays of objects."""
    if array.dtype != object:
        flat = np.ascontiguousarray(array).reshape(-1)
        yield flat.view(np.uint8).data
        return
    strings = [text.encode() if isinstance(text, str) else text for text in array.flat]
    yield memoryview(b"".join(write_varint(len(string)) for string in strings))
    yield memoryview(struct.pack("<I", _lengths_checksum(map(len, strings), "<")))
    for string in strings:
        yield memoryview(string)


def _lengths_checksum(lengths: Iterable[int], order: str) -> int:
    checksum = NumbersChecksum()
    for length in lengths:
        checksum.update(memoryview(_fixed(length, order)))
    return checksum.value()


def decode_strings(data: memoryview, shape: tuple[int, ...], *, is_big_endian: bool) -> np.ndarray:
    """Returns an array of objects, the strings of a tensor, from its bytes.

    Raises:
      TableError: if they are damaged, or their lengths are not those of the bytes.
    """
    position, lengths = 0, []
    for _ in range(math.prod(shape)):
        length, position = read_varint(data, position)
        lengths.append(length)
    start = position + _LENGTHS_CHECKSUM_BYTES
    if start + sum(lengths) != len(data):
        raise TableError("its strings have other lengths than it says")
    order = ">" if is_big_endian else "<"
    (stored,) = struct.unpack(f"{order}I", data[position:start])
    if stored != _lengths_checksum(lengths, order):
        raise TableError("the checksum of its strings' lengths is wrong")
    strings = np.empty(len(lengths), dtype=object)
    for number, length in enumerate(lengths):
        strings[number] = bytes(data[start : start + length])
        start += length
    return strings.reshape(shape)


def decode_numbers(data: np.ndarray, dtype: np.dtype, *, is_big_endian: bool) -> np.ndarray:
    """Returns the numbers of a tensor, `[count]` of `dtype`, in place of its bytes.

    Args:
      data: uint8 `[count * itemsize]`; changed if the order of its bytes is.
      dtype: A dtype of NumPy or of ml_dtypes.
      is_big_endian: Whether the numbers have their highest byte first.
    """
    # A complex number is two, and a dtype of ml_dtypes cannot be swapped by itself.
    unit = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
    if is_big_endian and unit > 1:
        data.view(f"u{unit}").byteswap(inplace=True)
    return data.view(dtype)
