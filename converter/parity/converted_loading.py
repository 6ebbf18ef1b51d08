"""Loads a converted module, and tells damaged files from all else that may go wrong."""

from __future__ import annotations

import re
from typing import Any

import tensorflow as tf

from converter import errors

# Of TensorFlow's loader for files that are cut off, changed or missing.
_DAMAGE = (tf.errors.DataLossError, tf.errors.OutOfRangeError, OSError)
# It says that of ops of packages, too, as if a file were missing.
_UNKNOWN_OP = "not registered"
_NODE_OR_OP = re.compile(r"^\{\{.*?\}\} | \[Op:\w+\]$")


class DamagedModelError(Exception):
    """TensorFlow cannot read the files of a converted module; the text says why."""


def load_converted(directory: str) -> Any:
    """Loads a converted module as users do.

    Raises:
      DamagedModelError: if its files are damaged.
    """
    try:
        return tf.saved_model.load(directory)
    except (tf.errors.OpError, OSError) as error:
        if not _is_damage(error):
            raise
        raise DamagedModelError(_NODE_OR_OP.sub("", errors.summarize(error))) from error


def _is_damage(error: Exception) -> bool:
    # Python's reader of checkpoints raises the base class for what it does not know by its text,
    # as for a wrong checksum of the object graph (source: py_checkpoint_reader.py).
    is_of_reader = type(error) is tf.errors.OpError
    return (isinstance(error, _DAMAGE) or is_of_reader) and _UNKNOWN_OP not in str(error)


def refuse_damaged(directory: object, error: DamagedModelError) -> errors.FormatError:
    """Returns the error to raise for a damaged module."""
    return errors.FormatError(
        f"{directory} is damaged: {error}", remedy="Convert the module again, or copy it again."
    )
