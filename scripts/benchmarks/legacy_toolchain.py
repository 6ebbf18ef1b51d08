"""The modules that only TensorFlow 1.15 can build, kept in a cache between runs."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
from collections.abc import Sequence

from benchmarks.measuring import ROOT, MeasuringError, say

FIXTURES = ROOT / "legacy_fixtures"
# What the modules are made by: another text, another module.
_SOURCES = ("benchmark_modules.py", "families/bert.py", "weights.py", "exporting.py")
MISSING = (
    "needs Python 3.7 with TensorFlow 1.15 (legacy_fixtures/README.md): run scripts/build_fixtures"
    " once, set LEGACY_ENV, or pass --legacy-python"
)


def find_python(given: str | None) -> str | None:
    """The interpreter of the legacy toolchain; None if there is none.

    Args:
      given: The one that was asked for; else that of LEGACY_ENV, else that of `.venv-legacy`,
        which scripts/build_fixtures makes.
    """
    environment = os.environ.get("LEGACY_ENV") or str(ROOT / ".venv-legacy")
    python = given or os.path.join(environment, "bin", "python")
    return python if shutil.which(python) else None


def default_cache() -> pathlib.Path:
    """Where built modules are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "tf1hub-bench"


def get_module(name: str, python: str | None, cache: pathlib.Path) -> pathlib.Path:
    """The directory of a module, built unless the cache has it: `module` and `inputs.npz`.

    Raises:
      MeasuringError: if it is not there and cannot be built.
    """
    finished = cache / _digest() / name
    if finished.is_dir():
        return finished
    if python is None:
        raise MeasuringError(MISSING)
    say(f"use: building {name} with TensorFlow 1.15, once")
    building = finished.with_name(f"{name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    _build([python, "-m", "legacy_fixtures.benchmark_modules", name, str(building)])
    building.rename(finished)
    return finished


def _build(command: Sequence[str]) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "PYTHONHASHSEED": "0",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    # Vocabularies are named relative to this folder.
    done = subprocess.run(command, cwd=FIXTURES, env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise MeasuringError(f"TensorFlow 1.15: {lines[-1] if lines else done.returncode}")


def _digest() -> str:
    digest = hashlib.sha256()
    for name in _SOURCES:
        digest.update((FIXTURES / name).read_bytes())
    return digest.hexdigest()[:8]
