"""Checkpoints: the tensors that one holds, where they lie, and the value of a variable."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from converter import errors, limits
from converter.files.bounded_read import read_bounded
from converter.files.paths import Path, size_bytes
from converter.tensor_bundle import checkpoint_index
from converter.tensor_bundle.checkpoint_index import Entry, Index, Slice, StoredSlice
from converter.tensor_bundle.sorted_table import TableError
from converter.tensor_bundle.tensor_reader import read_region, read_tensor, whole

# Dtypes that a tensor on disk may have without being values in a row.
_NOT_VALUES = (types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT)
DAMAGED = "The checkpoint is damaged or incomplete: copy the module again."


class StoredVariable(Protocol):
    """A variable whose value is in a checkpoint; `converter.ir.graph.VariableSpec` is one."""

    @property
    def name(self) -> str:
        """The name that messages use."""

    @property
    def dtype(self) -> int:
        """The `DataType` number of its values."""

    @property
    def shape(self) -> tuple[int | None, ...] | None:
        """The declared shape; None if it is unknown."""

    @property
    def checkpoint_key(self) -> str:
        """The entry of the checkpoint that holds its value."""

    @property
    def slice(self) -> StoredSlice | None:
        """Its place in that entry, for a part of a partitioned variable."""


@dataclasses.dataclass(frozen=True, slots=True)
class Checkpoint:
    """A TensorBundle (source: tensorflow/core/util/tensor_bundle).

    Attributes:
      prefix: The path that its files have in common.
      entries: The entries of the index, by key; none if there are no variables.
      shard_sizes: The sizes of its data files in bytes, None for one that is missing or not used.
      is_big_endian: Whether numbers in its data files have their highest byte first.
    """

    prefix: Path
    entries: Mapping[str, Entry]
    shard_sizes: tuple[int | None, ...] = ()
    is_big_endian: bool = False

    def lacks(self, variable: StoredVariable) -> bool:
        """Whether the checkpoint has no value for `variable`."""
        return variable.checkpoint_key not in self.entries

    def shard(self, number: int) -> Path:
        """The path of a data file."""
        return shard_path(self.prefix, number, len(self.shard_sizes))

    def check(self, variable: StoredVariable) -> None:
        """Checks that the index has a value that fits `variable`.

        Raises:
          WeightsError: if it has none, or one of another dtype or shape.
        """
        if self.lacks(variable):
            raise errors.WeightsError(
                f"the checkpoint has no value for variable {variable.name!r}", remedy=DAMAGED
            )
        entry = self.entries[variable.checkpoint_key]
        if entry.dtype != variable.dtype:
            raise errors.WeightsError(
                f"variable {variable.name!r} has dtype {tf.as_dtype(variable.dtype).name}, its"
                f" value in the checkpoint has {_dtype_name(entry.dtype)}",
                remedy=DAMAGED,
            )
        self._check_part(variable)
        expected = variable.slice.full_shape if variable.slice else variable.shape
        if not _fits(entry.shape, expected):
            raise errors.WeightsError(
                f"variable {variable.name!r} has shape {tf.TensorShape(expected)}, its value in the"
                f" checkpoint has {tf.TensorShape(entry.shape)}",
                remedy=DAMAGED,
            )

    def _check_part(self, variable: StoredVariable) -> None:
        part = variable.slice
        if part is None:
            return
        is_inside = len(part.offset) == len(part.shape) == len(part.full_shape) and all(
            0 <= start <= start + size <= full
            for start, size, full in zip(part.offset, part.shape, part.full_shape, strict=True)
        )
        if not is_inside or not _fits(part.shape, variable.shape):
            raise errors.WeightsError(
                f"variable {variable.name!r} has shape {tf.TensorShape(variable.shape)}, but is"
                f" said to be the part of shape {part.shape} at {part.offset} of a tensor of"
                f" shape {part.full_shape}",
                remedy="Export the module again.",
            )

    def find_bytes(self, variable: StoredVariable) -> Entry | None:
        """Returns the entry whose bytes are, little-endian, the value of `variable`, or None."""
        entry = self.entries[variable.checkpoint_key]
        if self.is_big_endian:
            return None
        if variable.slice is None:
            return None if entry.slices else entry
        for part in entry.slices:
            if part.covers(variable.slice):
                return part.entry
        is_all_of_it = variable.slice.shape == variable.slice.full_shape
        return entry if is_all_of_it and not entry.slices else None

    def read(self, variable: StoredVariable) -> np.ndarray:
        """Reads the value of `variable`; strings come as an array of objects.

        Raises:
          WeightsError: if there is none, or the data is damaged.
        """
        self.check(variable)
        entry = self.entries[variable.checkpoint_key]
        region = whole(entry.shape)
        if variable.slice is not None:
            starts = zip(variable.slice.offset, variable.slice.shape, strict=True)
            region = tuple(slice(start, start + size) for start, size in starts)
        try:
            if entry.slices:
                return read_region(entry, region, self._read_tensor)
            index: Any = (*region, ...)  # Without the ellipsis, a scalar would not be an array.
            return self._read_tensor(entry)[index]
        except (TableError, OSError) as error:
            raise unreadable_value(variable, error) from error

    def _read_tensor(self, entry: Entry) -> np.ndarray:
        return read_tensor(self.shard(entry.shard), entry, is_big_endian=self.is_big_endian)


def unreadable_value(variable: StoredVariable, error: Exception) -> errors.WeightsError:
    """Returns the error to raise where the value of `variable` cannot be read."""
    return errors.WeightsError(
        f"the value of variable {variable.name!r} cannot be read: {errors.first_line(error)}",
        remedy=DAMAGED,
    )


def shard_path(prefix: Path, number: int, count: int) -> Path:
    """The path of a data file (source: `DataFilename` in tensor_bundle/naming.cc)."""
    return prefix.with_name(f"{prefix.name}.data-{number:05d}-of-{count:05d}")


def read_checkpoint(prefix: Path) -> Checkpoint:
    """Reads the index of the checkpoint at `prefix`; without an index there are no variables.

    Raises:
      WeightsError: if the index is damaged, or promises more data than the files hold.
    """
    path = prefix.with_name(prefix.name + ".index")
    if not path.is_file():
        return Checkpoint(prefix, {})
    data = read_bounded(path, limits.MAX_INDEX_BYTES, "the checkpoint's index")
    try:
        index = checkpoint_index.read_index(data)
    except TableError as error:
        raise errors.WeightsError(
            f"the checkpoint's index cannot be read: {errors.first_line(error)}", remedy=DAMAGED
        ) from error
    entries = dict(sorted(index.entries.items()))
    sizes = _read_shard_sizes(prefix, index)
    checkpoint = Checkpoint(prefix, entries, sizes, index.is_big_endian)
    for name, entry in checkpoint.entries.items():
        fault = _find_fault(checkpoint, entry)
        if fault is not None:
            raise errors.WeightsError(f"the value of variable {name!r} {fault}", remedy=DAMAGED)
    _check_total(checkpoint)
    return checkpoint


def _stored_entries(entries: Mapping[str, Entry]) -> Iterator[Entry]:
    """Yields the entries that have bytes in a data file."""
    for entry in entries.values():
        yield from (part.entry for part in entry.slices) if entry.slices else (entry,)


def _read_shard_sizes(prefix: Path, index: Index) -> tuple[int | None, ...]:
    used = {entry.shard for entry in _stored_entries(index.entries)}
    shards = (shard_path(prefix, i, index.shards) for i in range(index.shards))
    return tuple(
        size_bytes(shard) if number in used and shard.is_file() else None
        for number, shard in enumerate(shards)
    )


def _check_total(checkpoint: Checkpoint) -> None:
    """Refuses an index that names the same bytes again and again, to fill the memory."""
    promised = sum(entry.size for entry in _stored_entries(checkpoint.entries))
    present = sum(size or 0 for size in checkpoint.shard_sizes)
    if promised > present:
        raise errors.WeightsError(
            f"the checkpoint's index lists {promised} bytes of values, its data files hold"
            f" {present}",
            remedy=DAMAGED,
        )


def _find_fault(checkpoint: Checkpoint, entry: Entry) -> str | None:
    """Returns what is wrong with the place of an entry or of its parts, or None."""
    if not entry.slices:
        return _find_misplaced(checkpoint, entry)
    for part in entry.slices:
        if part.entry.dtype != entry.dtype or not _has_part(entry.shape, part):
            return "has a part of another dtype or shape"
        fault = _find_misplaced(checkpoint, part.entry)
        if fault is not None:
            return f"has a part that {fault}"
    return None


def _has_part(shape: tuple[int, ...], part: Slice) -> bool:
    """Whether the part lies within a tensor of that shape, and its entry has the part's shape."""
    axes = part.lengths(shape)
    if axes is None or part.entry.shape != axes:
        return False
    starts = (start for start, _ in part.extents)
    return all(
        start >= 0 and start + length <= size
        for start, length, size in zip(starts, axes, shape, strict=True)
    )


def _find_misplaced(checkpoint: Checkpoint, entry: Entry) -> str | None:
    if not 0 <= entry.shard < len(checkpoint.shard_sizes):
        return f"is in data file {entry.shard}, of {len(checkpoint.shard_sizes)}"
    size = checkpoint.shard_sizes[entry.shard]
    if size is not None and entry.end <= size:
        return _find_wrong_size(entry)
    name = checkpoint.shard(entry.shard).name
    if size is None:
        return f"is in {name!r}, which is missing"
    return f"ends at byte {entry.end} of {name!r}, which has {size}"


def _find_wrong_size(entry: Entry) -> str | None:
    count = math.prod(entry.shape)
    if entry.dtype == types_pb2.DT_STRING:
        return None if entry.size >= count else f"has {entry.size} bytes for {count} strings"
    if not _is_stored_as_values(entry.dtype):
        return f"has {_dtype_name(entry.dtype)}"
    expected = count * tf.as_dtype(entry.dtype).size
    return None if entry.size == expected else f"has {entry.size} bytes, expected {expected}"


def _is_stored_as_values(dtype: int) -> bool:
    """Whether tensors of that dtype are numbers in a row; TensorFlow would decode a variant."""
    try:
        kind = tf.as_dtype(dtype)
    except TypeError:
        return False
    return kind == kind.base_dtype and dtype not in _NOT_VALUES


def _dtype_name(dtype: int) -> str:
    try:
        return str(tf.as_dtype(dtype).name)
    except TypeError:
        return f"the unknown dtype {dtype}"


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...] | None) -> bool:
    if expected is None:
        return True
    return len(shape) == len(expected) and all(
        size in (None, actual) for size, actual in zip(expected, shape, strict=True)
    )
