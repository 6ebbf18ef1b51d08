"""Counts the outcomes of modules by the folder that they are in."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from converter.page.document import SAVED, ModuleFacts


@dataclasses.dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the tree of modules.

    Attributes:
      path: Its path in the tree; empty for modules that are in no folder.
      counts: How many modules below it have which outcome.
      equal: How many were proven equal to their originals.
    """

    path: str
    counts: Mapping[str, int]
    equal: int

    @property
    def modules(self) -> int:
        """How many TF1 modules are below it."""
        return sum(self.counts.values()) - self.counts.get("not_legacy", 0)

    @property
    def converted(self) -> int:
        """How many of them have a SavedModel."""
        return sum(self.counts.get(name, 0) for name in SAVED)


def group_by_folder(modules: Sequence[ModuleFacts]) -> list[Folder]:
    """Groups modules by the first folder in which their paths differ, in the order of the paths.

    If all lie below one folder, those inside it are told apart. None is returned if there are no
    two to tell apart.
    """
    parents = [module.path.rpartition("/")[0] for module in modules]
    depth = _common_depth(parents) + 1
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    equal: collections.Counter[str] = collections.Counter()
    for module, parent in zip(modules, parents, strict=True):
        path = "/".join(parent.split("/")[:depth])
        counts[path][module.outcome] += 1
        equal[path] += bool(module.parity and module.parity.passed)
    every = [Folder(path, counts[path], equal[path]) for path in sorted(counts)]
    folders = [folder for folder in every if folder.modules]
    return folders if len(folders) > 1 else []


def _common_depth(parents: Sequence[str]) -> int:
    """How many folders all paths have in common."""
    if not parents:
        return 0
    levels = zip(*(parent.split("/") for parent in {*parents}), strict=False)
    return len([*itertools.takewhile(lambda names: len({*names}) == 1 and names[0], levels)])
