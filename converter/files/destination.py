"""Whether a model can be written to a place, found before any work.

For local places, this needs no TensorFlow.
"""

from __future__ import annotations

import os
import pathlib

from converter import errors
from converter.files.paths import Path, RemotePath
from converter.files.scratch import scratch_folder


def check_destination(source: Path, destination: Path, *, overwrite: bool) -> None:
    """Checks that a model may be written to `destination`, and that this is likely to work.

    Args:
      source: The directory of the original.
      destination: Where the model goes.
      overwrite: Whether to replace one that is there.

    Raises:
      UnsuitableDestinationError: if it exists and may not be replaced, or holds or lies in the
        source.
      DestinationError: if the file system lets nothing be written there.
    """
    try:
        _check_place(source, destination, overwrite=overwrite)
        if not isinstance(destination, RemotePath):
            _try_to_write(_nearest_parent(destination))
    except OSError as error:
        raise errors.unsuitable(destination, error) from error


def check_file_place(path: pathlib.Path) -> None:
    """Checks that a file can be written, in a directory that exists.

    Raises:
      DestinationError: if it cannot.
    """
    try:
        if path.exists():
            path.open("ab").close()
        else:
            _try_to_write(path.parent)
    except OSError as error:
        raise errors.unsuitable(path, error) from error


def _check_place(source: Path, destination: Path, *, overwrite: bool) -> None:
    here, there = source.resolve(), destination.resolve()
    if here == there or here.is_relative_to(there) or there.is_relative_to(here):
        raise errors.UnsuitableDestinationError(
            f"the destination {destination} and the source {source} lie one inside the other",
            remedy="Choose a destination outside of the source.",
        )
    if not destination.exists():
        if not isinstance(destination, RemotePath) and destination.is_symlink():
            raise errors.UnsuitableDestinationError(
                f"{destination} is a link that leads nowhere",
                remedy="Remove it, or choose another destination.",
            )
        return
    if not overwrite:
        raise errors.UnsuitableDestinationError(
            f"{destination} exists already", remedy="Pass --overwrite to replace it."
        )
    if not _is_replaceable(destination):
        raise errors.UnsuitableDestinationError(
            f"{destination} is neither a SavedModel nor an empty directory, so it is not replaced",
            remedy="Remove it yourself, or choose another destination.",
        )


def _is_replaceable(path: Path) -> bool:
    if not path.is_dir():
        return False
    return (path / "saved_model.pb").is_file() or not any(path.iterdir())


def _nearest_parent(destination: pathlib.Path) -> pathlib.Path:
    """Returns the directory that exists and in which the missing ones would be made."""
    parents = destination.absolute().parents
    return next(parent for parent in parents if os.path.lexists(parent))


def _try_to_write(directory: pathlib.Path) -> None:
    """Makes a folder in a directory for a moment.

    Permission bits alone do not tell: there are access lists, full disks, file systems that are
    read-only, and users who may do anything.

    Raises:
      OSError: if that fails.
    """
    with scratch_folder(directory):
        pass
