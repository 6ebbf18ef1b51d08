"""Findings as files, `tests/regressions/NAME/mutant.json`, which tests run again.

Once a finding is mended, its directory gets a name that says what it was, and its `outcome` what
the mended converter makes of it: `refused`, `equal` or `not compared`.
"""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

from module_fuzzing.judgement import Judgement
from module_fuzzing.mutant import Mutant, write_json

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "regressions"
_FILE = "mutant.json"


def write(folder: pathlib.Path, mutant: dict[str, Any], judgement: Judgement) -> pathlib.Path:
    """Writes a finding; returns its directory."""
    words = f"{mutant['fixture']} {judgement.step} {judgement.kind} {judgement.place}"
    stem = re.sub(r"\W+", "_", words).strip("_").lower()[:100]
    number = 1
    while (directory := folder / (stem if number == 1 else f"{stem}_{number}")).exists():
        number += 1
    directory.mkdir(parents=True)
    found = f"{judgement.step} {judgement.kind}: {judgement.message}"
    (directory / _FILE).write_text(write_json({**mutant, "found": found, "outcome": ""}))
    return directory


def read(directory: pathlib.Path) -> tuple[Mutant, dict[str, Any]]:
    """Returns the mutant of a finding, and all that its file says."""
    values = json.loads((directory / _FILE).read_text())
    return Mutant.from_json(values), values


def list_all(folder: pathlib.Path = FOLDER) -> list[pathlib.Path]:
    """The directories of findings, sorted."""
    return sorted(path.parent for path in folder.glob(f"*/{_FILE}"))
