"""Places in the tree that may hold TF1 modules; workers find out whether they do."""

from __future__ import annotations

import dataclasses
import fnmatch
import pathlib
from collections.abc import Callable, Collection, Sequence

from converter import errors
from converter.migration.outcomes import Outcome
from converter.sources.archive import archive_stem, has_archive_name
from converter.sources.member_names import fold


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A file or directory that may be a module.

    Attributes:
      path: Its path in the tree, with slashes; it identifies the module in journal and report.
      source: Its absolute path; or as text, its handle or its place on another filesystem.
      target: The path of its SavedModel, relative to DST_ROOT, with slashes.
    """

    path: str
    source: pathlib.Path | str
    target: str


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """The contents of a tree or a list.

    Attributes:
      candidates: The places that may hold modules.
      outcomes: The outcomes of places that need no look inside.
    """

    candidates: tuple[Candidate, ...] = ()
    outcomes: tuple[Outcome, ...] = ()

    @property
    def all(self) -> tuple[Candidate | Outcome, ...]:
        """All candidates and outcomes; each has a path."""
        return (*self.candidates, *self.outcomes)


@dataclasses.dataclass(frozen=True, slots=True)
class Globs:
    """Globs that choose paths: one of `include` has to match, if there are any, and no `exclude`.

    A `*` matches slashes, too. Everything below an excluded folder is excluded.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def check_matched(self, paths: Collection[str]) -> None:
        """Checks that each glob of `include` matches one of the paths.

        Raises:
          UsageError: if one does not.
        """
        for glob in self.include:
            if not fnmatch.filter(paths, glob):
                raise errors.UsageError(
                    f"no module matches {glob!r}, which --include names",
                    remedy="Patterns are matched with whole paths relative to SRC_ROOT; * matches"
                    " slashes.",
                )

    def admits(self, path: str) -> bool:
        """Whether a path is chosen."""
        included = not self.include or any(fnmatch.fnmatchcase(path, g) for g in self.include)
        return included and not self.excludes(path)

    def excludes(self, path: str) -> bool:
        """Whether a path, or a folder above it, is excluded."""
        parts = path.split("/")
        above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        return any(fnmatch.fnmatchcase(p, g) for p in above for g in self.exclude)


def target_of(path: str) -> str:
    """Returns where the SavedModel of `path` goes: an archive's name loses its suffix."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + archive_stem(name)


def admit(found: Found, globs: Globs) -> Found:
    """Returns the candidates and outcomes that the globs choose."""
    return Found(
        tuple(c for c in found.candidates if globs.admits(c.path)),
        tuple(o for o in found.outcomes if globs.admits(o.path)),
    )


def find_collisions(
    candidates: Sequence[Candidate], *, case_matters: bool = True
) -> list[tuple[Candidate, Candidate]]:
    """Finds candidates whose SavedModels would be at, inside or around another's.

    Args:
      candidates: The candidates.
      case_matters: Whether the filesystem of the SavedModels tells `a` from `A`.

    Returns:
      Pairs. The first is the one to leave out: an archive rather than a directory, then the one
      with the longer path, then the later one in the alphabet.
    """
    name_of: Callable[[str], str] = str if case_matters else fold
    taken: dict[str, Candidate] = {}
    above: dict[str, Candidate] = {}
    collisions = []
    for candidate in sorted(candidates, key=_precedence):
        target = name_of(candidate.target)
        parents = [str(parent) for parent in pathlib.PurePosixPath(target).parents]
        in_the_way = next(
            (taken[place] for place in (target, *parents) if place in taken), above.get(target)
        )
        if in_the_way is not None:
            collisions.append((candidate, in_the_way))
            continue
        taken[target] = candidate
        above.update(dict.fromkeys(parents, candidate))
    return collisions


def _precedence(candidate: Candidate) -> tuple[bool, int, str]:
    return (has_archive_name(candidate.path), len(candidate.path), candidate.path)
