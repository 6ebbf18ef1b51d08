"""Unpacks archives of modules, `.tar.gz`, and writes nothing outside of the directory."""

from __future__ import annotations

import pathlib
import shutil
import tarfile
import zlib

from converter import errors
from converter.files.module_files import check_name

SUFFIXES = (".tar.gz", ".tgz")


def is_archive(path: pathlib.Path) -> bool:
    """Whether the name is that of an archive."""
    return path.name.endswith(SUFFIXES)


def archive_stem(path: pathlib.Path) -> str:
    """The name of an archive without `.tar.gz`."""
    return path.name.removesuffix(".tgz").removesuffix(".tar.gz")


def unpack(archive: pathlib.Path, directory: pathlib.Path) -> pathlib.Path:
    """Unpacks an archive of a module below `directory`, which must not exist.

    Returns:
      The module's directory: `directory`, or the only folder in it.

    Raises:
      FormatError: if it is not an archive, is damaged, or has a name that no module's file has.
      UnsafeModuleError: if it holds a link, a device, or a path out of the directory.
    """
    directory.mkdir()
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                _unpack_member(members, member, directory)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise errors.FormatError(
            f"{archive.name} cannot be unpacked: {errors.first_line(error)}",
            remedy="Expected an archive made by `tar -czf`; copy it again.",
        ) from error
    entries = list(directory.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else directory


def _unpack_member(
    members: tarfile.TarFile, member: tarfile.TarInfo, directory: pathlib.Path
) -> None:
    name = pathlib.PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise errors.UnsafeModuleError(f"the archive's member {member.name!r} lies outside of it")
    check_name(name.as_posix())
    target = directory / name
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    content = members.extractfile(member) if member.isreg() else None
    if content is None:
        raise errors.UnsafeModuleError(
            f"the archive's member {member.name!r} is neither a file nor a directory",
            remedy="Pack the module with its links resolved (`tar -h`), if you trust it.",
        )
    if member.issparse():  # A few bytes may stand for a hole of any size.
        raise errors.UnsafeModuleError(
            f"the archive's member {member.name!r} is stored as a sparse file",
            remedy="Pack the module without the option `-S` of tar.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # Never a file that exists: a second member of its name must not replace it.
    with content, target.open("xb") as file:
        shutil.copyfileobj(content, file)
