"""Tells whether a SavedModel is still the one that a migration wrote."""

from __future__ import annotations

import pathlib

from converter import errors
from converter.export.record import FILENAME, FOLDER
from converter.files.source_files import digest_files
from converter.migration.completeness import is_complete
from converter.migration.output_digests import OutputDigests

# What TensorFlow reads when it loads a SavedModel. Files beside it, such as a model card, are the
# user's to add and to change.
_MODEL_FILES = ("saved_model.*", "variables/**/*", "assets/**/*")


def digest_output(directory: pathlib.Path) -> OutputDigests:
    """Computes the digests of a SavedModel.

    Raises:
      OSError: if a file cannot be read.
    """
    found = {path for pattern in _MODEL_FILES for path in directory.glob(pattern)}
    files = sorted(path for path in found if path.is_file())
    record = directory / FOLDER / FILENAME
    return OutputDigests(
        model=digest_files(directory, files),
        record=digest_files(directory, [record] if record.is_file() else []),
    )


def check_unchanged(destination: pathlib.Path, written: OutputDigests | None) -> None:
    """Checks that nobody has changed the SavedModel that a job would replace.

    One that is incomplete is of use to nobody, and may be replaced.

    Args:
      destination: The SavedModel, if there is one.
      written: The digests of what the last job wrote there; None if they are not known.

    Raises:
      DestinationError: if it was trained on, or damaged.
    """
    if written is None or not is_complete(destination):
        return
    if digest_output(destination).model != written.model:
        raise errors.DestinationError(
            f"{destination} was changed after it was converted, so it is not replaced",
            remedy="Move it away to keep it, or remove it, and run the same command again.",
        )


def check_same(destination: pathlib.Path, output: OutputDigests) -> OutputDigests:
    """Checks that a SavedModel of unknown history is what its module converts to.

    Args:
      destination: The SavedModel, whose record names the same module and options.
      output: The digests of what the module converts to.

    Returns:
      The digests of the SavedModel.

    Raises:
      DestinationError: if it is another model.
    """
    found = digest_output(destination)
    if found.model != output.model:
        raise errors.DestinationError(
            f"{destination} is not what its module converts to, and no journal has its digest, so"
            " it is not replaced",
            remedy="Move it away to keep it, or remove it, and run the same command again.",
        )
    return found
