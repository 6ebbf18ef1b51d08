"""The links from the page to other files: to the same report for programs, and to SavedModels."""

from __future__ import annotations

import dataclasses
import pathlib
import urllib.parse
from collections.abc import Mapping
from typing import TypeAlias

# By suffix.
Places: TypeAlias = Mapping[str, pathlib.Path]
# What a migration leaves in DST_ROOT; see `migration/journal.py`.
_STATE_FOLDER = ".tf1hub"


@dataclasses.dataclass(frozen=True, slots=True)
class Links:
    """URLs, relative to the page where that is possible.

    Attributes:
      json: Of `report.json`.
      csv: Of `report.csv`.
      models: Of the tree of SavedModels; empty if it is not on this machine.
    """

    json: str = "./report.json"
    csv: str = "./report.csv"
    models: str = ""


def find_links(places: Places, destination_root: str) -> Links:
    """Returns the links of a page.

    Args:
      places: Where the files of the report go.
      destination_root: The tree of SavedModels, where it was when the report was collected.
    """
    return Links(
        json=_to_sibling(places[".json"]),
        csv=_to_sibling(places[".csv"]),
        models=_find_models(places[".html"].parent, pathlib.Path(destination_root)),
    )


def _to_sibling(place: pathlib.Path) -> str:
    # With the dot, no name is taken for a scheme.
    return f"./{urllib.parse.quote(place.name, errors='surrogateescape')}"


def _find_models(folder: pathlib.Path, destination_root: pathlib.Path) -> str:
    if (folder / _STATE_FOLDER).is_dir():
        return "."  # The page lies in the tree, wherever both are moved.
    try:
        return destination_root.as_uri() if destination_root.is_dir() else ""
    except (OSError, ValueError):  # ValueError: of a NUL, and of a path that is not absolute.
        return ""
