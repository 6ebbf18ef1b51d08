"""Moves a finished SavedModel to its destination."""

from __future__ import annotations

import json
import os
import pathlib

from converter import errors
from converter.export.record import FILENAME, FOLDER
from converter.files import replace


def check_replaceable(destination: pathlib.Path) -> None:
    """Checks that a migration may write, or replace, `destination`.

    Raises:
      DestinationError: if something is there that the converter did not write, or if `destination`
        lies in a SavedModel.
    """
    for parent in destination.parents:
        if (parent / "saved_model.pb").exists():
            raise errors.DestinationError(
                f"{destination} would lie in the SavedModel {parent}",
                remedy="Move that SavedModel away, if its module is no longer there.",
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
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and "record_version" in record


def install(output: pathlib.Path, destination: pathlib.Path) -> None:
    """Flushes `output` to the disk and renames it to `destination`; see `files/replace.py`.

    Raises:
      DestinationError: if that fails, or is not allowed: see `check_replaceable`.
    """
    check_replaceable(destination)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        replace.put_in_place(output, destination, overwrite=True)
    except OSError as error:
        remedy = "Check the permissions and the free space, and that DST_ROOT is one filesystem."
        raise errors.unwritable(destination, error, remedy) from error
