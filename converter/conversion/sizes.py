"""How large modules and their variables are."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from converter.export.record import Shape, VariableInfo
from converter.files.paths import Path, size_bytes
from converter.files.source_files import list_files

_WITHOUT_SIZE = frozenset({"string", "resource", "variant"})


def count_parameters(variables: Iterable[VariableInfo]) -> int:
    """Counts the elements of variables; those of unknown shape do not count."""
    return sum(count_elements(variable.shape) or 0 for variable in variables)


def count_elements(shape: Shape) -> int | None:
    """Counts the elements of a tensor; None if its shape is not known."""
    if shape is None:
        return None
    known = [size for size in shape if size is not None]
    return math.prod(known) if len(known) == len(shape) else None


def count_bytes(dtype: str, shape: Shape) -> int | None:
    """Counts the bytes that the value of a variable takes; None if that depends on the value."""
    elements = count_elements(shape)
    if elements is None or dtype in _WITHOUT_SIZE:
        return None
    import tensorflow as tf  # Cards need none.

    size: int = tf.as_dtype(dtype).size
    return elements * size


def count_all_bytes(variables: Collection[VariableInfo]) -> int:
    """Counts the bytes that the values of variables take, as far as that is known."""
    return sum(count_bytes(each.dtype, each.shape) or 0 for each in variables)


def count_bytes_on_disk(directory: Path) -> int:
    """Counts the bytes of all files below a directory.

    Raises:
      UnsafeModuleError: if a symbolic link leads out of the directory.
      OSError: if a file cannot be looked at.
    """
    return sum(map(size_bytes, list_files(directory)))
