"""Runs jobs in a Dask worker: in a child process, so that a job cannot harm the worker."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from typing import Any

import msgspec

from converter.files.json_values import to_json_values
from converter.migration.engines import Limits
from converter.migration.job import Job
from converter.migration.job_runner import JobRunner
from converter.migration.worker import Answer


@dataclasses.dataclass(slots=True)
class _Held:
    """The runner of a thread of this worker.

    Attributes:
      runner: The runner, with its child process.
      kind: The kind of jobs that it was made for; jobs of another kind need another runner. None
        when it was killed.
      run: The run that used it last.
    """

    runner: JobRunner
    kind: tuple[Any, ...] | None
    run: str


# By thread, since only the thread that made a child process may use it. There is one for each, so
# that a run whose client was killed leaves no more than that.
_HELD: dict[int, _Held] = {}
_LOCK = threading.Lock()


def run_on_worker(
    values: Mapping[str, Any], function: str, limits: Mapping[str, Any], run: str
) -> dict[str, Any]:
    """Runs a job and returns its `Answer`, both as JSON values, which are small; raises nothing."""
    job = msgspec.convert(values, Job)
    kind = (function, Limits(**limits), job.options.import_ops)
    answer: dict[str, Any] = to_json_values(Answer(_hold(kind, run).run(job)))
    return answer


def _hold(kind: tuple[Any, ...], run: str) -> JobRunner:
    """Returns the runner of this thread; an earlier job's if it is of the same kind."""
    thread = threading.get_ident()
    with _LOCK:
        held = _HELD.get(thread)
        if held is not None and held.kind != kind:
            held.runner.close()
            held = None
        if held is None:
            held = _HELD[thread] = _Held(JobRunner(kind[0], kind[1]), kind, run)
        held.run = run
        return held.runner


def close_runners(run: str) -> None:
    """Ends the child processes that a run used last, with the jobs that they may be running."""
    with _LOCK:
        for held in _HELD.values():
            if held.run == run:
                # Its own thread closes it: a job may be running on it.
                held.kind = None
                held.runner.kill()
