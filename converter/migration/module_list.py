"""Reads a list of modules from a file: a path on each line; `#` begins a comment."""

from __future__ import annotations

import os
import pathlib

from converter import errors
from converter.migration.candidates import Candidate, Found, target_of
from converter.migration.outcomes import ErrorInfo, Outcome, Refused


def read_module_list(
    file: pathlib.Path, source_root: pathlib.Path, destination_root: pathlib.Path
) -> Found:
    """Reads a list of modules.

    Paths are relative to SRC_ROOT. A module outside of it keeps its whole path below DST_ROOT.

    Raises:
      UsageError: if the file cannot be read, or the outputs of two modules would have one path.
    """
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise errors.UsageError(
            f"{file} cannot be read: {getattr(error, 'strerror', None) or error}",
            remedy="Write the path of a module on each line.",
        ) from error
    handles = dict.fromkeys(line.partition(" #")[0].strip() for line in lines)
    found: dict[str, Candidate | Outcome] = {}
    for handle in handles:
        if handle and not handle.startswith("#"):
            item = _find(handle, source_root, destination_root)
            known = found.setdefault(item.path, item)
            is_candidate = isinstance(known, Candidate) or isinstance(item, Candidate)
            if is_candidate and str(known.source) != str(item.source):
                raise errors.UsageError(
                    f"{file} names {known.source} and {item.source}, which would both go to"
                    f" {target_of(item.path)!r}",
                    remedy="Migrate one of them to another DST_ROOT.",
                )
    return Found(
        tuple(item for item in found.values() if isinstance(item, Candidate)),
        tuple(item for item in found.values() if not isinstance(item, Candidate)),
    )


def _find(
    handle: str, source_root: pathlib.Path, destination_root: pathlib.Path
) -> Candidate | Outcome:
    if "://" in handle:
        return _refuse(handle, destination_root)
    source = pathlib.Path(os.path.normpath(source_root / handle))
    is_inside = source.is_relative_to(source_root)
    path = source.relative_to(source_root if is_inside else source.anchor).as_posix()
    return Candidate(path, source, target_of(path))


def _refuse(handle: str, destination_root: pathlib.Path) -> Outcome:
    parts = handle.partition("://")[2].partition("?")[0].split("/")
    path = "/".join(part for part in parts if part not in ("", ".", ".."))
    return Refused(
        path=path,
        source=handle,
        destination=str(destination_root / target_of(path)),
        error=ErrorInfo(
            kind="FormatError",
            message=f"{handle} is not a local path; a migration reads no others",
            remedy="Download the module, and list its directory.",
        ),
    )
