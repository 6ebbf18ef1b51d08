"""Replaces a directory by a finished one, without ever losing the old one on the way."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import pathlib
import sys

from converter.files.scratch import ASIDE, scratch_folder

_TRIES = 3
# Errors of `rename` where something is at the destination already.
_OCCUPIED = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # sources: linux/fcntl.h, linux/fs.h
_RENAME_SWAP = 2  # source: macOS, sys/stdio.h


def put_in_place(new: pathlib.Path, destination: pathlib.Path, *, overwrite: bool) -> None:
    """Renames `new` to `destination` once all of it is on the disk.

    Afterwards, the old version is at `new`, or removed. Where the kernel can exchange two
    directories, a whole version is at `destination` at any time. Elsewhere, the old version is
    moved aside first, and moved back if anything goes wrong, or by the next run's sweep.

    Raises:
      OSError: if that fails; `destination` is unchanged.
    """
    sync_tree(new)
    if not overwrite:
        new.rename(destination)
    else:
        _replace(new, destination)
    sync_entry(destination.parent)


def _replace(new: pathlib.Path, destination: pathlib.Path) -> None:
    for last in (False,) * (_TRIES - 1) + (True,):
        try:
            new.rename(destination)
            return
        except OSError as error:
            if error.errno not in _OCCUPIED:
                raise
        if exchange(new, destination):
            return
        try:
            _replace_in_two_steps(new, destination)
            return
        except OSError as error:
            # Another process may have put something there, or taken it away, a moment ago.
            if last or error.errno not in {*_OCCUPIED, errno.ENOENT}:
                raise


def _replace_in_two_steps(new: pathlib.Path, destination: pathlib.Path) -> None:
    with scratch_folder(destination.parent) as scratch:
        (scratch / ASIDE).mkdir()
        destination.rename(scratch / ASIDE / destination.name)
        new.rename(destination)


def exchange(one: pathlib.Path, other: pathlib.Path) -> bool:
    """Exchanges two directories in one step; returns False if that cannot be done."""
    paths = os.fsencode(one), os.fsencode(other)
    try:
        libc = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return not libc.renamex_np(*paths, _RENAME_SWAP)
        return not libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE)
    except (AttributeError, OSError, TypeError):  # There is no such function or library.
        return False


def sync_tree(directory: pathlib.Path) -> None:
    """Waits until all files below `directory` are on the disk."""
    for folder, _, files in os.walk(directory):
        for name in files:
            sync_entry(pathlib.Path(folder, name))
        sync_entry(pathlib.Path(folder))


def sync_entry(path: pathlib.Path) -> None:
    """Waits until a file, or the list of a directory's entries, is on the disk."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # A directory that is writable, but not readable.
        return
    try:
        # Filesystems that cannot sync directories report EINVAL.
        with contextlib.suppress(OSError) if path.is_dir() else contextlib.nullcontext():
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
