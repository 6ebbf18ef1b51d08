"""The models that kagglehub keeps, where and as it keeps them (source: its `cache.py`).

A version is a directory, and complete once the file `VERSION.complete` is beside it.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator

from converter import errors
from converter.files.scratch import clear, folder_beside, scratch_folder, sweep
from converter.sources.kaggle_handle import KaggleHandle


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


def add_entry(handle: KaggleHandle, fill: Callable[[pathlib.Path], pathlib.Path]) -> pathlib.Path:
    """Adds a version, of which other processes see all or nothing.

    Args:
      handle: The handle of the version.
      fill: Is given an empty folder; returns the directory of the files, which is in it.

    Returns:
      The directory of the version.

    Raises:
      DestinationError: if it cannot be written.
    """
    entry = _places(handle)[0]
    with folder_beside(entry) as parent:
        assert parent is not None, "the cache is a local folder"
        sweep(parent, clear)
        with _writing(entry), scratch_folder(parent) as scratch:
            files = fill(scratch)
            with contextlib.suppress(FileExistsError):
                _move(files, entry)
                _marker(entry).touch()
    return entry


def _move(files: pathlib.Path, entry: pathlib.Path) -> None:
    """Moves a directory to where nothing is."""
    # Over an empty directory, a rename would succeed.
    if os.path.lexists(entry):
        raise FileExistsError(entry)
    try:
        files.rename(entry)
    except OSError:
        if os.path.lexists(entry):  # Another process was faster.
            raise FileExistsError(entry) from None
        raise


@contextlib.contextmanager
def _writing(entry: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.unwritable(
            entry, error, "Free some space, or set KAGGLEHUB_CACHE to another folder."
        ) from error


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
