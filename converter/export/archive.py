"""SavedModels as `.tar.gz`: the same files give the same bytes."""

from __future__ import annotations

import gzip
import pathlib
import tarfile

_MODE = 0o644


def pack(directory: pathlib.Path, archive: pathlib.Path) -> None:
    """Packs a SavedModel, rooted at its directory as `hub.load` wants it.

    Names come in order; owners, times and modes are left out.

    Raises:
      OSError: if a file cannot be read or written.
    """
    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as members,
    ):
        files = [path for path in directory.rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: path.relative_to(directory).as_posix()):
            member = tarfile.TarInfo(path.relative_to(directory).as_posix())
            member.size = path.stat().st_size
            member.mode = _MODE
            with path.open("rb") as content:
                members.addfile(member, content)
