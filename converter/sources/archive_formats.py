"""Tells archives by their first bytes, and what else a file is that was taken for one."""

from __future__ import annotations

import enum
import tarfile

from converter import errors

HEAD_BYTES = 512


class ArchiveFormat(enum.Enum):
    """A format that is read."""

    TAR_GZ = enum.auto()
    TAR = enum.auto()
    ZIP = enum.auto()


_GZIP, _ZIPS = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257

_AGAIN = "Download it again: `file NAME` shows what you have, `curl -L` follows redirects."
_REPACK = "Unpack it, and pass the directory."
# By their first bytes, in lower case.
_OTHERS: tuple[tuple[tuple[bytes, ...], str, str], ...] = (
    ((b"<!doctype html", b"<html", b"<head", b"<!-"), "an HTML page", _AGAIN),
    ((b"<?xml", b"<error"), "an XML document, as storage services send for an error", _AGAIN),
    ((b"{",), "a JSON document, as services send for an error", _AGAIN),
    (
        (b"version https://git-lfs",),
        "a pointer of Git LFS to a file that is not there",
        "Run `git lfs pull` in its repository.",
    ),
    ((b"bzh",), "compressed by bzip2", _REPACK),
    ((b"\xfd7zxz",), "compressed by xz", _REPACK),
    ((b"\x28\xb5\x2f\xfd",), "compressed by zstd", _REPACK),
    ((b"7z\xbc\xaf",), "a 7z archive", _REPACK),
    ((b"rar!",), "a RAR archive", _REPACK),
)


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
        what, remedy = _describe(head)
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
    start = _skip_space(head)
    return next(
        (what for beginnings, what, _ in _OTHERS if start.startswith(beginnings)), None
    ) or ("other data" if head else "nothing")


def _is_tar(head: bytes) -> bool:
    if head and not any(head):  # An archive without members.
        return True
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        # One that is damaged; the first format, of 1979, has no such mark.
        return head[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC)
    return True


def _describe(head: bytes) -> tuple[str, str]:
    if not head:
        return "an empty file", "Copy it again."
    start = _skip_space(head)
    for beginnings, what, remedy in _OTHERS:
        if start.startswith(beginnings):
            return what, remedy
    return (
        "neither a directory nor a .tar.gz, .tar or .zip archive",
        "Pass a module's directory, or an archive of one.",
    )


def _skip_space(head: bytes) -> bytes:
    """The beginning of a text, in lower case."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
