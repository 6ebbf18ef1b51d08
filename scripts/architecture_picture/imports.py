"""The folders of `converter`, in the order of the contract, and the imports between them."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Sequence

import grimp

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = "converter"


def read_rooms(root: pathlib.Path) -> list[str]:
    """Returns the layers of the contract that are folders, lowest first."""
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [layer for layer in reversed(layers) if (root / PACKAGE / layer).is_dir()]


def find_imports(root: pathlib.Path, rooms: Sequence[str]) -> set[tuple[str, str]]:
    """Returns the pairs of an importing folder and the other folder that it imports."""
    sys.path.insert(0, str(root))
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = (_room(module), _room(imported))
            if pair[0] != pair[1] and set(pair) <= set(rooms):
                found.add(pair)
    return found


def _room(module: str) -> str:
    return f"{module}.".split(".")[1]
