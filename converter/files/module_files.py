"""The files of a module: all that lie below a directory, and which names they may have.

Python's own ways to walk a directory are recursive up to Python 3.11, and a stranger's module may
be deeper than the stack.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

from converter import errors, limits
from converter.files.paths import Path, RemotePath

_REMEDY = "Do not use this module unless you know who made it, and why."


def walk_files(directory: Path) -> Iterator[Path]:
    """Yields all that lies below `directory` and is not a folder; links to folders, too.

    Raises:
      FormatError: if a name is not one of a module's file, or there are too many.
      OSError: if a folder cannot be read.
    """
    folders, count = [directory], 0
    while folders:
        for path, is_folder in _entries(folders.pop()):
            count += 1
            if count > limits.MAX_FILES:
                raise errors.FormatError(
                    f"the module has more than {limits.MAX_FILES:,} files", remedy=_REMEDY
                )
            check_name(path.relative_to(directory).as_posix())
            if is_folder:
                folders.append(path)
            else:
                yield path


def _entries(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yields what is in a folder, and whether it is a folder itself; links are not."""
    if isinstance(folder, RemotePath):
        yield from ((path, path.is_dir()) for path in folder.iterdir())
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            yield pathlib.Path(entry.path), entry.is_dir(follow_symlinks=False)


def check_name(name: str) -> None:
    """Checks the name of a module's file, relative to the module's directory.

    Raises:
      FormatError: if a filesystem, or TensorFlow, could not take it.
    """
    fault = _find_fault(name)
    if fault is not None:
        shown = name if len(name) <= _SHOWN_CHARACTERS else name[:_SHOWN_CHARACTERS] + "…"
        raise errors.FormatError(f"the name {shown!r} of a file {fault}", remedy=_REMEDY)


_SHOWN_CHARACTERS = 80


def _find_fault(name: str) -> str | None:
    try:
        data = name.encode()
    except UnicodeEncodeError:  # Python keeps the bytes as lone surrogates.
        return "is not UTF-8"
    if b"\0" in data:
        return "has a NUL character"
    parts = data.split(b"/")
    if len(parts) - 1 > limits.MAX_FOLDER_DEPTH:
        return f"has more than {limits.MAX_FOLDER_DEPTH} folders"
    if max(map(len, parts)) > limits.MAX_FILE_NAME_BYTES:
        return f"has a part of more than {limits.MAX_FILE_NAME_BYTES} bytes"
    if len(data) >= limits.MAX_PATH_BYTES:
        return f"has {len(data):,} bytes, expected fewer than {limits.MAX_PATH_BYTES:,}"
    return None
