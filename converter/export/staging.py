"""Directories that appear at their destination complete, or not at all."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import uuid
from collections.abc import Iterator

from converter import errors
from converter.formats.paths import Path, RemotePath
from converter.formats.source_files import list_files

_GRAPH = "saved_model.pb"  # Without it, a directory is no SavedModel.


@contextlib.contextmanager
def staged(destination: Path, *, overwrite: bool) -> Iterator[Path]:
    """A directory beside `destination` that takes its place when the block ends without error.

    Raises:
      DestinationError: if it cannot be written.
    """
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(destination, RemotePath):
            with _staged_remotely(destination) as remote:
                yield remote
            return
        with tempfile.TemporaryDirectory(
            prefix=f".{destination.name}.", dir=destination.parent
        ) as scratch:
            staging = pathlib.Path(scratch) / "new"
            staging.mkdir()
            yield staging
            if overwrite and destination.exists():
                destination.rename(pathlib.Path(scratch) / "old")
            staging.rename(destination)
    except OSError as error:
        raise errors.unwritable(destination, error) from error


@contextlib.contextmanager
def _staged_remotely(destination: RemotePath) -> Iterator[RemotePath]:
    """Moves files one by one, the graph last: nothing renames a directory of an object store."""
    staging = destination.with_name(f".{destination.name}.{uuid.uuid4().hex}")
    staging.mkdir()
    try:
        yield staging
        if destination.exists():
            (destination / _GRAPH).unlink()  # Half of it would not be a model any more.
            destination.remove_tree()
        files = [path.relative_to(staging).as_posix() for path in list_files(staging)]
        for name in sorted(files, key=lambda name: name == _GRAPH):
            (destination / name).parent.mkdir()
            (staging / name).rename(destination / name)
    finally:
        if staging.exists():
            staging.remove_tree()
