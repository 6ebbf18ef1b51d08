"""Checkpoints: the tensors that one holds, where they lie, and the value of a variable."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from converter import errors
from converter.files.paths import Path, size_bytes
from converter.tensor_bundle import checkpoint_index
from converter.tensor_bundle.checkpoint_index import BigEndianError, Entry, Slice, StoredSlice
from converter.tensor_bundle.sorted_table import CompressedTableError, TableError

# Errors of TensorFlow's checkpoint reader for damaged files, depending on the damage.
_READER_ERRORS = (
    tf.errors.OpError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
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
      shard_sizes: The sizes of its data files in bytes, None for a missing one.
      is_located: Whether the entries tell where the bytes lie; False for an index that only
        TensorFlow's own reader can read.
    """

    prefix: Path
    entries: Mapping[str, Entry]
    shard_sizes: tuple[int | None, ...] = ()
    is_located: bool = True

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
        expected = variable.slice.full_shape if variable.slice else variable.shape
        if not _fits(entry.shape, expected):
            raise errors.WeightsError(
                f"variable {variable.name!r} has shape {tf.TensorShape(expected)}, its value in the"
                f" checkpoint has {tf.TensorShape(entry.shape)}",
                remedy=DAMAGED,
            )

    def find_bytes(self, variable: StoredVariable) -> Entry | None:
        """Returns the entry whose bytes are exactly the value of `variable`, or None."""
        entry = self.entries[variable.checkpoint_key]
        if not self.is_located:
            return None
        if variable.slice is None:
            return None if entry.slices else entry
        for part in entry.slices:
            if part.covers(variable.slice):
                return part.entry
        is_all_of_it = variable.slice.shape == variable.slice.full_shape
        return entry if is_all_of_it and not entry.slices else None

    def read(self, variable: StoredVariable) -> np.ndarray:
        """Reads the value of `variable`, with TensorFlow's reader.

        Raises:
          WeightsError: if there is none, or the data is damaged.
        """
        self.check(variable)
        try:
            return self._read(variable)
        except _READER_ERRORS as error:
            raise errors.WeightsError(
                f"the value of variable {variable.name!r} cannot be read:"
                f" {errors.first_line(error)}",
                remedy=DAMAGED,
            ) from error

    def _read(self, variable: StoredVariable) -> np.ndarray:
        if variable.slice is None or not tf.executing_eagerly():
            reader = _open(self.prefix)
            value = _to_array(reader.get_tensor(variable.checkpoint_key), variable.dtype)
            return value if variable.slice is None else value[_to_slices(variable.slice)]
        # If the tensor is stored in parts, this op reads only the part.
        (value,) = tf.raw_ops.RestoreV2(
            prefix=os.fspath(self.prefix),
            tensor_names=[variable.checkpoint_key],
            shape_and_slices=[_format_slice(variable)],
            dtypes=[tf.as_dtype(variable.dtype)],
        )
        return _to_array(value.numpy(), variable.dtype)


def _to_array(value: Any, dtype: int) -> np.ndarray:
    """Makes an array of a value that TensorFlow read: of an array, or `bytes` for one string."""
    # By default NumPy makes an array of fixed-size strings, which drops trailing zeros.
    return np.asarray(value, dtype=object if dtype == types_pb2.DT_STRING else None)


def _open(prefix: Path) -> Any:
    """TensorFlow's reader; `tf.train.load_checkpoint` mistakes a prefix on ram:// for a folder."""
    return tf.compat.v1.train.NewCheckpointReader(os.fspath(prefix))  # noqa: TID251


def _to_slices(part: StoredSlice) -> tuple[slice, ...]:
    axes = zip(part.offset, part.shape, strict=True)
    return tuple(slice(start, start + size) for start, size in axes)


def _format_slice(variable: StoredVariable) -> str:
    """The part of a variable as RestoreV2 takes it: `10 4 0,5:0,4`."""
    assert variable.slice is not None
    part = zip(variable.slice.offset, variable.slice.shape, strict=True)
    extents = ":".join(f"{start},{size}" for start, size in part)
    return " ".join([*map(str, variable.slice.full_shape), extents])


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
    try:
        index = checkpoint_index.read_index(path.read_bytes())
    except (BigEndianError, CompressedTableError):
        return _read_with_tensorflow(prefix)
    except TableError as error:
        raise _unreadable(error) from error
    sizes = tuple(
        size_bytes(shard) if shard.is_file() else None
        for shard in (shard_path(prefix, i, index.shards) for i in range(index.shards))
    )
    checkpoint = Checkpoint(prefix, dict(sorted(index.entries.items())), sizes)
    for name, entry in checkpoint.entries.items():
        fault = _find_fault(checkpoint, entry)
        if fault is not None:
            raise errors.WeightsError(f"the value of variable {name!r} {fault}", remedy=DAMAGED)
    return checkpoint


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
    name, size = checkpoint.shard(entry.shard).name, checkpoint.shard_sizes[entry.shard]
    if size is None:
        return f"is in {name!r}, which is missing"
    if entry.end > size:
        return f"ends at byte {entry.end} of {name!r}, which has {size}"
    count = math.prod(entry.shape)
    if entry.dtype == types_pb2.DT_STRING:
        return None if entry.size >= count else f"has {entry.size} bytes for {count} strings"
    try:
        expected = count * tf.as_dtype(entry.dtype).size
    except TypeError:
        return f"has {_dtype_name(entry.dtype)}"
    return None if entry.size == expected else f"has {entry.size} bytes, expected {expected}"


def _unreadable(error: Exception) -> errors.WeightsError:
    return errors.WeightsError(
        f"the checkpoint's index cannot be read: {errors.first_line(error)}", remedy=DAMAGED
    )


def _read_with_tensorflow(prefix: Path) -> Checkpoint:
    try:
        reader = _open(prefix)
        shapes = reader.get_variable_to_shape_map()
        dtypes = reader.get_variable_to_dtype_map()
    except _READER_ERRORS as error:
        raise _unreadable(error) from error
    entries = {
        key: Entry(dtypes[key].as_datatype_enum, tuple(shapes[key])) for key in sorted(shapes)
    }
    _check_size(prefix, entries)
    return Checkpoint(prefix, entries, is_located=False)


def _check_size(prefix: Path, entries: Mapping[str, Entry]) -> None:
    """Refuses an index that would make the reader allocate more than the files hold."""
    promised = sum(
        math.prod(entry.shape) * max(tf.as_dtype(entry.dtype).size or 0, 0)
        for entry in entries.values()
    )
    shards = (p for p in prefix.parent.iterdir() if p.name.startswith(f"{prefix.name}.data-"))
    present = sum(map(size_bytes, shards))
    if promised > present:
        raise errors.WeightsError(
            f"the checkpoint's index lists {promised} bytes of values, its data files hold"
            f" {present}",
            remedy=DAMAGED,
        )


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
