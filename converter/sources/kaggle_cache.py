"""The models that kagglehub keeps, where and as it keeps them (source: its `cache.py`).

A version is a directory, and complete once the file `VERSION.complete` is beside it. kagglehub
leaves that file empty; here it notes the archive.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
from collections.abc import Iterator

from converter import errors
from converter.files.scratch import clear, folder_beside, scratch_folder, sweep
from converter.sources.kaggle_handle import KaggleHandle

_ELSEWHERE = "Free some space, or set KAGGLEHUB_CACHE to another folder."
_FACTS = re.compile(r"sha256:(?P<digest>[0-9a-f]{64}) (?P<size>[0-9]{1,15})\n")
_MAX_FACTS_BYTES = 200


@dataclasses.dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """The archive of a version.

    Attributes:
      digest: SHA-256 over its bytes.
      size_bytes: Its size.
    """

    digest: str
    size_bytes: int


def find_entry(handle: KaggleHandle) -> pathlib.Path | None:
    """Finds the directory of a version that is there, and complete.

    Raises:
      FormatError: if it is there, and not complete.
    """
    for entry in _places(handle):
        if entry.is_dir() and _marker(entry).exists():
            return entry
    for entry in _places(handle):
        if os.path.lexists(entry):
            raise errors.FormatError(
                f"kagglehub's cache holds only a part of {handle}, at {entry}: a download was"
                " stopped, or still runs",
                remedy="Wait for it, or remove that directory.",
            )
    return None


def cached_versions(handle: KaggleHandle) -> tuple[int, ...]:
    """The versions of a variation that are complete, in order."""
    found = set[int]()
    for entry in _places(handle):
        with contextlib.suppress(OSError):
            markers = entry.parent.glob("*.complete")
            names = [marker.stem for marker in markers if (entry.parent / marker.stem).is_dir()]
            found.update(int(name) for name in names if name.isdecimal())
    return tuple(sorted(found))


@contextlib.contextmanager
def folder_for(handle: KaggleHandle) -> Iterator[pathlib.Path]:
    """Yields a new folder in the cache, in which a version is made ready, and removes it.

    Raises:
      DestinationError: if the cache cannot be written.
    """
    entry = _places(handle)[0]
    with _writing(entry), folder_beside(entry) as parent:
        assert parent is not None, "the cache is a local folder"
        sweep(parent, clear)
        with scratch_folder(parent) as folder:
            yield folder


def install(handle: KaggleHandle, files: pathlib.Path, archive: ArchiveFacts) -> pathlib.Path:
    """Moves the files of a version to their place, of which others see all or nothing.

    Args:
      handle: The handle of the version.
      files: Their directory, in the folder of `folder_for`.
      archive: The archive that they were unpacked from.

    Returns:
      The directory of the version. If another process was faster, it has the files of that.

    Raises:
      FormatError: if another process has begun to put it there.
      OSError: if it cannot be written.
    """
    entry = _places(handle)[0]
    if not _move(files, entry):
        found = find_entry(handle)
        return entry if found is None else found
    _marker(entry).write_text(f"sha256:{archive.digest} {archive.size_bytes}\n", encoding="ascii")
    return entry


def read_facts(entry: pathlib.Path) -> ArchiveFacts | None:
    """Returns what `install` noted of the archive; None if kagglehub put the version there."""
    with contextlib.suppress(OSError), _marker(entry).open("rb") as file:
        match = _FACTS.fullmatch(file.read(_MAX_FACTS_BYTES).decode("ascii", "replace"))
        if match is not None:
            return ArchiveFacts(match["digest"], int(match["size"]))
    return None


def _move(files: pathlib.Path, entry: pathlib.Path) -> bool:
    """Moves a directory to where nothing is; returns whether that succeeded."""
    # Over an empty directory, a rename would succeed.
    if os.path.lexists(entry):
        return False
    try:
        files.rename(entry)
    except OSError:
        if os.path.lexists(entry):
            return False
        raise
    return True


@contextlib.contextmanager
def _writing(entry: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.unwritable(entry, error, _ELSEWHERE) from error
    except errors.DestinationError as error:
        raise error.with_remedy(_ELSEWHERE) from error


def _places(handle: KaggleHandle) -> list[pathlib.Path]:
    """Where a version may be: kagglehub spells the framework as its user does."""
    model = _root() / "models" / handle.owner / handle.model
    usual = model / handle.framework
    with contextlib.suppress(OSError):
        others = [folder for folder in sorted(model.iterdir()) if folder != usual]
        same = [folder for folder in others if folder.name.lower() == usual.name.lower()]
        return [f / handle.variation / str(handle.version) for f in (usual, *same)]
    return [usual / handle.variation / str(handle.version)]


def _root() -> pathlib.Path:
    root = os.environ.get("KAGGLEHUB_CACHE")
    return pathlib.Path(root) if root else pathlib.Path.home() / ".cache" / "kagglehub"


def _marker(entry: pathlib.Path) -> pathlib.Path:
    return entry.with_name(f"{entry.name}.complete")
