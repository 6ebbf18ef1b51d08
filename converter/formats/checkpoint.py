"""The module's weights: which there are, without reading them, and one of them by name."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from converter import errors
from converter.ir.graph import VariableSpec
from converter.ir.text import format_shape

# What TensorFlow's reader of checkpoints makes of damaged files, depending on where they are.
_READER_ERRORS = (
    tf.errors.OpError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
_DAMAGED = "The checkpoint is damaged or incomplete: copy the module again."


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of a checkpoint, as its index describes it."""

    dtype: int
    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Checkpoint:
    """A TensorBundle (source: tensorflow/core/util/tensor_bundle).

    Attributes:
      prefix: The path that its files have in common.
      entries: What the index lists, by key; empty for a module without variables.
    """

    prefix: pathlib.Path
    entries: Mapping[str, Entry]

    def lacks(self, variable: VariableSpec) -> bool:
        """Whether the checkpoint has no value for `variable`."""
        return variable.checkpoint_key not in self.entries

    def check(self, variable: VariableSpec) -> None:
        """Checks that the index has a value that fits `variable`.

        Raises:
          WeightsError: if it has none, or one of another dtype or shape.
        """
        if self.lacks(variable):
            raise errors.WeightsError(
                f"the checkpoint has no value for variable {variable.name!r}", remedy=_DAMAGED
            )
        entry = self.entries[variable.checkpoint_key]
        if entry.dtype != variable.dtype:
            raise errors.WeightsError(
                f"variable {variable.name!r} has dtype {tf.as_dtype(variable.dtype).name}, its"
                f" value in the checkpoint has {tf.as_dtype(entry.dtype).name}",
                remedy=_DAMAGED,
            )
        expected = variable.slice.full_shape if variable.slice else variable.shape
        if not _fits(entry.shape, expected):
            raise errors.WeightsError(
                f"variable {variable.name!r} has shape {format_shape(expected)}, its value in the"
                f" checkpoint has {format_shape(entry.shape)}",
                remedy=_DAMAGED,
            )

    def read(self, variable: VariableSpec) -> np.ndarray:
        """Reads the value of `variable`.

        Raises:
          WeightsError: if there is none, or the data is damaged.
        """
        self.check(variable)
        try:
            value = tf.train.load_checkpoint(str(self.prefix)).get_tensor(variable.checkpoint_key)
        except _READER_ERRORS as error:
            raise errors.WeightsError(
                f"the value of variable {variable.name!r} cannot be read:"
                f" {errors.first_line(error)}",
                remedy=_DAMAGED,
            ) from error
        array = np.asarray(value)
        if variable.slice is None:
            return array
        part = zip(variable.slice.offset, variable.slice.shape, strict=True)
        return array[tuple(slice(start, start + size) for start, size in part)]


def read_index(prefix: pathlib.Path) -> Checkpoint:
    """Reads the index of the checkpoint at `prefix`; no index means no variables.

    Raises:
      WeightsError: if the index is damaged, or promises more data than the files hold.
    """
    index = prefix.with_name(prefix.name + ".index")
    if not index.is_file():
        return Checkpoint(prefix, {})
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        shapes = reader.get_variable_to_shape_map()
        dtypes = reader.get_variable_to_dtype_map()
    except _READER_ERRORS as error:
        raise errors.WeightsError(
            f"the checkpoint's index cannot be read: {errors.first_line(error)}", remedy=_DAMAGED
        ) from error
    entries = {
        key: Entry(dtypes[key].as_datatype_enum, tuple(shapes[key])) for key in sorted(shapes)
    }
    _check_size(prefix, entries)
    return Checkpoint(prefix, entries)


def _check_size(prefix: pathlib.Path, entries: Mapping[str, Entry]) -> None:
    """Refuses an index that would make its reader allocate more than the files can fill."""
    promised = sum(
        math.prod(entry.shape) * max(tf.as_dtype(entry.dtype).size or 0, 0)
        for entry in entries.values()
    )
    shards = prefix.parent.glob(f"{prefix.name}.data-*")
    present = sum(shard.stat().st_size for shard in shards)
    if promised > present:
        raise errors.WeightsError(
            f"the checkpoint's index lists {promised} bytes of values, its data files hold"
            f" {present}",
            remedy=_DAMAGED,
        )


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...] | None) -> bool:
    if expected is None:
        return True
    return len(shape) == len(expected) and all(
        size in (None, actual) for size, actual in zip(expected, shape, strict=True)
    )
