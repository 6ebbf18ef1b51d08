"""Reads tensors of a checkpoint from its data files, their checksums compared."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from converter.files.paths import Path, open_raw, read_blocks
from converter.tensor_bundle.checkpoint_index import Entry, Shape
from converter.tensor_bundle.sorted_table import TableError
from converter.tensor_bundle.tensor_bytes import decode_numbers, decode_strings, make_checksum

_BLOCK_BYTES = 1 << 19  # stays in the processor's cache

Region = tuple[slice, ...]


def read_tensor(path: Path, entry: Entry, *, is_big_endian: bool) -> np.ndarray:
    """Reads the tensor of an entry without slices; strings come as an array of objects.

    Args:
      path: Its data file.
      entry: The entry, which is checked: see `checkpoint.read_checkpoint`.
      is_big_endian: Whether numbers in the file have their highest byte first.

    Raises:
      TableError: if the bytes are damaged.
      OSError: if the file cannot be read.
    """
    data = np.empty(entry.size, np.uint8)
    checksum = make_checksum(entry, is_big_endian=is_big_endian)
    position = 0
    with open_raw(path, "rb") as file:
        file.seek(entry.offset)
        for block in read_blocks(file, _BLOCK_BYTES, entry.size):
            checksum.update(block)
            data[position : position + len(block)] = block
            position += len(block)
    if position < entry.size or checksum.value() != entry.checksum:
        raise TableError("the checksum of its bytes is not that of the checkpoint's index")
    if entry.dtype == types_pb2.DT_STRING:
        return decode_strings(data.data, entry.shape, is_big_endian=is_big_endian)
    numbers = decode_numbers(data, _numpy_dtype(entry), is_big_endian=is_big_endian)
    return numbers.reshape(entry.shape)


def _numpy_dtype(entry: Entry) -> np.dtype:
    dtype = np.dtype(tf.as_dtype(entry.dtype).as_numpy_dtype)
    # A quantized one is a record of one integer, which users never see.
    return dtype if dtype.fields is None else dtype[0]


def read_region(entry: Entry, region: Region, read: Callable[[Entry], np.ndarray]) -> np.ndarray:
    """Reads a part of a tensor that is stored in slices.

    Args:
      entry: The entry of the tensor.
      region: For each axis, where the part starts and stops.
      read: Reads a slice.

    Raises:
      TableError: if the slices do not cover the part.
    """
    shape = tuple(axis.stop - axis.start for axis in region)
    pieces = [(part, _overlap(part.region(entry.shape), region)) for part in entry.slices]
    pieces = [(part, common) for part, common in pieces if _count(common)]
    # Before memory is allocated for them: the files may hold far less than the shape promises.
    if sum(_count(common) for _, common in pieces) < math.prod(shape):
        raise TableError("the slices of it that are stored do not cover it")
    is_covered = np.zeros(shape, bool)
    value = np.zeros(shape, _numpy_dtype(entry))
    for part, common in pieces:
        place = _relative(common, region)
        value[place] = read(part.entry)[_relative(common, part.region(entry.shape))]
        is_covered[place] = True
    if not is_covered.all():
        raise TableError("the slices of it that are stored do not cover it")
    return value


def whole(shape: Shape) -> Region:
    """The region that is all of a tensor."""
    return tuple(slice(0, size) for size in shape)


def _overlap(one: Region, other: Region) -> Region:
    return tuple(
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )


def _count(region: Region) -> int:
    return math.prod(max(axis.stop - axis.start, 0) for axis in region)


def _relative(region: Region, origin: Region) -> Region:
    return tuple(
        slice(axis.start - start.start, axis.stop - start.start)
        for axis, start in zip(region, origin, strict=True)
    )
