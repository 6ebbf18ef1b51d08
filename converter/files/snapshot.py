"""Snapshots of file metadata, to tell cheaply whether files have changed.

Two equal snapshots mean that the names, sizes, modification times and inodes of all files are the
same, as in git's index. No file is read: the digest of the contents, which is what counts, is
computed only where the snapshots differ.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from converter import errors
from converter.files.module_files import walk_files
from converter.files.paths import Path, RemotePath

# File times are those of the kernel's last clock tick; there are 100 ticks a second or more.
_TICK_NS = 20_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """The metadata of a file, or of all files below a directory.

    Attributes:
      stat_digest: SHA-256 in hex over names, sizes, modification times and inodes. A path that does
        not exist has a digest, too, which no file shares.
      size_bytes: The sum of the file sizes.
    """

    stat_digest: str
    size_bytes: int


def take_snapshot(place: pathlib.Path) -> Snapshot:
    """Takes a snapshot of a file, or of all files below a directory."""
    state, size_bytes = hashlib.sha256(), 0
    for name, status in sorted(_statuses(place)):
        # The change time is left out: a hard link to the file would alter it.
        facts = (name, status.st_size, status.st_mtime_ns, status.st_ino)
        state.update(repr(facts).encode(errors="surrogateescape"))
        size_bytes += status.st_size
    return Snapshot(state.hexdigest(), size_bytes)


def _statuses(place: pathlib.Path) -> Iterator[tuple[str, os.stat_result]]:
    if not os.path.isdir(place):  # Unlike the method of paths, takes names that are too long.
        if os.path.lexists(place):
            yield "", _status(str(place))
        return
    folders = [str(place)]
    while folders:  # `os.walk` is recursive up to Python 3.11.
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if not entry.is_dir():
                    yield os.path.relpath(entry.path, place), _status(entry.path)
                elif not entry.is_symlink():
                    folders.append(entry.path)


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError:  # A link that leads nowhere.
        return os.lstat(path)


class SourceGuard:
    """Detects changes to a module's files while they are in use.

    The kernel records the time of every change to a file (ctime), and no program can set it: a
    change that keeps the size and resets the modification time shows all the same. A new hard link
    updates it, too, without being a change: callers who make links pass the new times to `check`;
    for links that others make, only the other metadata are compared.

    Args:
      directory: The module's directory, before anything in it is read.

    Raises:
      FormatError: if a name is not one of a module's file, or there are too many.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._before = _read_states(directory)
        _wait_for_next_tick(self._before)

    def check(self, links: Mapping[int, int] = MappingProxyType({})) -> None:
        """Checks that no file has changed.

        Args:
          links: For each file that was linked to, its inode and its change time right after, in
            nanoseconds.

        Raises:
          FormatError: if a file was changed, removed or added.
        """
        now = _read_states(self._directory)
        if self._before.keys() == now.keys() and all(
            state.is_same(now[name], links) for name, state in self._before.items()
        ):
            return
        raise errors.FormatError(
            "the files of the module changed while it was converted",
            remedy="Convert it again when nothing writes to them.",
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _State:
    """A file's metadata that change with its contents."""

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
    if directory.is_dir():
        _check_names(directory)
    return {
        name: _State(s.st_size, s.st_mtime_ns, s.st_ino, s.st_nlink, s.st_ctime_ns)
        for name, s in _statuses(directory)
    }


def _check_names(directory: pathlib.Path) -> None:
    # A folder that cannot be read is refused by whoever reads the module.
    with contextlib.suppress(OSError):
        for _ in walk_files(directory):
            pass


def _wait_for_next_tick(states: dict[str, _State]) -> None:
    """Waits until a change would show: two changes within one clock tick have the same time."""
    newest = max((state.changed_ns for state in states.values()), default=0)
    if 0 <= time.time_ns() - newest < _TICK_NS:
        time.sleep(_TICK_NS / 1e9)
