"""What a migration keeps in DST_ROOT beside the SavedModels: one hidden folder.

    .tf1hub/journal.jsonl   what happened
    .tf1hub/lock            held by the run that is going on
    .tf1hub/staging/<run>/  SavedModels that are being written
    .tf1hub/parity/<path>/comparison.json  comparisons in full

Whatever is in `staging` was put there by a run, never by a user; so it may be swept.
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
        """Where a run stages its SavedModels."""
        return self.folder / "staging" / run

    def parity_report(self, path: str) -> pathlib.Path:
        """Where the comparison of a module is kept, by its path in the tree."""
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
        """Removes what runs have left in staging; only for the holder of the lock."""
        swept = self.folder / "swept"
        shutil.rmtree(swept, ignore_errors=True)
        # Renamed first: a worker of a run that was killed may still be about to put a SavedModel
        # in place, which is all there, or not found.
        with contextlib.suppress(OSError):
            (self.folder / "staging").rename(swept)
        shutil.rmtree(swept, ignore_errors=True)

    def explain_unwritable(self) -> str:
        """Why nothing can be written now; empty if something can."""
        try:
            with tempfile.TemporaryFile(dir=self.folder) as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            return error.strerror or str(error)
        return ""
