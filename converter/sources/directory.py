"""A module's directory, local or remote."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from converter.files.paths import Path
from converter.sources.source import Source, Surroundings


class Directory:
    """A directory, read where it lies."""

    def recognizes(self, spec: Path) -> bool:
        """Whether it is a directory."""
        return spec.is_dir()

    @contextlib.contextmanager
    def open(self, spec: Path, surroundings: Surroundings) -> Iterator[Source]:
        """Yields the directory."""
        del surroundings
        yield Source(spec, str(spec))
