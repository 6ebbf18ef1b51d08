"""Unpacks `.tar` archives (source: POSIX.1-2001, pax; the GNU tar manual, "Basic Tar Format")."""

from __future__ import annotations

import tarfile

from converter import errors
from converter.sources.byte_stream import ByteStream
from converter.sources.unpacked_files import UnpackedFiles

_DAMAGED = "Copy or download the archive again."


def unpack_tar(stream: ByteStream, files: UnpackedFiles) -> None:
    """Writes all members of an archive, in one pass.

    Raises:
      UnsafeModuleError: if one is a link, a device or a sparse file, or unsafe otherwise.
      FormatError: if the archive is damaged or cut off.
      DestinationError: if a file cannot be written.
    """
    try:
        # Of the locale, the encoding would depend on the machine.
        with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8") as members:
            while (member := members.next()) is not None:
                _unpack_member(stream, member, files)
                # Each keeps a copy of all headers that are for the whole archive.
                members.members.clear()  # type: ignore[attr-defined]
    except (tarfile.TarError, RecursionError, ValueError, OverflowError) as error:
        raise errors.FormatError(
            f"the archive is damaged: {errors.first_line(error)}", remedy=_DAMAGED
        ) from error
    # `tarfile` takes a damaged header for the end, and a file that is cut off between two members
    # for a whole one.
    if stream.last_read != bytes(tarfile.BLOCKSIZE) or not stream.holds_only_zeros():
        raise errors.FormatError(
            "the archive is damaged: it has no end, or other data follow it", remedy=_DAMAGED
        )


def _unpack_member(stream: ByteStream, member: tarfile.TarInfo, files: UnpackedFiles) -> None:
    if member.isdir():
        files.add_folder(member.name)
        return
    # A few bytes may stand for a hole of any size.
    if member.issparse() or any(key.startswith("GNU.sparse") for key in member.pax_headers):
        raise errors.UnsafeModuleError(
            f"the archive's member {member.name!r} is stored as a sparse file",
            remedy="Pack the module without the option `-S` of tar.",
        )
    if not member.isreg():
        raise errors.UnsafeModuleError(
            f"the archive's member {member.name!r} is neither a file nor a directory",
            remedy="Pack the module with its links resolved (`tar -h`), if you trust it.",
        )
    stream.seek(member.offset_data)
    files.add_file(member.name, member.size, stream.pieces(member.size))
