"""Virtual environments for the cells, made where they are missing."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

from version_matrix.cells import Cell

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PYPROJECT = pathlib.Path(__file__).resolve().parents[2] / "pyproject.toml"


class EnvironmentMakingError(Exception):
    """An environment cannot be made."""


def default_folder() -> pathlib.Path:
    """Where environments are kept if nobody says where."""
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "tf1hub" / "matrix"


def find_requirements(cell: Cell) -> list[str]:
    """What pip has to install for a cell, without the converter, which is run from its sources."""
    project = tomllib.loads(_PYPROJECT.read_text())["project"]
    extras = [line for extra in cell.extras for line in project["optional-dependencies"][extra]]
    return [*project["dependencies"], *extras, f"tensorflow=={cell.tensorflow}.*"]


def make_environment(cell: Cell, folder: pathlib.Path) -> pathlib.Path:
    """Returns the Python of a cell's environment, which is made if it is missing or out of date.

    `uv` makes it, if it is on the path, in a tenth of the time and with files that environments
    share; else `venv` and pip do.

    Raises:
      EnvironmentMakingError: if there is no such Python, or the packages cannot be installed.
    """
    place = folder / cell.name
    python, made = place / "bin" / "python", place / "requirements.txt"
    requirements = "".join(f"{line}\n" for line in find_requirements(cell))
    if python.exists() and made.exists() and made.read_text() == requirements:
        return python
    interpreter = find_interpreter(cell.python)
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    (place.parent / f"{cell.name}.txt").write_text(requirements)
    for command in _commands(interpreter, place, place.parent / f"{cell.name}.txt"):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise EnvironmentMakingError(f"{' '.join(command[:3])} failed: {' '.join(last)}")
    (place.parent / f"{cell.name}.txt").replace(made)
    return python


def _commands(interpreter: str, place: pathlib.Path, requirements: pathlib.Path) -> list[list[str]]:
    uv, python = shutil.which("uv"), str(place / "bin" / "python")
    if uv:
        return [
            [uv, "venv", "--quiet", "--python", interpreter, str(place)],
            [uv, "pip", "install", "--quiet", "--python", python, "-r", str(requirements)],
        ]
    return [
        [interpreter, "-m", "venv", str(place)],
        [python, "-m", "pip", "install", "--quiet", "-r", str(requirements)],
    ]


def find_interpreter(version: str) -> str:
    """A Python of a minor version: on the path, or of pyenv, whose newest release is taken.

    Raises:
      EnvironmentMakingError: if there is none.
    """
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")
    installed = pyenv.glob(f"versions/{version}.*/bin/python{version}")
    newest_first = sorted(map(str, installed), key=_release, reverse=True)
    # A shim of pyenv is on the path for versions that it does not run.
    for candidate in (*newest_first, shutil.which(f"python{version}")):
        program = ["-c", "import ensurepip, venv"]
        if candidate and not subprocess.run([candidate, *program], capture_output=True).returncode:
            return candidate
    raise EnvironmentMakingError(f"no Python {version} is on the path or in {pyenv}")


def _release(path: str) -> tuple[int, ...]:
    name = pathlib.Path(path).parents[1].name
    return tuple(int(part) for part in name.split(".") if part.isdigit())
