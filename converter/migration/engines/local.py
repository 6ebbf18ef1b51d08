"""The local engine: a thread for each worker process of this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence

from converter.migration.engines import Finished, Limits, Started
from converter.migration.job import Job
from converter.migration.job_runner import JobRunner
from converter.migration.worker_process import serving_forks


@dataclasses.dataclass(frozen=True, slots=True)
class LocalEngine:
    """Runs jobs in processes of this machine.

    Args:
      workers: How many jobs run at a time.
      limits: The limits of a job.
    """

    workers: int
    limits: Limits = dataclasses.field(default_factory=Limits)

    def run(
        self, jobs: Sequence[Job], function: str, stopping: Callable[[], bool]
    ) -> Generator[Started | Finished, None, None]:
        """Runs jobs; see `Engine.run`."""
        with serving_forks(function) as server:
            count = min(self.workers, len(jobs))
            runners = [JobRunner(function, self.limits, server) for _ in range(count)]
            work = _Work(jobs, stopping)
            threads = [threading.Thread(target=work.do, args=(runner,)) for runner in runners]
            for thread in threads:
                thread.start()
            try:
                yield from work.events(len(threads))
            finally:
                work.stop()
                for runner in runners:
                    runner.kill()
                if server is not None:
                    server.kill()  # A runner may still be waiting for it.
                for thread in threads:
                    thread.join()


@dataclasses.dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


class _Work:
    """The jobs that threads share, and the events that they report."""

    def __init__(self, jobs: Sequence[Job], stopping: Callable[[], bool]) -> None:
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in jobs:
            self._jobs.put(job)
        self._is_stopping = stopping
        self._is_stopped = threading.Event()
        self._events: queue.SimpleQueue[Started | Finished | _Failure | None] = queue.SimpleQueue()

    def stop(self) -> None:
        """Makes threads begin no more jobs."""
        self._is_stopped.set()

    def events(self, threads: int) -> Iterator[Started | Finished]:
        """Yields the events that threads report, until the last thread has ended."""
        while threads:
            event = self._events.get()
            if isinstance(event, _Failure):
                raise event.error
            if event is None:
                threads -= 1
            else:
                yield event

    def do(self, runner: JobRunner) -> None:
        """Runs jobs in a thread, whose worker process lives and dies with it."""
        try:
            with contextlib.closing(runner):
                self._run_jobs(runner)
        except BaseException as error:
            self._events.put(_Failure(error))
        finally:
            self._events.put(None)

    def _run_jobs(self, runner: JobRunner) -> None:
        runner.start()
        while not self._is_stopping() and not self._is_stopped.is_set():
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            self._events.put(Started(job))
            self._events.put(Finished(job, runner.run(job)))
