"""Reads files whose sizes are looked at first."""

from __future__ import annotations

from converter import errors
from converter.files.paths import Path, size_bytes


def read_bounded(path: Path, max_bytes: int, what: str) -> bytes:
    """Reads a file.

    Args:
      path: The file.
      max_bytes: The size beyond which it is refused; see `limits`.
      what: The file, in messages.

    Raises:
      FormatError: if it is larger; nothing is read then.
      OSError: if it cannot be read.
    """
    size = size_bytes(path)
    if size > max_bytes:
        raise errors.FormatError(
            f"{what} has {size:,} bytes, expected {max_bytes:,} or fewer",
            remedy="Such files are far smaller: find out where this one comes from.",
        )
    return path.read_bytes()
