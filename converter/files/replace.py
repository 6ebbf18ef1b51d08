"""Puts a finished directory in the place of another one, of which nothing is lost on the way."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import pathlib
import sys

from converter.files.scratch import ASIDE, scratch_folder

_TRIES = 3
# What `rename` says of a directory where something is already.
_OCCUPIED = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # sources: linux/fcntl.h, linux/fs.h
_RENAME_SWAP = 2  # source: macOS, sys/stdio.h


def put_in_place(new: pathlib.Path, destination: pathlib.Path, *, overwrite: bool) -> None:
    """Renames `new` to `destination`, when it is on the disk.

    What was at `destination` is at `new` then, or removed. Where the kernel can exchange the two,
    `destination` is the old version, then the new one. Where it cannot, the old one is moved aside
    first, and put back by whatever goes wrong, or by the next run's sweep.

    Raises:
      OSError: if that is not possible; `destination` is as it was.
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
    """Exchanges two directories in one step; False if that is not possible, for whatever reason."""
    paths = os.fsencode(one), os.fsencode(other)
    try:
        libc = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return not libc.renamex_np(*paths, _RENAME_SWAP)
        return not libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE)
    except (AttributeError, OSError, TypeError):  # No such function, or no such library.
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
    except PermissionError:  # A directory that may be written, but not be listed.
        return
    try:
        # A filesystem that cannot do that for directories says EINVAL.
        with contextlib.suppress(OSError) if path.is_dir() else contextlib.nullcontext():
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
