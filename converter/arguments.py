"""Arguments that are sequences, as all functions take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from converter import errors


def refuse(name: str, value: Any, expected: str, meaning: str) -> errors.UsageError:
    """Returns the error to raise where an argument has another type."""
    return errors.UsageError(
        f"option {name!r} is {value!r}, expected {expected}", remedy=f"It means: {meaning}."
    )


def as_texts(name: str, value: Any, meaning: str) -> tuple[str, ...]:
    """Returns an argument that is a sequence of strings; a string is one element.

    Args:
      name: The argument.
      value: Its value.
      meaning: What it means, for the error.

    Raises:
      UsageError: if it is something else.
    """
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Iterable) and not isinstance(value, Mapping | bytes):
        texts = tuple(value)
        if all(isinstance(text, str) for text in texts):
            return texts
    raise refuse(name, value, "a list of strings", meaning)


def as_sizes(name: str, value: Any, meaning: str) -> tuple[int | None, ...]:
    """Returns an argument that is a shape, in which None is an open size.

    Args:
      name: The argument.
      value: Its value.
      meaning: What it means, for the error.

    Raises:
      UsageError: if it is something else, such as a string.
    """
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        sizes = tuple(value)
        if all(size is None or (_is_whole(size) and size >= 0) for size in sizes):
            return sizes
    raise refuse(name, value, "a list of sizes, None for those to leave open", meaning)


def _is_whole(size: Any) -> bool:
    return hasattr(size, "__index__") and not isinstance(size, bool)
