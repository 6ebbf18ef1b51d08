"""The directory of a module, before anything in it is read, and what else a directory may be.

Needs no TensorFlow for local ones.
"""

from __future__ import annotations

import contextlib
import itertools
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

from converter import errors
from converter.files.model_directory import MODEL_FILES, check_directory
from converter.files.paths import Path, RemotePath, reading
from converter.formats.other_formats import find_among

# Folders that lie beside `saved_model.pb`.
_PARTS = frozenset({"variables", "assets", "assets.extra"})
# Of folders below a path, and of entries of each, no more are looked at to find a module.
_MOST_FOLDERS = 1000
_MOST_NAMED = 3
# What tensorflow_hub writes beside each folder of its cache (source: hub's resolver.py).
_DESCRIPTOR = ".descriptor.txt"
_DESCRIPTOR_BYTES = 4096


def check_module_directory(directory: Path) -> None:
    """Checks that a directory may hold a module, by the names in it.

    Raises:
      PathNotFoundError: if there is nothing at the path.
      FormatError: if it is not a directory, is empty, or has no file of a model; the error says
        what is there instead, such as a module one folder down.
    """
    check_directory(directory, "TF1 Hub module")
    with reading(directory):
        names = _names_in(directory)
    if not names:
        raise errors.FormatError(f"{directory} is empty", remedy="Copy the module again.")
    if MODEL_FILES.isdisjoint(names):
        raise_no_module(directory)


def raise_no_module(directory: Path) -> NoReturn:
    """Raises the FormatError of a directory that has no file of a model."""
    with reading(directory):
        instead, remedy = _look_around(directory)
    raise errors.FormatError(
        f"{directory} holds no model: it has neither tfhub_module.pb nor saved_model.pb{instead}",
        remedy=remedy,
    )


def describe_others(names: Iterable[str]) -> tuple[str, str]:
    """Says what a directory or an archive without a module holds instead, by its files' names.

    Returns:
      Words that go on from "… nor saved_model.pb", and a remedy; both empty if nothing is known.
    """
    found = find_among(names)
    if found is None:
        return "", ""
    other, name = found
    return f"; its {name!r} is {other.what}", other.remedy


def find_model_of(part: Path) -> Path | None:
    """Returns the directory of the model that a file or folder is a part of, or None."""
    for folder in (part.parent, part.parent.parent):
        with contextlib.suppress(OSError):
            if any((folder / name).is_file() for name in MODEL_FILES):
                return folder
    return None


def _look_around(directory: Path) -> tuple[str, str]:
    """What is at a place that has no module, and what to do."""
    whole = find_model_of(directory) if directory.name in _PARTS else None
    if whole is not None:
        return f"; it is a part of the model {whole}", f"Pass {whole}."
    below = _find_below(directory)
    if below:
        return _describe_below(directory, below)
    instead, remedy = describe_others(_names_in(directory))
    return instead, remedy or "Point to the directory that holds them."


def _describe_below(directory: Path, below: Sequence[Path]) -> tuple[str, str]:
    named = [_describe_folder(directory, path) for path in below[:_MOST_NAMED]]
    if len(below) == 1:
        return f"; its folder {named[0]} has", f"Pass {below[0]}."
    more = ", …" if len(below) > _MOST_NAMED else ""
    return (
        f"; {len(below)} of its folders have: {', '.join(named)}{more}",
        f"Pass one of them, such as {below[0]}; `tf1hub migrate` converts all of them.",
    )


def _describe_folder(directory: Path, folder: Path) -> str:
    """A folder's name; in a cache of tensorflow_hub, with the handle that it was loaded by."""
    name = repr(folder.relative_to(directory).as_posix())
    handle = None if isinstance(folder, RemotePath) else _read_handle(folder)
    return f"{name} ({handle})" if handle else name


def _read_handle(folder: pathlib.Path) -> str | None:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        with folder.with_name(folder.name + _DESCRIPTOR).open("rb") as file:
            first = file.read(_DESCRIPTOR_BYTES).decode().partition("\n")[0]
        if first.startswith("Module: "):
            return first.removeprefix("Module: ").strip()
    return None


def _find_below(directory: Path) -> list[Path]:
    """The directories of models in a directory, or, if there are none, in its folders."""
    folders = list(itertools.islice(_folders_in(directory), _MOST_FOLDERS))
    found = [folder for folder in folders if _is_model(folder)]
    if found or isinstance(directory, RemotePath):  # Each look at a remote one takes a request.
        return found
    deeper = itertools.chain.from_iterable(map(_folders_in, folders))
    return [folder for folder in itertools.islice(deeper, _MOST_FOLDERS) if _is_model(folder)]


def _folders_in(directory: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        paths: list[Path] = sorted(directory.iterdir(), key=str)
        yield from (path for path in paths if path.is_dir())


def _is_model(directory: Path) -> bool:
    with contextlib.suppress(OSError):
        return any((directory / name).is_file() for name in MODEL_FILES)
    return False


def _names_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}
