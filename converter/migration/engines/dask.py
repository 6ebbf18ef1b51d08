"""The engine for many machines: workers of Dask.distributed that share a filesystem.

A Dask worker keeps results until they are fetched, and takes them with it when it dies; so each is
fetched and released at once, and no more jobs are sent than can begin soon. When a worker is lost,
its jobs start again elsewhere and recognize work that is done: a job runs at least once.

Dask has no authentication of its own and runs the code it is sent: use TLS, or a private network.
A worker that is frozen, but not dead, is noticed after `distributed.scheduler.worker-ttl`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import msgspec

from converter import errors
from converter.files.json_values import to_json_values
from converter.migration.engines import Finished, Limits, Started
from converter.migration.engines.dask_worker import close_runners, run_on_worker
from converter.migration.job import Job
from converter.migration.outcomes import Crashed, ErrorInfo, Outcome
from converter.migration.worker import Answer

try:
    import distributed
except ImportError as error:
    raise errors.UsageError(
        "--engine dask needs the package distributed, which is not installed",
        remedy="Install tf1hub-converter[dask], here and on all machines.",
    ) from error

_CONNECT_SECS = 30
_WAIT_FOR_WORKERS_SECS = 120
# How many jobs are sent for each thread of a worker: one that runs, and one to follow it.
_JOBS_PER_THREAD = 2


class DaskEngine:
    """Runs jobs on the workers of a Dask scheduler.

    Args:
      scheduler: Its address, such as `tcp://host:8786`.
      limits: The limits of a job.
      run: The run's id, for the keys of its tasks, which no two runs may share.

    Raises:
      UsageError: if there is no scheduler, or it has no workers.
    """

    def __init__(self, scheduler: str, limits: Limits, run: str) -> None:
        self._scheduler = scheduler
        self._limits = limits
        self._run = run
        self._client = _connect(scheduler)

    @property
    def workers(self) -> int:
        """How many jobs run at a time: one for each thread of each current worker."""
        return _count_threads(self._client)

    def run(
        self, jobs: Sequence[Job], function: str, stopping: Callable[[], bool]
    ) -> Generator[Started | Finished, None, None]:
        """Runs jobs; see `Engine.run`.

        Raises:
          ConversionError: if the scheduler is lost, or its workers cannot run the converter.
        """
        dispatch = _Dispatch(self._client, function, self._limits, self._run)
        try:
            yield from dispatch.run(jobs, stopping)
        finally:
            dispatch.cancel()
            with contextlib.suppress(Exception):  # The scheduler may be gone.
                self._client.run(close_runners, self._run, on_error="ignore")
            self._client.close()


def _connect(scheduler: str) -> Any:
    try:
        client = distributed.Client(scheduler, timeout=_CONNECT_SECS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise errors.UsageError(
            f"there is no Dask scheduler at {scheduler!r}: {errors.first_line(error)}",
            remedy="Start one with `dask scheduler`, and pass its address with --scheduler.",
        ) from error
    try:
        client.wait_for_workers(1, timeout=_WAIT_FOR_WORKERS_SECS)
    except TimeoutError as error:
        client.close()
        raise errors.UsageError(
            f"the Dask scheduler at {scheduler!r} has no workers",
            remedy="Start some with `dask worker ADDRESS --nworkers N --nthreads 1`.",
        ) from error
    return client


def _count_threads(client: Any) -> int:
    """Returns how many threads all current workers have together."""
    try:
        return max(1, sum(client.ncores().values()))
    except (OSError, TimeoutError) as error:
        raise _lost() from error


def _lost() -> errors.ConversionError:
    return errors.ConversionError(
        "the Dask scheduler is lost, or has dropped the jobs",
        remedy="Start it again, then run the same command to resume.",
    )


@dataclasses.dataclass(slots=True)
class _Sent:
    """A job that the scheduler has."""

    job: Job
    tries: int
    when: float


class _Dispatch:
    """Sends the jobs of a run to the scheduler, and collects their outcomes."""

    def __init__(self, client: Any, function: str, limits: Limits, run: str) -> None:
        self._client = client
        self._function = function
        self._limits = limits
        self._run = run
        self._numbers = itertools.count()
        self._sent: dict[Any, _Sent] = {}
        self._completed = distributed.as_completed(loop=client.loop)

    def run(
        self, jobs: Sequence[Job], stopping: Callable[[], bool]
    ) -> Iterator[Started | Finished]:
        waiting = iter(jobs)
        yield from self._fill(waiting, stopping)
        for future in self._completed:
            yield from self._collect(future, self._sent.pop(future))
            yield from self._fill(waiting, stopping)

    def cancel(self) -> None:
        """Cancels the jobs that have no outcome."""
        with contextlib.suppress(Exception):  # The scheduler may be gone.
            self._client.cancel(list(self._sent), force=True)
        self._sent.clear()

    def _fill(self, jobs: Iterator[Job], stopping: Callable[[], bool]) -> Iterator[Started]:
        """Sends as many jobs as the current workers can begin soon."""
        if stopping():
            return
        room = _JOBS_PER_THREAD * _count_threads(self._client)
        while len(self._sent) < room:
            job = next(jobs, None)
            if job is None:
                return
            self._send(job, tries=1)
            yield Started(job)

    def _send(self, job: Job, tries: int) -> None:
        future = self._client.submit(
            run_on_worker,
            to_json_values(job),
            self._function,
            dataclasses.asdict(self._limits),
            self._run,
            # Not the path, which may hold what Dask cannot encode.
            key=f"tf1hub-{self._run}-{next(self._numbers)}",
            pure=False,
        )
        self._sent[future] = _Sent(job, tries, time.time())
        self._completed.add(future)

    def _collect(self, future: Any, sent: _Sent) -> Iterator[Started | Finished]:
        """Fetches what a job came to.

        What counts is what comes, not `future.status`: when a result was lost with its worker, the
        job runs again while it is fetched.
        """
        try:
            answer = future.result()
        except distributed.CancelledError as error:
            raise _lost() from error
        except Exception as error:  # Whatever the job, or Dask, raised on the worker.
            yield from self._retry(sent, error)
        else:
            yield Finished(sent.job, msgspec.convert(answer, Answer).outcome)
        finally:
            future.release()

    def _retry(self, sent: _Sent, error: Exception) -> Iterator[Started | Finished]:
        """Resends a job that was lost with its worker, once: another job may be to blame."""
        if sent.tries == 1:
            self._send(sent.job.again(), tries=2)
            yield Started(sent.job)
        elif isinstance(error, distributed.KilledWorker):
            yield Finished(sent.job, _crashed(sent))
        else:
            raise errors.ConversionError(
                "a Dask worker cannot run jobs:"
                f" {type(error).__name__}: {errors.first_line(error)}",
                remedy="Install the same versions of tf1hub-converter and TensorFlow on all"
                " machines.",
            ) from error


def _crashed(sent: _Sent) -> Outcome:
    return Crashed(
        **sent.job.module_fields(),
        started=sent.when,
        seconds=time.time() - sent.when,
        attempts=sent.job.attempt,
        error=ErrorInfo(
            kind="Crashed",
            message="the Dask workers that ran it were lost, one after the other",
            remedy="Convert it alone with `tf1hub convert` to see more.",
        ),
    )
