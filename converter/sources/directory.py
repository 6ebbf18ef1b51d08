"""A module's directory, local or remote."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from converter.files.paths import as_path
from converter.sources.source import Source, Surroundings


class Directory:
    """A directory, read where it lies."""

    def recognizes(self, spec: str) -> bool:
        """Whether it is a directory."""
        return as_path(spec).is_dir()

    @contextlib.contextmanager
    def open(self, spec: str, surroundings: Surroundings) -> Iterator[Source]:
        """Yields the directory."""
        del surroundings
        directory = as_path(spec)
        yield Source(directory, str(directory))
