"""Reads JSON files that anybody may have written."""

from __future__ import annotations

import os
import pathlib
import stat
from typing import Any, TypeVar

import msgspec

from converter import limits
from converter.files.json_values import decode, explain

_Value = TypeVar("_Value")

_MAX_CHARACTERS = 10_000


class DamagedError(ValueError):
    """A file cannot be used; the message says why, in a clause."""


def read_json(path: pathlib.Path, kind: type[_Value]) -> _Value:
    """Reads a JSON file, and checks that it holds a `kind`; its texts are made `harmless`.

    Raises:
      DamagedError: if it cannot be read, or holds something else.
    """
    try:
        content = _read(path)
    except FileNotFoundError as error:
        raise DamagedError("it is missing") from error
    except DamagedError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path.
        reason = getattr(error, "strerror", None) or error
        raise DamagedError(f"it cannot be read: {reason}") from error
    try:
        return msgspec.convert(harmless(decode(content, dict[str, Any])), kind)
    except ValueError as error:
        raise DamagedError(f"it is damaged: {explain(error)}") from error


def _read(path: pathlib.Path) -> bytes:
    # Without O_NONBLOCK, opening a pipe would wait for a writer.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise DamagedError("it is not a regular file")
        if status.st_size > limits.MAX_JSON_BYTES:
            raise DamagedError(
                f"it has {status.st_size:,} bytes, expected {limits.MAX_JSON_BYTES:,} or fewer"
            )
        return file.read()


def harmless(value: Any) -> Any:
    """JSON values whose texts are Unicode, and cut where they are absurdly long."""
    if isinstance(value, str):
        if value.isascii() and len(value) <= _MAX_CHARACTERS:
            return value  # Nearly all are like that.
        return cut(value, _MAX_CHARACTERS).encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {harmless(name): harmless(part) for name, part in value.items()}
    if isinstance(value, list):
        return [harmless(part) for part in value]
    return value


def cut(text: str, characters: int) -> str:
    """Cuts a text to so many characters, and appends an ellipsis if it was longer."""
    return text if len(text) <= characters else f"{text[:characters]}…"
