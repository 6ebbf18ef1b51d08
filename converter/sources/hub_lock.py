"""The lock of a module in tensorflow_hub's cache, as tensorflow_hub and others hold it.

Source: `atomic_download` and `_wait_for_lock_to_disappear` in resolver.py of tensorflow_hub 0.16.1.
The lock is a file that exists. It is taken from a process that died, or that has written nothing
for ten minutes. So two processes may hold it, at worst; then both download, and one result counts.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import time
from collections.abc import Callable, Iterator

from converter import errors

# As LOCK_FILE_TIMEOUT_SEC of compressed_module_resolver.py.
_ABANDONED_AFTER_SECS = 10 * 60
_POLL_SECS = 1.0
_MAX_LOCK_BYTES = 4096


class HubLock:
    """A lock that this process may hold.

    Args:
      folder: The folder of the module in the cache.
      uid: A new id, 32 hex digits.
    """

    def __init__(self, folder: pathlib.Path, uid: str) -> None:
        self._folder = folder
        self._path = folder.with_name(f"{folder.name}.lock")
        self._content = f"{socket.gethostname()}.{os.getpid()}.{uid}"
        self.temporary = self._temporary_of(uid)

    @contextlib.contextmanager
    def held(self, is_done: Callable[[], bool], progress: Callable[[str], None]) -> Iterator[bool]:
        """Holds the lock; waits for whoever holds it.

        Args:
          is_done: Returns whether nobody needs it any more.
          progress: Called with what is waited for.

        Yields:
          Whether the lock is held: it is not if `is_done` said so first.

        Raises:
          DestinationError: if it cannot be written.
        """
        wait = _Wait(self, progress)
        while not self._take():
            if is_done():
                yield False
                return
            wait.once()
        try:
            yield True
        finally:
            if self.read() == self._content:
                self.remove()

    def read(self) -> str | None:
        """Reads who holds the lock; None if nobody does."""
        try:
            with self._path.open("rb") as file:
                return file.read(_MAX_LOCK_BYTES).decode(errors="replace")
        except OSError:
            return None

    def remove(self) -> None:
        """Removes the lock, whoever holds it."""
        with contextlib.suppress(OSError):
            self._path.unlink()

    def written_bytes(self, holder: str) -> int:
        """The size of what the holder has written so far."""
        total, place = 0, self._files_of(holder)
        for folder, _, names in () if place is None else os.walk(place):
            for name in names:
                with contextlib.suppress(OSError):
                    total += os.lstat(os.path.join(folder, name)).st_size
        return total

    def remove_files(self, holder: str) -> None:
        """Removes what a process that died has written."""
        place = self._files_of(holder)
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)

    def _files_of(self, holder: str) -> pathlib.Path | None:
        uid = holder.split(".")[-1]
        return self._temporary_of(uid) if uid.isalnum() else None

    def _temporary_of(self, uid: str) -> pathlib.Path:
        return self._folder.with_name(f"{self._folder.name}.{uid}.tmp")

    def _take(self) -> bool:
        try:
            with self._path.open("x") as file:
                file.write(self._content)
        except FileExistsError:
            return False
        except OSError as error:
            raise errors.unwritable(
                self._path, error, "Set TFHUB_CACHE_DIR to a folder that you can write to."
            ) from error
        return True


class _Wait:
    """The wait for a lock that another process holds."""

    def __init__(self, lock: HubLock, progress: Callable[[str], None]) -> None:
        self._lock = lock
        self._progress = progress
        self._seen: tuple[str, int] | None = None
        self._since = 0.0

    def once(self) -> None:
        """Waits a moment, or removes the lock if its holder is gone."""
        holder = self._lock.read()
        if holder is None:
            return
        if _is_dead(holder):
            self._progress(f"the download of {holder} was not finished: it begins again")
            self._lock.remove_files(holder)
            self._lock.remove()
            return
        if self._seen is None:
            self._progress(f"waiting for {holder}, which downloads the same module")
        now, seen = time.monotonic(), (holder, self._lock.written_bytes(holder))
        if seen != self._seen:
            self._seen, self._since = seen, now
        elif now - self._since > _ABANDONED_AFTER_SECS:
            self._progress(f"the download of {holder} has stopped: it begins again")
            self._lock.remove()
            return
        time.sleep(_POLL_SECS)


def _is_dead(holder: str) -> bool:
    """Whether the process that a lock names was one of this machine, and is no more."""
    host, _, process = holder.rpartition(".")[0].rpartition(".")
    if host != socket.gethostname() or not (process.isascii() and process.isdigit()):
        return False
    import psutil  # Rarely needed.

    return len(process) > 9 or not psutil.pid_exists(int(process))
