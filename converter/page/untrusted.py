"""Reads JSON that anybody may have written.

Each function returns a value of the type that it names, or raises `DamagedError`.
"""

from __future__ import annotations

import json
import math
import os
import pathlib
import stat
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Json = dict[str, Any]
_Value = TypeVar("_Value")

# Far above what the converter writes. A file beyond it would only fill the memory.
_MAX_FILE_BYTES = 256 << 20
_MAX_CHARACTERS = 10_000
_MAX_COUNT = 1 << 63


class DamagedError(ValueError):
    """A file, or a value in it, is not what it should be; the text says how, in a clause."""


def read_object(path: pathlib.Path) -> Mapping[str, Any]:
    """Reads a file that holds one JSON object."""
    try:
        content = _read(path)
    except FileNotFoundError as error:
        raise DamagedError("it is missing") from error
    except DamagedError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path.
        raise DamagedError(
            f"it cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
    try:
        return fields(json.loads(content))
    except (ValueError, RecursionError) as error:
        reason = error if isinstance(error, DamagedError) else "expected JSON"
        raise DamagedError(f"it is damaged: {reason}") from error


def read_facts(path: pathlib.Path, describe: Callable[[Mapping[str, Any]], Json]) -> Json:
    """What `describe` makes of the JSON object in a file.

    Raises:
      DamagedError: if the file cannot be read, or `describe` finds a value of another type.
    """
    values = read_object(path)
    try:
        return describe(values)
    except DamagedError as error:
        raise DamagedError(f"it is damaged: {error}") from error


def _read(path: pathlib.Path) -> bytes:
    # A pipe in the place of the file would be waited for.
    with open(path, "rb", opener=_open_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise DamagedError("it is no file")
        if status.st_size > _MAX_FILE_BYTES:
            raise DamagedError(
                f"it has {status.st_size:,} bytes, expected {_MAX_FILE_BYTES:,} or fewer"
            )
        return file.read()


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def fields(value: Any) -> Mapping[str, Any]:
    """A JSON object; a name that it lacks is `DamagedError`, too."""
    if not isinstance(value, Mapping):
        raise DamagedError(f"expected an object, found {_kind(value)}")
    return _Fields(value)


class _Fields(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        raise DamagedError(f"{name!r} is missing")


def items(value: Any) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list | tuple):
        raise DamagedError(f"expected a list, found {_kind(value)}")
    return list(value)


def text(value: Any) -> str:
    """A string, cut where it is absurdly long. What is no Unicode in it is written as an escape."""
    if not isinstance(value, str):
        raise DamagedError(f"expected a text, found {_kind(value)}")
    return cut(value, _MAX_CHARACTERS).encode(errors="backslashreplace").decode()


def cut(value: str, characters: int) -> str:
    """A text, or its beginning and an ellipsis."""
    return value if len(value) <= characters else f"{value[:characters]}…"


def texts(value: Any) -> list[str]:
    """A list of strings."""
    return [text(item) for item in items(value)]


def flag(value: Any) -> bool:
    """A boolean."""
    if not isinstance(value, bool):
        raise DamagedError(f"expected true or false, found {_kind(value)}")
    return value


def count(value: Any) -> int:
    """A whole number from 0 up to the largest of 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_COUNT:
        raise DamagedError(f"expected a count, found {_kind(value)}")
    return value


def number(value: Any) -> float:
    """A number. One that JSON has not is a string: `inf`, `nan`."""
    if value not in ("inf", "-inf", "nan") and (
        isinstance(value, bool) or not isinstance(value, int | float)
    ):
        raise DamagedError(f"expected a number, found {_kind(value)}")
    try:
        return float(value)
    except OverflowError as error:
        raise DamagedError("expected a number, found one too large") from error


def finite(value: Any) -> float:
    """A number that is finite."""
    found = number(value)
    if not math.isfinite(found):
        raise DamagedError(f"expected a finite number, found {found}")
    return found


def optional(read: Callable[[Any], _Value], value: Any) -> _Value | None:
    """None, or what `read` returns."""
    return None if value is None else read(value)


def to_json(value: float) -> float | str:
    """A number as JSON: one that JSON has not as a string."""
    return value if math.isfinite(value) else str(value)


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
