"""Carries converted models from cell to cell: starts `exchange.py` in one, then in the other."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence

from version_matrix.cells import Beside, Cell
from version_matrix.results import Result
from version_matrix.running import last_line, make_result, run_program
from version_matrix.selections import EXCHANGE, ROOT

# It imports from both folders.
_FOLDERS = (str(ROOT / "scripts"), str(ROOT / "tests"))


class ExchangeError(Exception):
    """Nothing can be carried away from a cell."""


def choose_writers(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The oldest and the newest of some cells: of those with tensorflow_hub, which train by it."""
    able = [cell for cell in cells if cell.beside is not Beside.NOTHING] or list(cells)
    return tuple(dict.fromkeys((able[0], able[-1])))


def write_models(python: pathlib.Path, folder: pathlib.Path, names: Sequence[str]) -> None:
    """Converts and trains fixtures in the environment of a cell: all if none is named.

    Raises:
      ExchangeError: if that fails.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    done = _run(python, "write", str(folder), *names)
    if done.returncode:
        raise ExchangeError(last_line(done))


def use_models(writer: Cell, folder: pathlib.Path, cell: Cell, python: pathlib.Path) -> Result:
    """Uses and trains in one cell what another one wrote to `folder`."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "found.json"
        done = _run(python, "use", str(folder), str(out))
        if done.returncode:
            found: Mapping[str, float | str] = {"process": last_line(done)}
        else:
            found = json.loads(out.read_text())
    failures = {what: value for what, value in found.items() if isinstance(value, str)}
    differences = {what: value for what, value in found.items() if not isinstance(value, str)}
    return make_result(
        cell,
        python,
        f"{EXCHANGE} from {writer.name}",
        started,
        counts={"passed": len(differences), "failed": len(failures)},
        failures=failures,
        differences=differences,
    )


def _run(python: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = ["-W", "ignore", "-m", "version_matrix.exchange"]
    return run_program(python, [*program, *arguments], folders=_FOLDERS, capture_output=True)
