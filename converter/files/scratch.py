"""Scratch folders that say whose they are, so that a later run sweeps what a killed one left.

The name of a folder has the machine, its boot, and the process that made it. Nobody needs a
folder whose process cannot be alive: it ran before this machine was booted last, or its number is
free. Folders of other machines, which may share the filesystem, and of other containers, are never
touched.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pathlib
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from typing import TypeVar

from converter.files.paths import Path, RemotePath

LocalOrRemote = TypeVar("LocalOrRemote", pathlib.Path, RemotePath)

# In a scratch folder: what lay beside it under the same name, and has to be there again unless
# something else has taken its place.
ASIDE = "aside"

_NAME = re.compile(r"\.tf1hub-(?P<machine>[0-9a-f]{12})-(?P<boot>[0-9a-f]{12})-(?P<process>\d+)-.*")
_BOOT = pathlib.Path("/proc/sys/kernel/random/boot_id")
_PROCESSES = pathlib.Path("/proc/self/ns/pid")


@contextlib.contextmanager
def scratch_folder(parent: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder in `parent` for this process alone, which goes when the block ends.

    Raises:
      OSError: if it cannot be made.
    """
    folder = parent / scratch_name()
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        clear(folder)


@contextlib.contextmanager
def temporary_folder() -> Iterator[pathlib.Path]:
    """A scratch folder where temporary files go."""
    parent = pathlib.Path(tempfile.gettempdir())
    sweep(parent, clear)
    with scratch_folder(parent) as folder:
        yield folder


def scratch_name() -> str:
    """A new name for a scratch folder of this process."""
    machine, boot = _identify_machine()
    return f".tf1hub-{machine}-{boot}-{os.getpid()}-{secrets.token_hex(4)}"


def clear(folder: pathlib.Path) -> None:
    """Removes a scratch folder, and puts back what is aside in it and has no successor.

    Raises:
      OSError: if that cannot be put back; it is kept then.
    """
    if (folder / ASIDE).is_dir():
        for old in (folder / ASIDE).iterdir():
            if not os.path.lexists(folder.parent / old.name):
                _put_back(old, folder.parent / old.name)
    shutil.rmtree(folder, ignore_errors=True)


def _put_back(old: pathlib.Path, place: pathlib.Path) -> None:
    try:
        old.rename(place)
    except OSError as error:
        text = f"{error.strerror or error}; what was there is in {old}"
        raise OSError(error.errno, text, str(place)) from error


def sweep(parent: LocalOrRemote, clear: Callable[[LocalOrRemote], None]) -> None:
    """Clears the scratch folders in `parent` that nobody needs any more."""
    with contextlib.suppress(OSError):
        for folder in list(parent.iterdir()):
            if is_abandoned(folder.name) and _is_own(folder):
                with contextlib.suppress(OSError):
                    clear(folder)


def is_abandoned(name: str) -> bool:
    """Whether `name` is that of a scratch folder whose process cannot be alive."""
    match = _NAME.fullmatch(name)
    if match is None or match["machine"] != _identify_machine()[0]:
        return False
    if match["boot"] != _identify_machine()[1]:
        return True
    import psutil  # Hardly ever needed.

    return not psutil.pid_exists(int(match["process"]))


def _is_own(folder: Path) -> bool:
    """Whether this user made it: what others leave in a directory for all is their business."""
    if isinstance(folder, RemotePath) or not hasattr(os, "getuid"):
        return True
    return folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()


@functools.cache
def _identify_machine() -> tuple[str, str]:
    """Identifies this machine, or the container in it that numbers processes, and its boot."""
    processes = _PROCESSES.stat().st_ino if _PROCESSES.exists() else 0
    # Elsewhere than on Linux, folders of an earlier boot go when their numbers are free.
    boot = _BOOT.read_bytes() if _BOOT.exists() else b""
    return _short_digest(f"{socket.gethostname()}\0{processes}".encode()), _short_digest(boot)


def _short_digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]
