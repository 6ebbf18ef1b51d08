"""The bytes of tensors in a checkpoint's data files, and their checksums.

Numbers lie there as they do in memory, little-endian and in row-major order. Strings are their
lengths as varints, a checksum of these, and then all their bytes.

Source: `WriteTensor` and `WriteStringTensor` in tensorflow/core/util/tensor_bundle.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Protocol

import crc32c
import numpy as np
from tensorflow.core.framework import types_pb2

from converter.tensor_bundle.checkpoint_index import Entry
from converter.tensor_bundle.sorted_table import TableError, mask, read_varint, write_varint

_MAX_UINT32 = (1 << 32) - 1


class Checksum(Protocol):
    """The checksum of a tensor, updated block by block."""

    def update(self, block: memoryview) -> None:
        """Takes the next bytes."""

    def value(self) -> int:
        """The masked checksum of all bytes so far."""


def make_checksum(entry: Entry) -> Checksum:
    """Returns a new checksum for the bytes of `entry`, of the kind that the index has."""
    if entry.dtype == types_pb2.DT_STRING:
        return StringsChecksum(math.prod(entry.shape))
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
    """

    def __init__(self, count: int) -> None:
        super().__init__()
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
            super().update(memoryview(_fixed(length)))
        self._unread = data[position:]
        if not self._missing:
            super().update(memoryview(self._unread))


def _fixed(length: int) -> bytes:
    return struct.pack("<I" if length <= _MAX_UINT32 else "<Q", length)


def encode(array: np.ndarray) -> Iterator[memoryview]:
    """Yields the bytes of a tensor; strings are arrays of objects."""
    if array.dtype != object:
        flat = np.ascontiguousarray(array).reshape(-1)
        yield flat.view(np.uint8).data
        return
    strings = [text.encode() if isinstance(text, str) else text for text in array.flat]
    yield memoryview(b"".join(write_varint(len(string)) for string in strings))
    checksum = NumbersChecksum()
    for string in strings:
        checksum.update(memoryview(_fixed(len(string))))
    yield memoryview(struct.pack("<I", checksum.value()))
    for string in strings:
        yield memoryview(string)
