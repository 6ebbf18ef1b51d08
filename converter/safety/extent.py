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
_INTEGER_BITS = {types_pb2.DT_INT32: 32, types_pb2.DT_INT64: 64}


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Extent:
    """What is known of a tensor.

    Attributes:
      shape: Its static shape.
      value: Its elements, as Python objects, if they are numbers and few. One that depends on an
        unknown size is None.
      is_constant: Whether TensorFlow may compute it while it imports the graph.
      longest: The bytes of its longest string.
    """

    shape: Shape = None
    value: np.ndarray | None = None
    is_constant: bool = False
    longest: int = 0

    @property
    def elements(self) -> int | None:
        """The number of elements, if it is known."""
        if self.shape is None or None in self.shape:
            return None
        return math.prod(size for size in self.shape if size is not None)

    @property
    def known_value(self) -> np.ndarray | None:
        """The value, if all of it is known."""
        value = self.value
        return None if value is None or any(v is None for v in value.flat) else value

    def size_bytes(self, dtype: int) -> int | None:
        """An upper bound of the memory that it takes."""
        if self.elements is None:
            return None
        return self.elements * item_bytes(dtype, self.longest)


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


def in_range(value: np.ndarray | None, dtype: int) -> np.ndarray | None:
    """The value as its dtype holds it; None where TensorFlow's arithmetic would wrap around."""
    bits = _INTEGER_BITS.get(dtype)
    if value is None or bits is None:
        return value
    end = 1 << (bits - 1)
    if all(v is None or -end <= v < end for v in value.flat):
        return value
    return None
