"""Finds candidates for modules below SRC_ROOT, without reading any file.

A directory that holds a model's file is a candidate, and so is an archive; a worker finds out
whether a format of the converter recognizes it. Nothing inside a candidate is a candidate. Links to
directories are not followed, wherever they lead.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from converter import errors, limits
from converter.files.model_directory import MODEL_FILES
from converter.formats.other_formats import find_among
from converter.migration.candidates import Candidate, Found, target_of
from converter.migration.outcomes import ErrorInfo, NotLegacy, Outcome, Reason, Refused
from converter.sources.archive import has_archive_name

_NO_MODEL = "It holds files, but neither a model nor an archive."


def discover(source_root: pathlib.Path, destination_root: pathlib.Path) -> Found:
    """Finds the candidates of a tree.

    Args:
      source_root: An absolute path.
      destination_root: An absolute path.

    Raises:
      UsageError: see `check_source_root`.
    """
    check_source_root(source_root)
    found = _Walk(source_root, destination_root).below(source_root)
    return Found(tuple(found.candidates), tuple(found.outcomes))


def check_source_root(source_root: pathlib.Path) -> None:
    """Checks that `source_root` is a tree of modules.

    Raises:
      UsageError: if it is not a directory, or is a model itself.
    """
    if not source_root.is_dir():
        raise errors.UsageError(f"{source_root} is not a directory", remedy="Check the path.")
    if any(os.path.lexists(source_root / name) for name in MODEL_FILES):
        raise errors.UsageError(
            f"{source_root} is a model itself, expected a tree of modules",
            remedy="Convert it with `tf1hub convert`, or name the directory above it.",
        )


@dataclasses.dataclass(slots=True)
class _Below:
    """The contents of a folder and all below it."""

    candidates: list[Candidate] = dataclasses.field(default_factory=list)
    outcomes: list[Outcome] = dataclasses.field(default_factory=list)
    holds_files: bool = False

    @property
    def is_no_model(self) -> bool:
        """Whether there are files, and none of them belongs to a model of any format."""
        nothing = all(
            isinstance(outcome, NotLegacy) and outcome.explanation == _NO_MODEL
            for outcome in self.outcomes
        )
        return self.holds_files and not self.candidates and nothing

    def add(self, other: _Below) -> None:
        self.candidates += other.candidates
        self.outcomes += other.outcomes
        self.holds_files |= other.holds_files


class _Walk:
    def __init__(self, source_root: pathlib.Path, destination_root: pathlib.Path) -> None:
        self._source_root = source_root
        self._destination_root = destination_root

    def below(self, folder: pathlib.Path) -> _Below:
        if len(folder.relative_to(self._source_root).parts) > limits.MAX_FOLDER_DEPTH:
            reason = f"it lies more than {limits.MAX_FOLDER_DEPTH} folders deep"
            return _Below(outcomes=[self._unreadable(folder, reason, "Move it up.")])
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            reason = error.strerror or str(error)
            return _Below(outcomes=[self._unreadable(folder, reason, "Check the permissions.")])
        if any(entry.name in MODEL_FILES for entry in entries):
            return _Below(candidates=[self._candidate(folder)])
        found = _Below()
        for entry in entries:
            found.add(self._entry(entry))
        if folder != self._source_root and not found.candidates:
            files = [entry.name for entry in entries if not entry.is_dir()]
            self._describe_no_model(folder, files, found)
        return found

    def _describe_no_model(self, folder: pathlib.Path, files: Sequence[str], found: _Below) -> None:
        """Adds the outcome of a folder without a module, or puts it in place of those below."""
        other = find_among(files)
        if other is not None:
            explanation = f"Its {other[1]!r} is {other[0].what}. {other[0].remedy}"
            found.outcomes.append(self._not_legacy(folder, Reason.NO_MODEL, explanation))
        elif found.is_no_model:
            found.outcomes = [self._not_legacy(folder, Reason.NO_MODEL, _NO_MODEL)]

    def _entry(self, entry: os.DirEntry[str]) -> _Below:
        path = pathlib.Path(entry.path)
        is_archive = has_archive_name(entry.name)
        if entry.is_symlink() and (is_archive or entry.is_dir()):
            return _Below(outcomes=[self._link(path)])
        if entry.is_dir():
            return self.below(path)
        if is_archive:
            return _Below(candidates=[self._candidate(path)], holds_files=True)
        return _Below(holds_files=True)

    def _candidate(self, place: pathlib.Path) -> Candidate:
        path = self._relative(place)
        return Candidate(path, place, target_of(path))

    def _link(self, link: pathlib.Path) -> Outcome:
        inside = link.resolve().is_relative_to(self._source_root.resolve())
        explanation = (
            "It is a link; its target is migrated in its own place."
            if inside
            else "It is a link out of SRC_ROOT, which is not followed: copy its target, or list it"
            " with --from-list."
        )
        return self._not_legacy(link, Reason.LINK, explanation)

    def _not_legacy(self, place: pathlib.Path, reason: Reason, explanation: str) -> Outcome:
        return NotLegacy(**self._where(place), reason=reason, explanation=explanation)

    def _unreadable(self, folder: pathlib.Path, reason: str, remedy: str) -> Outcome:
        return Refused(
            **self._where(folder),
            error=ErrorInfo(
                kind="FormatError",
                message=f"the directory cannot be read: {reason}",
                remedy=remedy,
            ),
        )

    def _where(self, place: pathlib.Path) -> dict[str, Any]:
        path = self._relative(place)
        destination = self._destination_root / target_of(path)
        return {"path": path, "source": str(place), "destination": str(destination)}

    def _relative(self, place: pathlib.Path) -> str:
        return place.relative_to(self._source_root).as_posix()
