"""The directory of a model, before anything in it is read; needs no TensorFlow for local ones."""

from __future__ import annotations

import errno

from converter import errors
from converter.files.paths import Path, reading

# Only a model's directory holds these, whatever its format.
MODEL_FILES = frozenset({"saved_model.pb", "saved_model.pbtxt", "tfhub_module.pb"})


def check_directory(directory: Path, expected: str) -> None:
    """Checks that there is a directory at a path.

    Args:
      directory: The path.
      expected: The kind of model that it should be, for the message.

    Raises:
      PathNotFoundError: if there is nothing.
      FormatError: if there is a file, or the path cannot be looked at.
    """
    with reading(directory):
        exists, is_directory = _look(directory)
    if not exists:
        raise errors.PathNotFoundError(f"{directory} does not exist", remedy="Check the path.")
    if not is_directory:
        raise errors.FormatError(
            f"{directory} is a file, expected the directory of a {expected}",
            remedy="Unpack it first, if it is an archive.",
        )


def _look(directory: Path) -> tuple[bool, bool]:
    """Whether there is something at a path, and whether it is a directory."""
    try:
        return directory.exists(), directory.is_dir()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False, False
        raise
