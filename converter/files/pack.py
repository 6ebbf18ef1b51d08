"""SavedModels as `.tar.gz`: the same files give the same bytes."""

from __future__ import annotations

import gzip
import pathlib
import tarfile

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


def pack(directory: pathlib.Path, archive: pathlib.Path, *, folders: bool = False) -> None:
    """Packs a SavedModel, rooted at its directory as `hub.load` wants it.

    Names are sorted; owners, times and modes are left out. Links are packed as their targets: a
    hard link may share its bytes with the TF1 module.

    Args:
      directory: The SavedModel.
      archive: Where to write.
      folders: Whether to add a member for each folder, as `tar` does.

    Raises:
      OSError: if a file cannot be read or written.
    """
    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as members,
    ):
        for path in sorted(directory.rglob("*"), key=lambda p: p.relative_to(directory).as_posix()):
            member = tarfile.TarInfo(path.relative_to(directory).as_posix())
            if path.is_file():
                member.size, member.mode = path.stat().st_size, _FILE_MODE
                with path.open("rb") as content:
                    members.addfile(member, content)
            elif folders and path.is_dir():
                member.type, member.mode = tarfile.DIRTYPE, _FOLDER_MODE
                members.addfile(member)
