"""What is known of a tensor before anything runs: an upper bound of its size, or its value."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from tensorflow.core.framework import types_pb2

from converter.ir import op_facts
from converter.ir.attributes import Shape

# Values are followed in Python, for the sizes that they become. Shapes have fewer elements.
MAX_VALUE_ELEMENTS = 1024

_ITEM_BYTES = {
    types_pb2.DT_BOOL: 1, types_pb2.DT_INT8: 1, types_pb2.DT_UINT8: 1, types_pb2.DT_QINT8: 1,
    types_pb2.DT_QUINT8: 1, types_pb2.DT_INT16: 2, types_pb2.DT_UINT16: 2, types_pb2.DT_HALF: 2,
    types_pb2.DT_BFLOAT16: 2, types_pb2.DT_QINT16: 2, types_pb2.DT_QUINT16: 2,
    types_pb2.DT_INT32: 4, types_pb2.DT_UINT32: 4, types_pb2.DT_QINT32: 4, types_pb2.DT_FLOAT: 4,
    types_pb2.DT_COMPLEX128: 16,
}  # fmt: skip
_DEFAULT_ITEM_BYTES = 8
_STRING_BYTES = 24  # sizeof(tstring)
# Values of these are followed: Python's arithmetic, rounded, is that of TensorFlow.
_FOLLOWED: dict[int, type[np.generic]] = {
    types_pb2.DT_BOOL: np.bool_, types_pb2.DT_INT32: np.int32, types_pb2.DT_INT64: np.int64,
    types_pb2.DT_FLOAT: np.float32, types_pb2.DT_DOUBLE: np.float64,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Extent:
    """What is known of a tensor.

    Attributes:
      shape: Its static shape.
      value: Its elements, as Python objects, if they are numbers and few. One that depends on an
        unknown size is None.
      is_constant: Whether TensorFlow may compute it while it imports the graph.
      longest: The bytes of its longest string.
      most: The number of elements that it has at most, where the shape does not tell.
    """

    shape: Shape = None
    value: np.ndarray | None = None
    is_constant: bool = False
    longest: int = 0
    most: int | None = None

    @property
    def elements(self) -> int | None:
        """The number of elements, if it is known."""
        if self.shape is None or None in self.shape:
            return None
        return math.prod(size for size in self.shape if size is not None)

    @property
    def most_elements(self) -> int | None:
        """The number of elements, or the most that there can be."""
        return self.most if self.elements is None else self.elements

    @property
    def known_value(self) -> np.ndarray | None:
        """The value, if all of it is known."""
        value = self.value
        return None if value is None or any(v is None for v in value.flat) else value

    def size_bytes(self, dtype: int) -> int | None:
        """An upper bound of the memory that it takes."""
        if self.most_elements is None:
            return None
        return self.most_elements * item_bytes(dtype, self.longest)


UNKNOWN = Extent()


def item_bytes(dtype: int, longest: int = 0) -> int:
    """The bytes of one element, whose `DataType` is given."""
    if dtype == op_facts.DT_STRING:
        return _STRING_BYTES + longest
    return _ITEM_BYTES.get(dtype, _DEFAULT_ITEM_BYTES)


def valued(value: Any) -> Extent:
    """A tensor of which the elements are known, at least in part."""
    array = np.array(value, dtype=object)
    is_small = array.size <= MAX_VALUE_ELEMENTS
    return Extent(array.shape, array if is_small else None)


def as_stored(value: np.ndarray | None, dtype: int) -> np.ndarray | None:
    """Rounds a value to its dtype.

    Returns:
      None where TensorFlow may compute another value: where integers wrap around, where floats are
      not finite or so small that they may be taken for 0, and for dtypes that are not followed.
    """
    stored = _FOLLOWED.get(dtype)
    if value is None or stored is None:
        return None
    known = [v for v in value.flat if v is not None]
    if not all(_is_exact(v, stored) for v in known):
        return None
    rounded = [None if v is None else stored(v).item() for v in value.flat]
    result = np.empty(value.size, dtype=object)
    result[:] = rounded
    return result.reshape(value.shape)


def _is_exact(number: Any, dtype: type[np.generic]) -> bool:
    """Whether TensorFlow computes a number of this dtype as Python does, but for rounding."""
    if issubclass(dtype, np.bool_):
        return True
    if issubclass(dtype, np.integer):
        return bool(np.iinfo(dtype).min <= number <= np.iinfo(dtype).max)
    info = np.finfo(dtype)  # type: ignore[type-var]
    return number == 0 or float(info.tiny) <= abs(number) <= float(info.max)
