"""Scratch folders named after their process, so that a later run removes those of a killed one.

A name consists of the machine, its boot, and the process. A folder is abandoned if its process
cannot be alive: the machine has booted since, or no process has that number. Folders of other
machines, which may share the filesystem, and of other containers are never touched.
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

from converter import errors
from converter.files.paths import Path, RemotePath

LocalOrRemote = TypeVar("LocalOrRemote", pathlib.Path, RemotePath)

# The folder in a scratch folder that holds an old version on its way out. It belongs beside the
# scratch folder, under the same name, unless a new version is there.
ASIDE = "aside"

_NAME = re.compile(r"\.tf1hub-(?P<machine>[0-9a-f]{12})-(?P<boot>[0-9a-f]{12})-(?P<process>\d+)-.*")
_BOOT = pathlib.Path("/proc/sys/kernel/random/boot_id")
_PROCESSES = pathlib.Path("/proc/self/ns/pid")


@contextlib.contextmanager
def scratch_folder(parent: pathlib.Path) -> Iterator[pathlib.Path]:
    """Makes a folder in `parent` for this process alone, and removes it when the block ends.

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
    """Makes a scratch folder in the directory for temporary files."""
    parent = pathlib.Path(tempfile.gettempdir())
    sweep(parent, clear)
    with scratch_folder(parent) as folder:
        yield folder


def make_temporary_folder() -> pathlib.Path:
    """Makes a scratch folder in the directory for temporary files; the caller has to `clear` it.

    Raises:
      OSError: if it cannot be made.
    """
    parent = pathlib.Path(tempfile.gettempdir())
    sweep(parent, clear)
    folder = parent / scratch_name()
    folder.mkdir(mode=0o700)
    return folder


@contextlib.contextmanager
def folder_beside(destination: Path | None) -> Iterator[pathlib.Path | None]:
    """Yields the folder that holds `destination`, made if it is missing.

    Folders that were made are removed when the block ends, if nothing is in them then. None stands
    for the folder of temporary files, and is yielded for a remote destination as well.

    Raises:
      DestinationError: if it cannot be made.
    """
    if not isinstance(destination, pathlib.Path):
        yield None
        return
    parent = destination.parent
    missing = [p for p in (parent, *parent.parents) if not p.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.unwritable(destination, error) from error
    try:
        yield parent
    finally:
        with contextlib.suppress(OSError):
            for folder in missing:
                folder.rmdir()


def scratch_name() -> str:
    """A new name for a scratch folder of this process."""
    machine, boot = _identify_machine()
    return f".tf1hub-{machine}-{boot}-{os.getpid()}-{secrets.token_hex(4)}"


def clear(folder: pathlib.Path) -> None:
    """Removes a scratch folder, and puts back an old version that nothing has replaced.

    Raises:
      OSError: if that cannot be put back; the folder is kept then.
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
    """Clears the abandoned scratch folders in `parent`."""
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
    import psutil  # Rarely needed.

    return not psutil.pid_exists(int(match["process"]))


def _is_own(folder: Path) -> bool:
    """Whether it is a folder of this user: those of others in a shared directory are theirs."""
    if isinstance(folder, RemotePath) or not hasattr(os, "getuid"):
        return True
    return folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()


@functools.cache
def _identify_machine() -> tuple[str, str]:
    """Identifies this machine, or the container in it that numbers processes, and its boot."""
    processes = _PROCESSES.stat().st_ino if _PROCESSES.exists() else 0
    # Without it, folders of an earlier boot are removed once their process numbers are free.
    boot = _BOOT.read_bytes() if _BOOT.exists() else b""
    return _short_digest(f"{socket.gethostname()}\0{processes}".encode()), _short_digest(boot)


def _short_digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]
