"""The names of an archive's members: each a place of its own below one directory.

That has to be so on every filesystem: some do not tell `a` from `A`, or the two ways to write `é`,
and Windows splits names at backslashes.
"""

from __future__ import annotations

import pathlib
import unicodedata

from converter import errors, limits
from converter.files.module_files import check_name

_UNTRUSTED = "Do not use this archive unless you know who made it, and why."
_AMBIGUOUS = "Unpack it yourself if you trust it, and pass the directory."


class MemberNames:
    """The names of the members so far."""

    def __init__(self) -> None:
        self._spellings: dict[str, str] = {"": ""}
        self._files: set[str] = set()
        self._count = 0

    def add(self, name: str, *, is_folder: bool) -> str:
        """Adds the name of a member.

        Returns:
          The path to unpack it to, relative and with slashes; "" for the archive's root.

        Raises:
          UnsafeModuleError: if it lies outside of the archive, or another member is in its place.
          FormatError: if no file of a module has such a name, or there are too many.
        """
        self._count += 1
        if self._count > limits.MAX_FILES:
            raise errors.FormatError(
                f"the archive has more than {limits.MAX_FILES:,} members", remedy=_UNTRUSTED
            )
        path = self._check_path(name)
        parents = [part.as_posix() for part in reversed(pathlib.PurePosixPath(path).parents[:-1])]
        for place in (*parents, path):
            self._check_spelling(place)
        if path in self._files or (not is_folder and self._is_taken(path)):
            raise errors.UnsafeModuleError(
                f"the archive has two members at {path!r}", remedy=_UNTRUSTED
            )
        for parent in parents:
            if parent in self._files:
                raise errors.UnsafeModuleError(
                    f"the archive's member {parent!r} is both a file and a folder",
                    remedy=_UNTRUSTED,
                )
        for place in (*parents, path):
            self._spellings[fold(place)] = place
        if not is_folder:
            self._files.add(path)
        return path

    def _check_path(self, name: str) -> str:
        path = pathlib.PurePosixPath(name)
        # Windows takes `C:x`, and what begins with two backslashes, for paths to other places.
        if path.is_absolute() or ".." in path.parts or "\\" in name or name[1:2] == ":":
            raise errors.UnsafeModuleError(
                f"the archive's member {name!r} lies outside of it, or has a backslash or a drive",
                remedy=_UNTRUSTED,
            )
        text = "" if path == pathlib.PurePosixPath() else path.as_posix()
        check_name(text)
        return text

    def _is_taken(self, path: str) -> bool:
        return fold(path) in self._spellings

    def _check_spelling(self, place: str) -> None:
        known = self._spellings.get(fold(place), place)
        if known != place:
            raise errors.UnsafeModuleError(
                f"the archive's names {known!r} and {place!r} are the same name on some"
                " filesystems",
                remedy=_AMBIGUOUS,
            )


def fold(path: str) -> str:
    """Returns what is one name for all spellings that some filesystem takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
