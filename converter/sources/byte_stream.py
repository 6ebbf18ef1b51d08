"""Streams of bytes that are read forward only, once, in pieces of bounded size."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from typing import IO

from converter import errors, limits
from converter.files.paths import read_blocks

# What is left of a block is copied after each gzip member, of which a hostile file has very many.
_PACKED_BLOCK_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS  # source: zlib.h, `inflateInit2`
_REMEDY = "Copy or download the archive again."


class ByteStream(io.RawIOBase):
    """A stream that can skip forward, as `tarfile` needs it.

    Args:
      blocks: The bytes, in order.
      check: Called with the number of bytes read so far; raises if they are too many.
    """

    def __init__(self, blocks: Iterator[memoryview], check: Callable[[int], None]) -> None:
        super().__init__()
        self._blocks = blocks
        self._check = check
        self._block = memoryview(b"")
        self._position = 0
        self._end = 0
        self.last_read = b""

    def tell(self) -> int:
        """The number of bytes read."""
        return self._position

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        """Skips bytes.

        Raises:
          FormatError: if the position is not ahead.
        """
        if whence != io.SEEK_SET or position < self._position:
            raise errors.FormatError("a member of the archive overlaps another", remedy=_REMEDY)
        for _ in self.pieces(position - self._position):
            pass
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Reads bytes; fewer at the end. `last_read` is what was returned last.

        Raises:
          FormatError: if they are more than a header may have: contents are read by `pieces`.
        """
        if not 0 <= size <= limits.MAX_MEMBER_HEADER_BYTES:
            raise errors.FormatError(
                f"a member of the archive has a header of more than"
                f" {limits.MAX_MEMBER_HEADER_BYTES:,} bytes",
                remedy="Do not use this archive unless you know who made it, and why.",
            )
        self.last_read = b"".join(self.pieces(size))
        return self.last_read

    def peek(self) -> memoryview:
        """The next bytes, which are not read by that; none at the end."""
        while not self._block:
            block = next(self._blocks, None)
            if block is None:
                break
            self._end += len(block)
            self._check(self._end)
            self._block = block
        return self._block

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Yields the next bytes, fewer at the end; a piece is valid until the next one is read."""
        while size > 0 and self.peek():
            piece, self._block = self._block[:size], self._block[size:]
            self._position += len(piece)
            size -= len(piece)
            yield piece

    def holds_only_zeros(self) -> bool:
        """Whether all that is left is zeros; reads it."""
        while self.peek():
            if any(self._block):
                return False
            self._block = self._block[:0]
        return True


def read_plain(file: IO[bytes], note: Callable[[memoryview], None]) -> Iterator[memoryview]:
    """Yields the bytes of a file.

    Args:
      file: The file.
      note: Called with each block of the file.
    """
    for block in read_blocks(file, _BLOCK_BYTES):
        note(block)
        yield block


def inflate(file: IO[bytes], note: Callable[[memoryview], None]) -> Iterator[memoryview]:
    """Yields the bytes that a gzip file stands for (source: RFC 1952).

    Checksums are compared. Zeros may follow, as tapes have them.

    Args:
      file: The file.
      note: Called with each block of the file.

    Raises:
      FormatError: if it is damaged, or cut off.
    """
    member = zlib.decompressobj(_GZIP)
    is_first, is_padding = True, False
    for block in read_blocks(file, _PACKED_BLOCK_BYTES):
        note(block)
        data = bytes(block)
        while data:
            if member.eof:
                is_padding |= data[:1] == b"\0"
                member = zlib.decompressobj(_GZIP)
            if is_padding:
                _check_padding(data)
                break
            is_first = False
            yield memoryview(_decompress(member, data))
            data = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof and not is_padding and not is_first:
        raise errors.FormatError("the archive is cut off", remedy=_REMEDY)


def _decompress(member: zlib._Decompress, data: bytes) -> bytes:
    try:
        return member.decompress(data, _BLOCK_BYTES)
    except zlib.error as error:
        raise errors.FormatError(f"the archive is damaged: {error}", remedy=_REMEDY) from error


def _check_padding(data: bytes) -> None:
    if any(data):
        raise errors.FormatError(
            "the archive is damaged: other data follow its end", remedy=_REMEDY
        )
