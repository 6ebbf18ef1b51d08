"""Allows one run at a time for a DST_ROOT.

The lock is an `flock` rather than the existence of a file: the system releases it when its holder
ends, so that no lock is ever stale. The file names the holder for the error message.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import socket
import time
from collections.abc import Iterator
from typing import IO

from converter import errors


@contextlib.contextmanager
def locked(path: pathlib.Path) -> Iterator[None]:
    """Holds the lock at `path`.

    Raises:
      DestinationError: if another run holds it, or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise errors.DestinationError(
            f"{path} cannot be written: {error.strerror or error}",
            remedy="Check the permissions and the free space.",
        ) from error
    with file:
        _take(path, file)
        yield


def _take(path: pathlib.Path, file: IO[str]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise errors.DestinationError(
            f"another migration is writing to {path.parent.parent}: {_describe_holder(file)}",
            remedy="Wait until it ends, or stop it.",
        ) from error
    except OSError as error:
        raise errors.DestinationError(
            f"{path} cannot be locked: {error.strerror or error}",
            remedy="Use a filesystem that supports flock.",
        ) from error
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": int(time.time())}
    with contextlib.suppress(OSError):  # On a full disk, the lock holds all the same.
        file.truncate(0)
        file.write(json.dumps(holder))
        file.flush()


def _describe_holder(file: IO[str]) -> str:
    file.seek(0)
    try:
        holder = json.loads(file.read())
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder["since"]))
        return f"process {holder['pid']} on {holder['host']}, since {since}"
    except (ArithmeticError, KeyError, OSError, RecursionError, TypeError, ValueError):
        return "an unknown process"
