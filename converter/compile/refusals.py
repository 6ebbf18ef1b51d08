"""The reasons why a module cannot be converted, each with the parts that it affects."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import msgspec

from converter import errors


class RefusalInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal as JSON.

    Attributes:
      error: The message, in one line.
      type: The name of the exception.
      callables: The parts of the module that are affected: names of callables, and `table 'x'`,
        `signature 'x'`, `regularization loss 'x'` and `asset 'x'`.
    """

    error: str
    type: str
    callables: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """A reason why a module cannot be converted.

    Attributes:
      error: The reason.
      parts: The parts of the module that it affects, such as `default` or `table 'words'`.
    """

    error: errors.ConversionError
    parts: tuple[str, ...] = ()

    def to_info(self) -> RefusalInfo:
        """Returns the refusal as JSON shows it."""
        return RefusalInfo(
            error=str(self.error), type=type(self.error).__name__, callables=self.parts
        )


class Refusals:
    """Collects the errors of a module's parts, so that one does not hide the others."""

    def __init__(self) -> None:
        self._by_text: dict[str, Refusal] = {}

    @property
    def all(self) -> tuple[Refusal, ...]:
        """All reasons so far, each once, in the order in which they were found."""
        return tuple(self._by_text.values())

    def add(self, error: errors.ConversionError, *parts: str) -> None:
        """Refuses `parts` for `error`."""
        known = self._by_text.setdefault(str(error), Refusal(error))
        parts = tuple(dict.fromkeys((*known.parts, *parts)))
        self._by_text[str(error)] = dataclasses.replace(known, parts=parts)

    @contextlib.contextmanager
    def collected(self, *parts: str) -> Iterator[None]:
        """Adds a `ConversionError` that is raised inside, and goes on."""
        try:
            yield
        except errors.ConversionError as error:
            self.add(error, *parts)
