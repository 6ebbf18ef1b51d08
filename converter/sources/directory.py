"""A module's directory, local or remote."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from converter.files.paths import as_path
from converter.sources.hub_cache import find_handle
from converter.sources.hub_handle import describe_handle
from converter.sources.source import Source, Surroundings


class Directory:
    """A directory, read where it lies."""

    def recognizes(self, spec: str) -> bool:
        """Whether it is a directory."""
        return as_path(spec).is_dir()

    @contextlib.contextmanager
    def open(self, spec: str, surroundings: Surroundings) -> Iterator[Source]:
        """Yields the directory, with its handle if it lies in the cache of tensorflow_hub.

        Raises:
          FormatError: if it is a download of tensorflow_hub that was not finished.
        """
        del surroundings
        directory = as_path(spec)
        handle = find_handle(directory)
        origin = None if handle is None else describe_handle(handle)
        yield Source(directory, str(directory), origin=origin)
