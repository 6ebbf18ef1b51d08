"""Tells archives by their first bytes."""

from __future__ import annotations

import enum
import tarfile

from converter import errors
from converter.formats.other_formats import find_other_format

HEAD_BYTES = 512


class ArchiveFormat(enum.Enum):
    """A format that is read."""

    TAR_GZ = enum.auto()
    TAR = enum.auto()
    ZIP = enum.auto()


_GZIP, _ZIPS = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257


def find_format(head: bytes, name: str) -> ArchiveFormat:
    """Finds the format of an archive.

    Args:
      head: Its first `HEAD_BYTES` bytes.
      name: Its name, for messages.

    Raises:
      FormatError: if it is not an archive that is read; the error says what it is.
    """
    if head.startswith(_GZIP):
        return ArchiveFormat.TAR_GZ
    if head.startswith(_ZIPS):
        return ArchiveFormat.ZIP
    check_tar(head, name)
    return ArchiveFormat.TAR


def check_tar(head: bytes, name: str) -> None:
    """Checks that a file, unpacked if it was compressed, is a `.tar`.

    Raises:
      FormatError: if it is not; the error says what it is.
    """
    if not _is_tar(head):
        what, remedy = _describe(head, name)
        raise errors.FormatError(
            f"{name} is not an archive of a module: it is {what}", remedy=remedy
        )


def describe_other(head: bytes) -> str | None:
    """Says what a file is that cannot be an archive that is read; None if it may be one.

    Args:
      head: Its first bytes; `HEAD_BYTES` of them, if it has as many.
    """
    head = head[:HEAD_BYTES]
    if head.startswith((_GZIP, *_ZIPS)) or _is_tar(head):
        return None
    if not head:
        return "nothing"
    other = find_other_format("", head)
    return "other data" if other is None else other.what


def _is_tar(head: bytes) -> bool:
    if head and not any(head):  # An archive without members.
        return True
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        # One that is damaged; the first format, of 1979, has no such mark.
        return head[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC)
    return True


def _describe(head: bytes, name: str) -> tuple[str, str]:
    if not head:
        return "an empty file", "Copy or download it again."
    other = find_other_format(name, head)
    if other is not None:
        return other.what, other.remedy
    return (
        "neither a directory nor a .tar.gz, .tar or .zip archive",
        "Pass a module's directory, or an archive of one.",
    )
