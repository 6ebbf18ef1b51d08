"""Messages between the two processes of a comparison: a JSON file, and one with the arrays.

The process that runs a converted module has run a stranger's ops, so what it hands back is data
and nothing else: no pickles, no dtypes of Python objects, no more bytes than were agreed. Arrays
are raw bytes in an `.npz`; JSON says what they mean. Strings are their bytes one after another
and their lengths, since NumPy's own strings lose ending zeros.
"""

from __future__ import annotations

import dataclasses
import json
import lzma
import pathlib
import struct
import types
import typing
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from converter import limits

T = TypeVar("T")
_STRING = "string"
# Of NumPy for damaged .npz files. RuntimeErrors are unknown methods of compression, encryption, and
# JSON that is nested too deeply.
NPZ_ERRORS = (
    OSError, EOFError, ValueError, TypeError, AttributeError, LookupError, RuntimeError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip


class DamagedMessageError(Exception):
    """A message is not of the agreed form."""


def write_message(path: pathlib.Path, value: Any) -> None:
    """Writes dataclasses, mappings, tuples, sets, arrays and scalars to `path`.json and .npz."""
    encoder = _Encoder()
    document = {"value": encoder.encode(value), "arrays": encoder.described}
    path.with_suffix(".json").write_text(json.dumps(document))
    with path.with_suffix(".npz").open("wb") as file:
        np.savez(file, **encoder.arrays)


def read_message(path: pathlib.Path, kind: type[T], limit_bytes: int) -> T:
    """Reads what `write_message` wrote.

    Args:
      path: Where, without the endings.
      kind: The type of the value; every part must have the type that it declares.
      limit_bytes: How large all arrays may be together.

    Raises:
      DamagedMessageError: if it is anything else.
    """
    try:
        text = path.with_suffix(".json")
        if text.stat().st_size > limits.MAX_JSON_BYTES:
            raise DamagedMessageError("it is too large")
        document = json.loads(text.read_bytes())
        arrays = _read_arrays(path.with_suffix(".npz"), document["arrays"], limit_bytes)
        value: T = _Decoder(arrays).decode(document["value"], kind)
    except NPZ_ERRORS as error:
        raise DamagedMessageError(f"{type(error).__name__}: {error}") from error
    return value


class _Encoder:
    """Collects the arrays of a value.

    Attributes:
      arrays: Raw bytes, by number, and the lengths of strings.
      described: The dtype and the shape of each array.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self.described: list[tuple[str, list[int]]] = []

    def encode(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, np.ndarray):
            return {"array": self._add(value)}
        if isinstance(value, Mapping):
            return {"map": [[key, self.encode(part)] for key, part in value.items()]}
        if isinstance(value, frozenset):
            return {"set": sorted(value)}
        if isinstance(value, tuple):
            return {"tuple": [self.encode(part) for part in value]}
        fields = dataclasses.fields(value)
        return {"fields": {f.name: self.encode(getattr(value, f.name)) for f in fields}}

    def _add(self, array: np.ndarray) -> int:
        number = len(self.described)
        if array.dtype == object:
            elements = [bytes(element) for element in array.flat]
            self.arrays[f"{number}"] = np.frombuffer(b"".join(elements), np.uint8)
            self.arrays[f"{number}_lengths"] = np.array(list(map(len, elements)), np.int64)
            dtype = _STRING
        else:
            self.arrays[f"{number}"] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            dtype = tf.as_dtype(array.dtype).name
        self.described.append((dtype, list(array.shape)))
        return number


def _read_arrays(path: pathlib.Path, described: Any, limit_bytes: int) -> list[np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        # A compressed entry could be far larger than it looks.
        if sum(entry.file_size for entry in archive.infolist()) > limit_bytes:
            raise DamagedMessageError(f"its arrays have more than {limit_bytes} bytes")
    # NumPy leaves a file open that it cannot read.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as raw:
        return [_array(raw, number, *entry) for number, entry in enumerate(described)]


def _array(raw: Any, number: int, dtype: str, shape: list[int]) -> np.ndarray:
    if len(shape) > limits.MAX_RANK or not all(type(n) is int and n >= 0 for n in shape):
        raise DamagedMessageError(f"array {number} has the shape {shape}")
    content = _expect(raw[f"{number}"], np.uint8)
    if dtype == _STRING:
        return _strings(content, _expect(raw[f"{number}_lengths"], np.int64)).reshape(shape)
    kind = np.dtype(tf.as_dtype(dtype).as_numpy_dtype)
    if kind == np.dtype(object) or (kind == np.bool_ and content.max(initial=0) > 1):
        raise DamagedMessageError(f"array {number} does not have the dtype {dtype}")
    return content.view(kind).reshape(shape)


def _expect(array: np.ndarray, dtype: Any) -> np.ndarray:
    if array.dtype != dtype or array.ndim != 1:
        raise DamagedMessageError(f"its arrays are of {array.dtype}, expected {np.dtype(dtype)}")
    return array


def _strings(content: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    if (lengths < 0).any() or lengths.sum() != content.size:
        raise DamagedMessageError("the lengths of its strings do not fit")
    joined, ends = content.tobytes(), np.cumsum(lengths).tolist()
    strings = np.empty(len(ends), dtype=object)
    strings[:] = [
        joined[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)
    ]
    return strings


class _Decoder:
    def __init__(self, arrays: list[np.ndarray]) -> None:
        self._arrays = arrays

    def decode(self, document: Any, kind: Any) -> Any:
        if kind in (str, int, bool, float, type(None)):
            return self._scalar(document, kind)
        if kind is np.ndarray:
            return self._arrays[self._scalar(self._tagged(document, "array"), int)]
        if dataclasses.is_dataclass(kind):
            return self._fields(document, kind)
        return self._collection(document, typing.get_origin(kind), typing.get_args(kind))

    def _collection(self, document: Any, origin: Any, arguments: tuple[Any, ...]) -> Any:
        if origin in (typing.Union, types.UnionType):
            return self._first_that_fits(document, arguments)
        if origin is tuple:
            return self._tuple(self._tagged(document, "tuple"), arguments)
        if origin is frozenset:
            names = self._tagged(document, "set")
            return frozenset(self.decode(name, arguments[0]) for name in names)
        pairs = self._tagged(document, "map")
        return {self._scalar(k, str): self.decode(part, arguments[1]) for k, part in pairs}

    def _tuple(self, parts: Any, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
        if kinds[1:] == (...,):
            kinds = (kinds[0],) * len(parts)
        return tuple(self.decode(part, kind) for part, kind in zip(parts, kinds, strict=True))

    def _first_that_fits(self, document: Any, kinds: tuple[Any, ...]) -> Any:
        for kind in kinds:
            try:
                return self.decode(document, kind)
            except (DamagedMessageError, ValueError, TypeError, LookupError):
                continue
        raise DamagedMessageError(f"a part of it is none of {', '.join(map(str, kinds))}")

    def _fields(self, document: Any, kind: Any) -> Any:
        fields, hints = self._tagged(document, "fields"), typing.get_type_hints(kind)
        if set(fields) != {field.name for field in dataclasses.fields(kind)}:
            raise DamagedMessageError(f"a {kind.__name__} has the fields {sorted(fields)}")
        return kind(**{name: self.decode(part, hints[name]) for name, part in fields.items()})

    @staticmethod
    def _scalar(document: Any, kind: Callable[..., Any]) -> Any:
        if type(document) is not kind:
            raise DamagedMessageError(f"expected {kind}, found {type(document).__name__}")
        return document

    @staticmethod
    def _tagged(document: Any, tag: str) -> Any:
        if not isinstance(document, dict) or set(document) != {tag}:
            raise DamagedMessageError(f"a part of it is not a {tag}")
        return document[tag]
