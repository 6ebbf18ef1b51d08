"""Runs jobs one at a time in a worker process, and replaces the process when needed."""

from __future__ import annotations

import signal
import time
from typing import Any

from converter.migration.engines import Limits
from converter.migration.job import Job
from converter.migration.outcomes import Crashed, ErrorInfo, Outcome, TimedOut
from converter.migration.worker_process import (
    TooMuchMemoryError,
    TooSlowError,
    WorkerDiedError,
    WorkerProcess,
)
from converter.processes.forked_process import ForkServer

_GIB = 1 << 30


class JobRunner:
    """Runs jobs in a worker process, many in the same one.

    A job that kills its worker is tried again in a fresh one if other jobs had used the first: they
    may be to blame.

    Args:
      function: The function that runs a job, as `module:function`.
      limits: The limits of a job.
      server: The fork server that starts its workers, if there is one.
    """

    def __init__(self, function: str, limits: Limits, server: ForkServer | None = None) -> None:
        self._function = function
        self._limits = limits
        self._server = server
        self._worker: WorkerProcess | None = None
        self._is_closed = False

    def start(self) -> WorkerProcess:
        """Returns the worker; starts a new one if none can take a job.

        Raises:
          InternalError: if it does not start.
        """
        if self._worker and self._worker.jobs_done >= self._limits.jobs_per_worker:
            self._drop_worker()
        if self._worker is None:
            self._worker = WorkerProcess(self._function, self._server)
            if self._is_closed:  # By another thread, a moment ago.
                self._worker.kill()
            self._worker.wait_until_ready()
        return self._worker

    def run(self, job: Job) -> Outcome | None:
        """Runs a job; its outcome is `TimedOut` or `Crashed` if it killed the worker.

        Raises:
          InternalError: if no worker starts.
        """
        worker = self.start()
        is_fresh = worker.jobs_done == 0
        started = time.time()
        try:
            return worker.run(
                job,
                timeout_secs=self._limits.timeout_secs,
                memory_limit_bytes=self._limits.memory_limit_bytes,
            )
        except TooSlowError:
            self._drop_worker()
            return self._timed_out(job, started)
        except (WorkerDiedError, TooMuchMemoryError) as error:
            self._drop_worker()
            if is_fresh or self._is_closed:
                return self._crashed(job, started, error)
        return self.run(job.again())

    def kill(self) -> None:
        """Kills the worker and its job, for good; from any thread."""
        self._is_closed = True
        if self._worker is not None:
            self._worker.kill()

    def close(self) -> None:
        """Ends the worker while no job runs on it."""
        self._is_closed = True
        self._drop_worker()

    def _drop_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def _timed_out(self, job: Job, started: float) -> Outcome:
        limit = self._limits.timeout_secs or 0.0
        error = ErrorInfo(
            kind="TimedOut",
            message=f"it took longer than {limit:g} seconds, and was stopped",
            remedy="Allow more time with --timeout-secs if the module is large.",
        )
        return TimedOut(**_facts(job, started), error=error, limit_secs=limit)

    def _crashed(
        self, job: Job, started: float, error: WorkerDiedError | TooMuchMemoryError
    ) -> Outcome:
        if isinstance(error, TooMuchMemoryError):
            info = self._explain_memory(error.memory_bytes)
            return Crashed(**_facts(job, started), error=info, memory_bytes=error.memory_bytes)
        info = ErrorInfo(
            kind="Crashed",
            message=f"its worker process {_how_it_ended(error.exit_status)}",
            remedy="Convert it alone with `tf1hub convert` to see more.",
            details=error.last_words,
        )
        return Crashed(**_facts(job, started), error=info, exit_status=error.exit_status)

    def _explain_memory(self, memory_bytes: int) -> ErrorInfo:
        limit = self._limits.memory_limit_bytes or 0
        return ErrorInfo(
            kind="MemoryLimit",
            message=f"it used {memory_bytes / _GIB:.2f} GiB of memory, more than the"
            f" {limit / _GIB:.2f} GiB allowed, and was stopped",
            remedy="Allow more with --memory-limit-gib, and use fewer --workers.",
        )


def _facts(job: Job, started: float) -> dict[str, Any]:
    return {
        **job.module_fields(),
        "started": started,
        "seconds": time.time() - started,
        "attempts": job.attempt,
    }


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = ": the system may be out of memory" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"
