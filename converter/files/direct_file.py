"""Writes large files past the page cache, where the system can do that.

A file that is about to be synced gains nothing from the page cache, and pays for it: every page has
to be found, cleared and filled. A virtual machine may have to get it from its host first; 4 GiB
took 4 to 6 s of processor time on the way through the cache, and 0.6 s past it.
"""

from __future__ import annotations

import concurrent.futures
import errno
import mmap
import os
import types

from converter.files.paths import Path, RemotePath

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Two of them take turns. Of 1, 8 and 32 MiB, the middle one was fastest.
_BUFFER_BYTES = 1 << 23
_ALIGNMENT = 4096  # A multiple of the block size of common disks.


class DirectFile:
    """A file that a thread writes past the page cache. Use it in a `with` statement.

    Only whole pages go past the cache: the end of the file, and all of it on a filesystem that
    refuses at the first write, goes the usual way.

    Args:
      descriptor: The open file; it is closed at the end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._executor = concurrent.futures.ThreadPoolExecutor(1, "write")
        # Mapped memory begins at a page, as direct writes demand.
        self._buffer, self._other = (memoryview(mmap.mmap(-1, _BUFFER_BYTES)) for _ in range(2))
        self._filled = 0
        self._pending: concurrent.futures.Future[None] | None = None

    def __enter__(self) -> DirectFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._flush()
                self._wait()
        finally:
            self._executor.shutdown()
            os.close(self._descriptor)

    def write(self, block: memoryview) -> int:
        """Takes the next bytes, all of them.

        Raises:
          OSError: if earlier ones could not be written.
        """
        size = len(block)
        while len(block):
            part = block[: _BUFFER_BYTES - self._filled]
            self._buffer[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            block = block[len(part) :]
            if self._filled == _BUFFER_BYTES:
                self._flush()
        return size

    def _flush(self) -> None:
        self._wait()
        full = self._buffer[: self._filled]
        self._pending = self._executor.submit(_write_all, self._descriptor, full)
        self._buffer, self._other, self._filled = self._other, self._buffer, 0

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()


def open_direct(path: Path) -> DirectFile | None:
    """Creates a file; returns None if it cannot be written past the page cache."""
    if fcntl is None or isinstance(path, RemotePath) or not hasattr(os, "O_DIRECT"):
        return None
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_DIRECT
    try:
        return DirectFile(os.open(path, flags, 0o666))
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
            return None
        raise


def _write_all(descriptor: int, block: memoryview) -> None:
    if len(block) % _ALIGNMENT:
        whole = len(block) // _ALIGNMENT * _ALIGNMENT
        _write_all(descriptor, block[:whole])
        _use_page_cache(descriptor)
        block = block[whole:]
    while len(block):
        try:
            block = block[os.write(descriptor, block) :]
        except OSError as error:
            # After a part of a page was written, or from a filesystem that has no direct writes.
            if error.errno != errno.EINVAL or not _use_page_cache(descriptor):
                raise


def _use_page_cache(descriptor: int) -> bool:
    """Lets further writes go through the page cache; returns whether they did not before."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags & ~os.O_DIRECT)
    return bool(flags & os.O_DIRECT)
