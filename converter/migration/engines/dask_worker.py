"""What runs in a Dask worker: a child process runs the job, so that it cannot harm the worker."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from converter.migration.engines import Limits
from converter.migration.job import Job
from converter.migration.slot import Slot

# By run, and by thread of this worker: a child process is used from the thread that made it.
_SLOTS: dict[tuple[str, int], Slot] = {}


def run_on_worker(
    job: Mapping[str, Any], function: str, limits: Mapping[str, Any], run: str
) -> dict[str, Any] | None:
    """Runs a job, and returns its outcome as JSON values: nothing large, and nothing raised."""
    key = (run, threading.get_ident())
    slot = _SLOTS.setdefault(key, Slot(function, Limits(**limits)))
    outcome = slot.run(Job.from_json(job))
    return None if outcome is None else outcome.to_json()


def close_slots(run: str) -> None:
    """Ends the child processes of a run, with the jobs that they may be running."""
    for key in [key for key in _SLOTS if key[0] == run]:
        _SLOTS.pop(key).kill()
