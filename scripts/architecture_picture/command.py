"""Draws `docs/architecture.svg`: the folders of `converter`, and which of them import which.

Reads the imports from the code, and the order of the folders from import-linter's contract in
`pyproject.toml`.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence

from architecture_picture.drawing import draw
from architecture_picture.imports import find_imports, read_rooms

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None, root: pathlib.Path = ROOT) -> int:
    """Runs the command on the project in `root`."""
    parser = argparse.ArgumentParser("draw_architecture", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it would")
    options = parser.parse_args(arguments)
    rooms = read_rooms(root)
    picture = draw(rooms, find_imports(root, rooms))
    path = root / "docs" / "architecture.svg"
    if path.exists() and path.read_text() == picture:
        return 0
    if options.check:
        print("docs/architecture.svg is out of date: run scripts/draw_architecture.")
        return 1
    path.write_text(picture)
    return 0
