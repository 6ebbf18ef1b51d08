"""Paths: local ones, and URIs of the filesystems that TensorFlow knows.

`gs://…` and the like have no working directory, no links and no renaming of directories, and
`tf.io.gfile` speaks to them. `RemotePath` offers of `pathlib.Path` what the converter uses.
"""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import posixpath
import re
import sys
import types
from collections.abc import Iterator
from typing import IO, Any, TypeAlias

from converter import errors

_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+://)(?P<rest>.*)", re.DOTALL)


class RemotePath:
    """A file or directory of a filesystem that TensorFlow knows by the scheme of its URIs.

    All methods do what those of `pathlib.Path` do, and raise `OSError` as they do.
    """

    def __init__(self, uri: str) -> None:
        match = _URI.fullmatch(uri)
        if match is None:
            raise ValueError(f"{uri!r} has no scheme")
        self._scheme = match["scheme"]
        self._rest = posixpath.normpath(match["rest"]) if match["rest"] else ""

    def __str__(self) -> str:
        return self._scheme + self._rest

    def __fspath__(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"RemotePath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePath) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(self._scheme + posixpath.join(self._rest, name))

    @property
    def name(self) -> str:
        """The last part."""
        return posixpath.basename(self._rest)

    @property
    def parent(self) -> RemotePath:
        """The directory that holds it."""
        return RemotePath(self._scheme + posixpath.dirname(self._rest))

    def with_name(self, name: str) -> RemotePath:
        """The path of that name beside it."""
        return self.parent / name

    def with_suffix(self, suffix: str) -> RemotePath:
        """The path beside it with another ending."""
        return self.with_name(pathlib.PurePosixPath(self.name).with_suffix(suffix).name)

    def resolve(self) -> RemotePath:
        """Itself: `..` is gone already, and there are no links."""
        return self

    def relative_to(self, other: Path) -> pathlib.PurePosixPath:
        """The path from `other` to it."""
        if not self.is_relative_to(other):
            raise ValueError(f"{self} is not below {other}")
        return pathlib.PurePosixPath(str(self).removeprefix(str(other)).lstrip("/"))

    def is_relative_to(self, other: Path) -> bool:
        """Whether it is `other`, or below it."""
        return str(self) == str(other) or str(self).startswith(str(other).rstrip("/") + "/")

    def exists(self) -> bool:
        """Whether it is a file or a directory."""
        with _os_errors(self) as gfile:
            return bool(gfile.exists(str(self)))

    def is_dir(self) -> bool:
        """Whether it is a directory."""
        with _os_errors(self) as gfile:
            return bool(gfile.isdir(str(self)))

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.exists() and not self.is_dir()

    def is_symlink(self) -> bool:
        """False: these filesystems have no links."""
        return False

    def iterdir(self) -> Iterator[RemotePath]:
        """The entries of the directory, sorted."""
        with _os_errors(self) as gfile:
            names = [name.rstrip("/") for name in gfile.listdir(str(self))]
        # For `a`, the ram:// of TensorFlow 2.15 and 2.21 lists `.b` where there is an `a.b`.
        yield from (p for p in (self / name for name in sorted(names) if name) if p.exists())

    def walk_files(self) -> Iterator[RemotePath]:
        """All files below it."""
        waiting = [self]
        while waiting:
            for path in waiting.pop().iterdir():
                if path.is_dir():
                    waiting.append(path)
                else:
                    yield path

    def open(self, mode: str) -> IO[bytes]:
        """Opens the file; `mode` is `rb` or `wb`."""
        with _os_errors(self) as gfile:
            if mode == "wb" and gfile.exists(str(self)):
                gfile.remove(str(self))  # The ram:// of TensorFlow 2.15 and 2.21 would append.
            file: IO[bytes] = gfile.GFile(str(self), mode)
        return file

    def read_bytes(self) -> bytes:
        """The file's contents."""
        with _os_errors(self), self.open("rb") as file:
            return file.read()

    def write_bytes(self, data: bytes) -> None:
        """Writes the file."""
        with _os_errors(self), self.open("wb") as file:
            file.write(data)

    def mkdir(self, *, parents: bool = True, exist_ok: bool = True) -> None:
        """Makes the directory, and those above it."""
        del parents, exist_ok
        with _os_errors(self) as gfile:
            gfile.makedirs(str(self))

    def rmdir(self) -> None:
        """Removes the directory if it is empty."""
        if any(self.iterdir()):
            raise OSError(f"{self} is not empty")
        self.remove_tree()

    def unlink(self) -> None:
        """Removes the file."""
        with _os_errors(self) as gfile:
            gfile.remove(str(self))

    def remove_tree(self) -> None:
        """Removes the directory, with all that is in it."""
        for path in reversed(list(self.iterdir())):
            if path.is_dir():
                path.remove_tree()
            else:
                path.unlink()
        with _os_errors(self) as gfile:
            if gfile.exists(str(self)):  # Object stores have no empty directories.
                gfile.rmtree(str(self))

    def rename(self, target: RemotePath) -> None:
        """Moves a file."""
        with _os_errors(self) as gfile:
            gfile.rename(str(self), str(target), overwrite=True)

    def download(self, target: pathlib.Path) -> None:
        """Copies the file or directory to a local place."""
        for path in self.walk_files() if self.is_dir() else [self]:
            copy = target / path.relative_to(self)
            copy.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as file, copy.open("wb") as out:
                for block in read_blocks(file, 1 << 20):
                    out.write(block)

    def size_bytes(self) -> int:
        """The file's size."""
        return self.size_and_time()[0]

    def size_and_time(self) -> tuple[int, int]:
        """The file's size in bytes, and when it was modified, in nanoseconds."""
        with _os_errors(self) as gfile:
            status = gfile.stat(str(self))
            return int(status.length), int(status.mtime_nsec)


Path: TypeAlias = pathlib.Path | RemotePath
StrPath: TypeAlias = str | os.PathLike[str]


def as_path(place: str | os.PathLike[str] | RemotePath) -> Path:
    """Returns a local path, or a remote one for a URI whose scheme is not `file`.

    A leading `~/` stands for the home directory, as in a shell, which does not expand all.
    """
    text = os.fspath(place)
    match = _URI.fullmatch(text)
    if match is None:
        is_at_home = text == "~" or text.startswith("~/")
        return pathlib.Path(os.path.expanduser(text) if is_at_home else text)
    if match["scheme"].lower() == "file://":
        return pathlib.Path(match["rest"])
    return RemotePath(text)


def as_tensorflow_path(place: StrPath) -> Path:
    """Returns a path as `as_path` does, if TensorFlow can open the files below it.

    Raises:
      UsageError: if the path, or the working directory that it begins at, is not UTF-8.
    """
    path = as_path(place)
    whole = path if isinstance(path, RemotePath) else path.absolute()
    try:
        str(whole).encode()
    except UnicodeEncodeError:  # Python keeps the bytes as lone surrogates.
        raise errors.UsageError(
            f"the path {str(whole)!r} is not UTF-8, and TensorFlow opens no other",
            remedy="Rename the directory, or copy it to another place.",
        ) from None
    return path


def size_bytes(path: Path) -> int:
    """The size of a file.

    Raises:
      OSError: if there is no such file.
    """
    return path.size_bytes() if isinstance(path, RemotePath) else path.stat().st_size


@contextlib.contextmanager
def _os_errors(path: RemotePath) -> Iterator[Any]:
    """Yields `tf.io.gfile`, and turns the errors of its filesystems into `OSError`."""
    import tensorflow as tf  # Local paths do not need it.

    gfile: types.ModuleType = tf.io.gfile
    try:
        yield gfile
    except tf.errors.OpError as error:
        raise OSError(None, f"{error.message}", str(path)) from error


def open_raw(path: Path, mode: str) -> IO[bytes]:
    """Opens a file; a local one without a buffer."""
    return path.open(mode) if isinstance(path, RemotePath) else path.open(mode, buffering=0)


@contextlib.contextmanager
def reading(path: Path, remedy: str = "") -> Iterator[None]:
    """Says of an error of the system in the block that a path cannot be read.

    Raises:
      FormatError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise errors.FormatError(
            f"{path} cannot be read: {error.strerror or error}", remedy=remedy
        ) from error


def read_blocks(
    file: IO[bytes], block_bytes: int, total: int | None = None
) -> Iterator[memoryview]:
    """Yields the rest of a file, at most `total` bytes, block by block.

    A block is valid until the next one is read: blocks of an unbuffered local file share their
    memory.
    """
    left = sys.maxsize if total is None else total
    buffer = memoryview(bytearray(min(block_bytes, left)))
    while left > 0:
        size = min(len(buffer), left)
        if isinstance(file, io.RawIOBase):
            block = buffer[: file.readinto(buffer[:size]) or 0]
        else:
            block = memoryview(file.read(size))
        if not block:
            return
        yield block
        left -= len(block)
