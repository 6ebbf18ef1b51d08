"""Unpacks `.zip` archives (source: APPNOTE.TXT 6.3.10 by PKWARE)."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from converter import errors, limits
from converter.files.paths import read_blocks
from converter.sources.unpacked_files import UnpackedFiles

_BLOCK_BYTES = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_UNTRUSTED = "Do not use this archive unless you know who made it, and why."


def unpack_zip(file: IO[bytes], size_bytes: int, files: UnpackedFiles) -> None:
    """Writes all members of an archive.

    Args:
      file: The archive, which can seek.
      size_bytes: Its size.
      files: Writes the members.

    Raises:
      UnsafeModuleError: if one is a link or a device, shares bytes with another, or is unsafe
        otherwise.
      FormatError: if the archive is damaged, encrypted, or compressed in another way.
      DestinationError: if a file cannot be written.
    """
    try:
        with zipfile.ZipFile(_BoundedReads(file)) as archive:
            members = archive.infolist()
            _check_overlap(members, size_bytes)
            for member in members:
                _unpack_member(archive, member, files)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, zlib.error) as error:
        raise errors.FormatError(
            f"the archive is damaged: {errors.first_line(error)}",
            remedy="Copy or download the archive again.",
        ) from error


class _BoundedReads:
    """A file of which no more than a directory of members is read at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        most = limits.MAX_ZIP_DIRECTORY_BYTES
        data = self._file.read(most + 1 if size < 0 else min(size, most + 1))
        if len(data) > most:
            raise errors.FormatError(
                f"the archive's list of members has more than {most:,} bytes", remedy=_UNTRUSTED
            )
        return data

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        self._file.seek(position, whence)
        return self._file.tell()

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def _check_overlap(members: list[zipfile.ZipInfo], size_bytes: int) -> None:
    """Members that share bytes make a small archive large (source: D. Fifield, WOOT 2019)."""
    if sum(member.compress_size for member in members) > size_bytes:
        raise errors.UnsafeModuleError(
            "members of the archive share bytes with each other", remedy=_UNTRUSTED
        )


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, files: UnpackedFiles) -> None:
    # Names end at a NUL in `zipfile`, and elsewhere they do not.
    if member.orig_filename != member.filename and "\0" in member.orig_filename:
        raise errors.FormatError(
            f"the name {member.orig_filename!r} of a file has a NUL character", remedy=_UNTRUSTED
        )
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise errors.UnsafeModuleError(
            f"the archive's member {member.orig_filename!r} is a link or a device",
            remedy="Pack the module without the option `-y` of zip, if you trust it.",
        )
    if member.orig_filename.endswith("/"):
        files.add_folder(member.orig_filename)
        return
    if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
        raise errors.FormatError(
            f"the archive's member {member.orig_filename!r} is encrypted, or compressed by another"
            " method than deflate",
            remedy="Unpack it yourself, and pass the directory.",
        )
    with archive.open(member) as content:
        files.add_file(member.orig_filename, member.file_size, _blocks(content))


def _blocks(content: IO[bytes]) -> Iterator[memoryview]:
    yield from read_blocks(content, _BLOCK_BYTES)
