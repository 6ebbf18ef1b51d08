"""Why a module cannot be converted: all reasons, each with the parts of it that it hits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from converter import errors


class Refusals:
    """Collects the errors of a module's parts, so that one does not hide the others."""

    def __init__(self) -> None:
        self._errors: dict[str, errors.ConversionError] = {}
        self._hit: dict[str, list[str]] = {}

    @property
    def first(self) -> errors.ConversionError | None:
        """The first error, or None if there is none."""
        return next(iter(self._errors.values()), None)

    @property
    def all(self) -> list[tuple[errors.ConversionError, list[str]]]:
        """Each error, with the parts that have it, such as `default` or `table 'words'`."""
        return [(error, self._hit[text]) for text, error in self._errors.items()]

    def add(self, error: errors.ConversionError, *parts: str) -> None:
        """Notes that `parts` are refused for `error`."""
        self._errors.setdefault(str(error), error)
        hit = self._hit.setdefault(str(error), [])
        hit += [part for part in parts if part not in hit]

    @contextlib.contextmanager
    def collected(self, *parts: str) -> Iterator[None]:
        """Notes a `ConversionError` that is raised inside, and goes on."""
        try:
            yield
        except errors.ConversionError as error:
            self.add(error, *parts)
