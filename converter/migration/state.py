"""The hidden folder that a migration keeps in DST_ROOT beside the SavedModels.

    .tf1hub/journal.jsonl   the journal
    .tf1hub/lock            held by the current run
    .tf1hub/staging/<run>/  SavedModels that are being written
    .tf1hub/parity/<path>/comparison.json  whole comparisons

Only runs write to `staging`, never users, so it may be swept.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tempfile

from converter import errors
from converter.migration.journal import STATE_FOLDER

_PROBE_BYTES = 1 << 16


class State:
    """The paths of that folder."""

    def __init__(self, destination_root: pathlib.Path) -> None:
        self.folder = destination_root / STATE_FOLDER

    def staging(self, run: str) -> pathlib.Path:
        """Returns where a run stages its SavedModels."""
        return self.folder / "staging" / run

    def parity_report(self, path: str) -> pathlib.Path:
        """Returns where the comparison of the module at a path is kept."""
        return self.folder / "parity" / path / "comparison.json"

    def make(self, run: str) -> None:
        """Makes the folders that a run needs.

        Raises:
          DestinationError: if they cannot be made.
        """
        try:
            self.staging(run).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise errors.DestinationError(
                f"{self.folder.parent} cannot be written: {error.strerror or error}",
                remedy="Check the permissions and the free space.",
            ) from error

    def sweep(self) -> None:
        """Removes the files that earlier runs left in staging; only for the holder of the lock."""
        swept = self.folder / "swept"
        shutil.rmtree(swept, ignore_errors=True)
        # Renamed first: a worker of a killed run may still be about to rename a SavedModel, and
        # then finds all of it, or nothing.
        with contextlib.suppress(OSError):
            (self.folder / "staging").rename(swept)
        shutil.rmtree(swept, ignore_errors=True)

    def explain_unwritable(self) -> str:
        """Tries to write a file, and returns why that fails; empty if it does not."""
        try:
            with tempfile.TemporaryFile(dir=self.folder) as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            return error.strerror or str(error)
        return ""
