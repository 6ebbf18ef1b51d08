"""Data files of checkpoints: copied with their checksums verified, or written anew."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import errno
import io
import itertools
import os
import pathlib
import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO

import numpy as np

from converter import errors
from converter.files.direct_file import DirectFile, open_direct
from converter.files.paths import Path, RemotePath, open_raw, read_blocks
from converter.tensor_bundle.checkpoint import DAMAGED
from converter.tensor_bundle.checkpoint_index import Entry
from converter.tensor_bundle.tensor_bytes import Checksum, encode, make_checksum

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_BLOCK_BYTES = 1 << 19  # stays in the processor's cache
_KERNEL_BLOCK_BYTES = 1 << 26  # between two checks whether to go on
# Errors of `copy_file_range` for files that it cannot copy: across filesystems, or special ones.
_NOT_IN_KERNEL = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}
# Smaller files are written quickly anyway, and then are in memory for whoever loads them.
_DIRECT_FROM_BYTES = 1 << 28
_FICLONE = 0x40049409  # source: linux/fs.h
_MAX_WASTE = 0.1  # bytes that no variable owns are dropped if they are a larger share

Advance = Callable[[int], None]
Ranges = Sequence[tuple[int, int]]  # starts and ends
Names = Mapping[Entry, str]  # the variable that each entry's bytes belong to, for messages


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """A file right after a link to it was made, which the kernel records as a change of it."""

    inode: int
    changed_ns: int


@dataclasses.dataclass(frozen=True, slots=True)
class CopiedShard:
    """A copy of a data file.

    Attributes:
      entries: Its entries, by those of the original.
      link: Set if the copy is a hard link, to detect later changes.
    """

    entries: Mapping[Entry, Entry]
    link: Link | None


def copy_shard(
    source: Path,
    size: int,
    destination: Path,
    owners: Names,
    *,
    number: int,
    hardlink: bool,
    advance: Advance,
) -> CopiedShard:
    """Copies a data file, without the bytes that no variable owns if those are many.

    Args:
      source: The data file.
      size: Its size in bytes.
      destination: Where to write the copy.
      owners: The entries to keep, and the variables whose values they are.
      number: The number of the copy among its checkpoint's data files.
      hardlink: Whether to link the file, if both are on one filesystem; all of it is kept then.
      advance: Receives the number of bytes read since the last call.

    Raises:
      WeightsError: if a checksum is wrong, or entries overlap.
      OSError: if the copy cannot be written.
    """
    pieces = _pieces(owners)
    ranges = [(0, size)] if hardlink else _kept_ranges(pieces, size)
    checksums = _Checksums(pieces, owners)
    link = _link(source, destination) if hardlink else None
    if link is not None or (ranges == [(0, size)] and _clone(source, destination)):
        _read(destination, ranges, checksums.update, advance)
    elif not (
        _copy_past_cache(source, destination, ranges, checksums, advance)
        or _copy_in_kernel(source, destination, ranges, checksums, advance)
    ):
        with open_raw(destination, "wb") as out:
            _read(source, ranges, checksums.update, advance, out)
    checksums.finish()
    return CopiedShard(_move(owners, ranges, number), link)


def _pieces(owners: Names) -> list[Entry]:
    """Sorts the entries by their place in the file, and checks that none overlap."""
    pieces = sorted(owners, key=lambda entry: (entry.offset, entry.end))
    for one, other in itertools.pairwise(pieces):
        if other.offset < one.end and (one.offset, one.end) != (other.offset, other.end):
            raise errors.WeightsError(
                f"the checkpoint's values of variables {owners[one]!r} and {owners[other]!r}"
                " overlap",
                remedy=DAMAGED,
            )
    return pieces


def _kept_ranges(pieces: Sequence[Entry], size: int) -> list[tuple[int, int]]:
    """Returns the ranges to copy, each a start and an end: all of the file, or what is owned."""
    ranges: list[tuple[int, int]] = []
    for piece in pieces:
        if ranges and piece.offset <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], piece.end))
        else:
            ranges.append((piece.offset, piece.end))
    owned = sum(end - start for start, end in ranges)
    return ranges if size - owned > _MAX_WASTE * size else [(0, size)]


def _move(owners: Names, ranges: Ranges, number: int) -> dict[Entry, Entry]:
    """Returns the entries as they are in a copy of `ranges` alone."""
    moved = {}
    starts = itertools.accumulate((end - start for start, end in ranges), initial=0)
    places = list(zip(ranges, starts, strict=False))
    position = 0
    for entry in sorted(owners, key=lambda entry: entry.offset):
        while entry.end > places[position][0][1]:
            position += 1
        (start, _), new_start = places[position]
        offset = new_start + entry.offset - start
        moved[entry] = dataclasses.replace(entry, shard=number, offset=offset)
    return moved


class _Checksums:
    """Reads the bytes of a data file in order, and compares the checksum of each entry."""

    def __init__(self, pieces: Sequence[Entry], owners: Names) -> None:
        self._owners = owners
        self._waiting = list(reversed(pieces))
        self._open: list[tuple[Entry, Checksum]] = []

    def update(self, position: int, block: memoryview) -> None:
        """Takes the bytes that lie at `position`, which must be beyond all earlier ones."""
        end = position + len(block)
        while self._waiting and self._waiting[-1].offset < end:
            entry = self._waiting.pop()
            self._open.append((entry, make_checksum(entry)))
        still_open = []
        for entry, checksum in self._open:
            start = max(entry.offset - position, 0)
            checksum.update(block[start : max(entry.end - position, 0)])
            if entry.end <= end:
                self._compare(entry, checksum)
            else:
                still_open.append((entry, checksum))
        self._open = still_open

    def finish(self) -> None:
        """Compares the rest: entries without bytes, and those that end after the file."""
        for entry, checksum in self._open:
            self._compare(entry, checksum)
        for entry in self._waiting:
            self._compare(entry, make_checksum(entry))

    def _compare(self, entry: Entry, checksum: Checksum) -> None:
        if checksum.value() != entry.checksum:
            raise errors.WeightsError(
                f"the value of variable {self._owners[entry]!r} is damaged: the checksum of its"
                f" bytes is not that of the checkpoint's index",
                remedy=DAMAGED,
            )


def _read(
    path: Path,
    ranges: Ranges,
    update: Callable[[int, memoryview], None],
    advance: Advance,
    out: IO[bytes] | DirectFile | None = None,
) -> None:
    """Reads ranges of a file, and writes them to `out` if it is given."""
    with open_raw(path, "rb") as file:
        for start, end in ranges:
            file.seek(start)
            position = start
            for block in read_blocks(file, _BLOCK_BYTES, end - start):
                update(position, block)
                if out is not None:
                    write_all(out, block)
                position += len(block)
                advance(len(block))


def _copy_past_cache(
    source: Path, destination: Path, ranges: Ranges, checksums: _Checksums, advance: Advance
) -> bool:
    """Reads a large file once, for its checksums and its copy.

    Returns:
      False if it is small, or the system cannot do that; nothing has been read then.
    """
    if sum(end - start for start, end in ranges) < _DIRECT_FROM_BYTES:
        return False
    file = open_direct(destination)
    if file is None:
        return False
    with file as out:
        _read(source, ranges, checksums.update, advance, out)
    return True


def _copy_in_kernel(
    source: Path, destination: Path, ranges: Ranges, checksums: _Checksums, advance: Advance
) -> bool:
    """Lets the kernel copy while this thread reads the data for its checksums.

    Returns:
      False if the kernel cannot copy these files; nothing has been read then.
    """
    if isinstance(source, RemotePath) or isinstance(destination, RemotePath):
        return False
    if not hasattr(os, "copy_file_range"):  # Only Linux has it.
        return False
    first, *others = _split(ranges)
    with source.open("rb") as file, destination.open("wb") as out:
        if not _try_copy_range(file.fileno(), out.fileno(), *first):
            return False
        stop = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(1, "copy") as executor:
            copied = executor.submit(_copy_ranges, file.fileno(), out.fileno(), others, stop)
            try:
                _read(source, ranges, checksums.update, advance)
            except BaseException:
                stop.set()
                raise
            copied.result()
    return True


def _split(ranges: Ranges) -> Iterator[tuple[int, int]]:
    for start, end in ranges:
        for position in range(start, end, _KERNEL_BLOCK_BYTES):
            yield position, min(position + _KERNEL_BLOCK_BYTES, end)


def _copy_ranges(file: int, out: int, ranges: Ranges, stop: threading.Event) -> None:
    for start, end in ranges:
        if stop.is_set():
            return
        if not _try_copy_range(file, out, start, end):
            raise OSError(errno.EIO, "the source ended early, or can no longer be copied")


def _try_copy_range(file: int, out: int, start: int, end: int) -> bool:
    """Appends a range of one file to another; returns False if the kernel cannot copy them."""
    while start < end:
        try:
            size = os.copy_file_range(file, out, end - start, offset_src=start)
        except OSError as error:
            if error.errno in _NOT_IN_KERNEL:
                return False
            raise
        if not size:
            return False
        start += size
    return True


def write_all(file: IO[bytes] | DirectFile, block: memoryview) -> None:
    """Writes a whole block: an unbuffered file may take only a part of it at a time."""
    while len(block):
        takes_views = isinstance(file, (io.RawIOBase, DirectFile))
        written = file.write(block if takes_views else bytes(block))  # type: ignore[arg-type]
        block = block[len(block) if written is None else written :]


def _link(source: Path, destination: Path) -> Link | None:
    """Links a file, if both are on one local filesystem that has links."""
    if not isinstance(source, pathlib.Path) or not isinstance(destination, pathlib.Path):
        return None
    try:
        os.link(source.resolve(), destination)
    except OSError:
        return None
    status = destination.stat()
    return Link(status.st_ino, status.st_ctime_ns)


def _clone(source: Path, destination: Path) -> bool:
    """Makes a copy that shares its blocks with the original, where the filesystem can do that."""
    if fcntl is None or isinstance(source, RemotePath) or isinstance(destination, RemotePath):
        return False
    try:
        with source.open("rb") as file, destination.open("wb") as out:
            fcntl.ioctl(out.fileno(), _FICLONE, file.fileno())
    except OSError:
        # Removed, not truncated later: ext4 flushes a truncated file to the disk when it is closed.
        destination.unlink(missing_ok=True)
        return False
    return True


class ShardWriter:
    """Writes a data file, tensor by tensor. Use it in a `with` statement.

    Args:
      path: Where to write it.
      number: Its number among its checkpoint's data files.
    """

    def __init__(self, path: Path, number: int) -> None:
        self._file = open_raw(path, "wb")
        self._number = number
        self._size = 0

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, array: np.ndarray, dtype: int) -> Entry:
        """Writes a tensor; strings are arrays of objects, and `dtype` a `DataType` number."""
        entry = Entry(dtype, array.shape, self._number, self._size)
        checksum = make_checksum(entry)
        for block in encode(array):
            checksum.update(block)
            write_all(self._file, block)
            self._size += len(block)
        size = self._size - entry.offset
        return dataclasses.replace(entry, size=size, checksum=checksum.value())
