"""Checks after a run: are the outputs whole, equal to others, loadable?"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Iterable

from converter.files.source_files import digest
from stress_migration.trees import ROOT

_LOAD = """
import sys
import tensorflow as tf
for path in sys.stdin.read().splitlines():
    tf.saved_model.load(path)
    print(path)
"""


def digests(root: pathlib.Path, paths: Iterable[str]) -> dict[str, str]:
    """The digest of each SavedModel that is there."""
    return {path: digest(root / path) for path in paths if (root / path).exists()}


def identities(root: pathlib.Path, paths: Iterable[str]) -> dict[str, tuple[int, int]]:
    """The parts of a SavedModel that would differ if it were written again."""
    found = {}
    for path in paths:
        graph = root / path / "saved_model.pb"
        if graph.exists():
            status = graph.stat()
            found[path] = (status.st_ino, status.st_mtime_ns)
    return found


def load_all(root: pathlib.Path, paths: Iterable[str]) -> None:
    """Loads each SavedModel, in a process of its own.

    Raises:
      AssertionError: if one does not load.
    """
    wanted = [str(root / path) for path in paths]
    done = subprocess.run(
        [sys.executable, "-c", _LOAD],
        input="\n".join(wanted), capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.stdout.splitlines() == wanted, done.stderr[-2000:]
