"""Engines, which run jobs. Their one method takes jobs, and yields events in any order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Sequence
from typing import Protocol

from converter.migration.job import Job
from converter.migration.outcomes import Outcome


@dataclasses.dataclass(frozen=True, slots=True)
class Started:
    """A job was given to a worker; yielded once or more for each job."""

    job: Job


@dataclasses.dataclass(frozen=True, slots=True)
class Finished:
    """A job has its outcome, None from `inspect_job`; yielded once for each job."""

    job: Job
    outcome: Outcome | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a job.

    Attributes:
      timeout_secs: How long it may take; None for no limit.
      memory_limit_bytes: How much memory it may hold, its processes together; None for no limit.
      jobs_per_worker: After how many jobs a worker is replaced, to bound leaks. Over 200 fixtures,
        one process went from 576 to 625 MiB (TensorFlow 2.21).
    """

    timeout_secs: float | None = None
    memory_limit_bytes: int | None = None
    jobs_per_worker: int = 1000


class Engine(Protocol):
    """Runs jobs."""

    @property
    def workers(self) -> int:
        """How many jobs run at a time, as far as is known."""

    def run(
        self, jobs: Sequence[Job], function: str, stopping: Callable[[], bool]
    ) -> Generator[Started | Finished, None, None]:
        """Runs jobs, each in a process, so that it cannot harm the others.

        Args:
          jobs: In the order in which they should begin.
          function: The function that runs a job, as `module:function`.
          stopping: Called before each job: whether to begin no more, and finish those that run.

        Yields:
          Each job's outcome once, as soon as it is known. Closing the generator stops all jobs at
          once.

        Raises:
          InternalError: if the workers do not run.
        """
