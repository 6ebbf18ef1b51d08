"""Reads a list of modules from a file: a path or handle on each line; `#` begins a comment."""

from __future__ import annotations

import os
import pathlib
import re

from converter import errors
from converter.files.paths import as_path
from converter.migration.candidates import Candidate, Found, target_of
from converter.sources.handles import check_handle
from converter.sources.kaggle_handle import parse_handle
from converter.sources.urls import is_url

# Any other character of a handle becomes "_" in the path of its SavedModel.
_UNSAFE = re.compile(r"[^\w.~@+=,%-]")


def read_module_list(file: pathlib.Path, source_root: pathlib.Path) -> Found:
    """Reads a list of modules.

    Paths are relative to SRC_ROOT. A module outside of it keeps its whole path below DST_ROOT, and
    so does a handle: `https://host/google/elmo/3` goes to `host/google/elmo/3`. A handle of Kaggle
    is one unless something is at that path.

    Raises:
      UsageError: if the file cannot be read or names no module, a URL is none, or the outputs of
        two modules would have one path.
    """
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise errors.UsageError(
            f"{file} cannot be read: {getattr(error, 'strerror', None) or error}",
            remedy="Write the path or the handle of a module on each line.",
        ) from error
    handles = dict.fromkeys(line.partition(" #")[0].strip() for line in lines)
    found: dict[str, Candidate] = {}
    for handle in handles:
        if handle and not handle.startswith("#"):
            item = _find(handle, source_root)
            known = found.setdefault(item.path, item)
            if str(known.source) != str(item.source):
                raise errors.UsageError(
                    f"{file} names {known.source} and {item.source}, which would both go to"
                    f" {target_of(item.path)!r}",
                    remedy="Migrate one of them to another DST_ROOT.",
                )
    if not found:
        raise errors.UsageError(
            f"{file} names no module",
            remedy="Write the path or the handle of a module on each line.",
        )
    return Found(tuple(found.values()))


def _find(handle: str, source_root: pathlib.Path) -> Candidate:
    if "://" in handle:
        return _find_remote(handle)
    on_kaggle = parse_handle(handle.rstrip("/"))
    if on_kaggle is not None and not os.path.lexists(source_root / handle):
        return Candidate(str(on_kaggle), on_kaggle.page, target_of(str(on_kaggle)))
    source = pathlib.Path(os.path.normpath(source_root / handle))
    is_inside = source.is_relative_to(source_root)
    path = source.relative_to(source_root if is_inside else source.anchor).as_posix()
    return Candidate(path, source, target_of(path))


def _find_remote(handle: str) -> Candidate:
    if is_url(handle):
        check_handle(handle)
        source = handle  # To the letter: tensorflow_hub's cache knows it by its SHA-1.
    else:
        source = str(as_path(handle))
    parts = source.partition("://")[2].partition("?")[0].partition("#")[0].split("/")
    path = "/".join(_UNSAFE.sub("_", part) for part in parts if part not in ("", ".", ".."))
    return Candidate(path, source, target_of(path))
