"""A cheap look at a module's files: has anything changed since the last time?

Equal signatures mean that names, sizes, modification times and inodes of all files are the same,
as in git's index; nothing is read. The digest over the contents, which is what counts, is made
only where the signatures differ.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What a look at a file, or at all files below a directory, found.

    Attributes:
      signature: Hex digits; that of a place where nothing is has a value of its own.
      size_bytes: The sum of the sizes.
    """

    signature: str
    size_bytes: int


def look_at(place: pathlib.Path) -> Look:
    """Looks at a file, or at all files below a directory."""
    state, size_bytes = hashlib.sha256(), 0
    for name, status in sorted(_statuses(place)):
        # The change time is left out: a hard link to the file would alter it.
        facts = (name, status.st_size, status.st_mtime_ns, status.st_ino)
        state.update(repr(facts).encode(errors="surrogateescape"))
        size_bytes += status.st_size
    return Look(state.hexdigest(), size_bytes)


def _statuses(place: pathlib.Path) -> Iterator[tuple[str, os.stat_result]]:
    if not place.is_dir():
        if os.path.lexists(place):
            yield "", _status(str(place))
        return
    for folder, _, files in os.walk(place):
        for file in files:
            path = os.path.join(folder, file)
            yield os.path.relpath(path, place), _status(path)


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError:  # A link that leads nowhere.
        return os.lstat(path)
