"""A cheap look at a module's files: has anything changed since the last time?

For `look_at`, equal signatures mean that names, sizes, modification times and inodes of all files
are the same, as in git's index; nothing is read. The digest over the contents, which is what
counts, is made only where the signatures differ.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from converter import errors
from converter.files.paths import Path, RemotePath

# Times of files are those of the kernel's last tick, of which there are 100 a second or more.
_TICK_NS = 20_000_000


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


class SourceGuard:
    """Notices that files of a module change between being read for one purpose and for another.

    The kernel notes the time of every change of a file, which no program can set: also that of one
    that keeps the size, and sets the modification time back. A new hard link alters it, too, and
    is none: who made it says what the time is since then, or the rest has to do.

    Args:
      directory: The module's directory, before anything of it is read.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._before = _read_states(directory)
        _wait_for_next_tick(self._before)

    def check(self, links: Mapping[int, int] = MappingProxyType({})) -> None:
        """Checks that all files are as they were.

        Args:
          links: The inodes of files to which links were made, and their times of change right
            after, in nanoseconds.

        Raises:
          FormatError: if one of them was changed, has gone, or is new.
        """
        now = _read_states(self._directory)
        if self._before.keys() == now.keys() and all(
            state.is_same(now[name], links) for name, state in self._before.items()
        ):
            return
        raise errors.FormatError(
            "its files were changed while it was converted",
            remedy="Run it again when nothing writes to it.",
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _State:
    """What a filesystem tells of a file's contents without reading them."""

    size: int
    modified_ns: int
    inode: int = 0
    links: int = 0
    changed_ns: int = 0

    def is_same(self, now: _State, links: Mapping[int, int]) -> bool:
        expected = self
        if self.links != now.links:
            changed_ns = links.get(now.inode, now.changed_ns)
            expected = dataclasses.replace(self, links=now.links, changed_ns=changed_ns)
        return now == expected


def _read_states(directory: Path) -> dict[str, _State]:
    if isinstance(directory, RemotePath):
        files = directory.walk_files() if directory.exists() else ()
        return {str(path): _State(*path.size_and_time()) for path in files}
    return {
        name: _State(s.st_size, s.st_mtime_ns, s.st_ino, s.st_nlink, s.st_ctime_ns)
        for name, s in _statuses(directory)
    }


def _wait_for_next_tick(states: dict[str, _State]) -> None:
    """Waits until a change would show: one in the tick of the last one has the same time."""
    newest = max((state.changed_ns for state in states.values()), default=0)
    if 0 <= time.time_ns() - newest < _TICK_NS:
        time.sleep(_TICK_NS / 1e9)
