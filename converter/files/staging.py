"""Directories that appear at their destination complete, or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from converter import errors
from converter.files.paths import Path, RemotePath
from converter.files.remote_staging import clear_remotely, staged_remotely
from converter.files.replace import put_in_place
from converter.files.scratch import clear, scratch_folder, sweep


@contextlib.contextmanager
def staged(destination: Path, *, overwrite: bool) -> Iterator[Path]:
    """A directory beside `destination` that takes its place when the block ends without error.

    Raises:
      DestinationError: if it cannot be written.
    """
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(destination, RemotePath):
            with staged_remotely(destination) as remote:
                yield remote
            return
        with scratch_folder(destination.parent) as scratch:
            staging = scratch / "new"
            staging.mkdir()
            yield staging
            put_in_place(staging, destination, overwrite=overwrite)
    except OSError as error:
        raise errors.unwritable(destination, error) from error


def sweep_beside(destination: Path) -> None:
    """Removes what killed conversions left beside `destination`.

    Old versions that they had moved aside are put back.
    """
    if isinstance(destination, RemotePath):
        sweep(destination.parent, clear_remotely)
    else:
        sweep(destination.parent, clear)
