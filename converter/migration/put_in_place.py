"""Puts a finished SavedModel where it belongs."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pathlib

from converter import errors
from converter.export.record import FILENAME, FOLDER

_TRIES = 3


def check_replaceable(destination: pathlib.Path) -> None:
    """Checks that nothing is at `destination` but what a migration may replace.

    Raises:
      DestinationError: if something is there that the converter did not write, or it would lie in
        a SavedModel.
    """
    for parent in destination.parents:
        if (parent / "saved_model.pb").exists():
            raise errors.DestinationError(
                f"{destination} would lie in the SavedModel {parent}",
                remedy="Move that away, if its module is no longer there.",
            )
    if not os.path.lexists(destination) or _is_ours(destination):
        return
    if destination.is_dir() and not destination.is_symlink() and not any(destination.iterdir()):
        return
    raise errors.DestinationError(
        f"{destination} exists, and the converter did not write it, so it is not replaced",
        remedy="Move it away, or choose another DST_ROOT.",
    )


def _is_ours(directory: pathlib.Path) -> bool:
    try:
        record = json.loads((directory / FOLDER / FILENAME).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and "record_version" in record


def put_in_place(output: pathlib.Path, destination: pathlib.Path) -> None:
    """Renames `output` to `destination`, when it is on the disk.

    What was there is moved beside `output` first; so the destination is the old version, absent
    for a moment, and complete.

    Raises:
      DestinationError: if that is not possible, or not allowed: see `check_replaceable`.
    """
    check_replaceable(destination)
    try:
        _sync(output)
        destination.parent.mkdir(parents=True, exist_ok=True)
        _swap(output, destination)
        _sync_entry(destination.parent)
    except OSError as error:
        remedy = "Check the permissions and the free space, and that DST_ROOT is one filesystem."
        raise errors.unwritable(destination, error, remedy) from error


def _swap(output: pathlib.Path, destination: pathlib.Path) -> None:
    for number in range(_TRIES):
        old = output.with_name(f"old{number}")
        is_replaced = _move_away(destination, old)
        try:
            output.rename(destination)
        except OSError as error:
            # A job that was thought lost may have been faster by a moment.
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST) and number + 1 < _TRIES:
                continue
            if is_replaced:
                with contextlib.suppress(OSError):
                    old.rename(destination)
            raise
        return


def _move_away(destination: pathlib.Path, old: pathlib.Path) -> bool:
    """Moves what is at `destination`, and says whether there was anything."""
    try:
        destination.rename(old)
    except FileNotFoundError:
        return False
    return True


def _sync(directory: pathlib.Path) -> None:
    for folder, _, files in os.walk(directory):
        for name in files:
            _sync_entry(pathlib.Path(folder, name))
        _sync_entry(pathlib.Path(folder))


def _sync_entry(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # A filesystem that cannot do that for directories says EINVAL.
        with contextlib.suppress(OSError) if path.is_dir() else contextlib.nullcontext():
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
