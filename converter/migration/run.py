"""Runs a migration: plan, engine, journal, report.

Whatever ends a run, the next one resumes there: an output is complete or absent, and the journal
has all outcomes.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import tempfile
import time
from collections.abc import Callable

from converter import errors
from converter.files.paths import as_tensorflow_path
from converter.files.scratch import clear, sweep
from converter.files.snapshot import take_snapshot
from converter.migration.candidates import Found
from converter.migration.discover import check_source_root
from converter.migration.engines import Engine, Finished, Limits
from converter.migration.engines.local import LocalEngine
from converter.migration.environment import describe_environment
from converter.migration.journal import (
    JobFinished,
    JobStarted,
    Journal,
    RunFinished,
    RunStarted,
    read_journal,
)
from converter.migration.lock import locked
from converter.migration.options import Options
from converter.migration.outcomes import UNSUCCESSFUL, Failed, Outcome
from converter.migration.plan import Plan, find_modules, make_plan
from converter.migration.report import MigrationReport
from converter.migration.state import State
from converter.migration.watcher import Watcher
from converter.migration.worker import INSPECT
from converter.version import __version__


class StoppedNow(KeyboardInterrupt):
    """A run was interrupted, and did not wait for running jobs.

    Attributes:
      report: Its result up to then.
    """

    def __init__(self, report: MigrationReport) -> None:
        super().__init__()
        self.report = report


def run_migration(
    options: Options, watcher: Watcher, stopping: Callable[[], bool]
) -> MigrationReport:
    """Migrates a tree.

    Args:
      options: The options.
      watcher: Called with the run's progress.
      stopping: Called before each job: whether to begin no more, and finish those that run.

    Raises:
      UsageError: if there is nothing to migrate, one tree lies in the other, or the path of one is
        not UTF-8.
      DestinationError: if DST_ROOT cannot be written, or another run writes to it.
      InternalError: if no worker can be started.
      StoppedNow: on a KeyboardInterrupt.
    """
    _check_roots(options)
    found = find_modules(options)
    run = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{secrets.token_hex(3)}"
    if options.dry_run:
        try:
            return _Run(options, watcher, stopping, run).execute(found, None)
        finally:
            # What killed workers had unpacked; those of real runs stage in DST_ROOT.
            sweep(pathlib.Path(tempfile.gettempdir()), clear)
    state = State(options.destination_root)
    with locked(state.folder / "lock"):
        # The run before has ended, one way or another.
        state.sweep()
        state.make(run)
        try:
            with Journal(options.destination_root) as journal:
                return _Run(options, watcher, stopping, run).execute(found, journal)
        finally:
            state.sweep()


def _check_roots(options: Options) -> None:
    for root in (options.source_root, options.destination_root):
        as_tensorflow_path(root)
    if options.from_list is None:
        check_source_root(options.source_root)
    source, destination = options.source_root.resolve(), options.destination_root.resolve()
    if source.is_relative_to(destination) or destination.is_relative_to(source):
        raise errors.UsageError(
            f"{options.source_root} and {options.destination_root} lie one inside the other",
            remedy="Choose a DST_ROOT outside of SRC_ROOT.",
        )


def _make_engine(options: Options, jobs: int, run: str) -> Engine:
    limits = Limits(
        timeout_secs=options.timeout_secs, memory_limit_bytes=options.memory_limit_bytes
    )
    if options.engine == "dask":
        from converter.migration.engines.dask import DaskEngine

        return DaskEngine(options.scheduler or "", limits, run)
    return LocalEngine(max(1, min(options.workers or _processors(), jobs)), limits)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Run:
    """One run, from its plan to its report."""

    def __init__(
        self, options: Options, watcher: Watcher, stopping: Callable[[], bool], run: str
    ) -> None:
        self._options = options
        self._watcher = watcher
        self._asked_to_stop = stopping
        self._run = run
        self._began = time.time()
        self._outcomes: dict[str, Outcome] = {}
        self._repeated: tuple[str, ...] = ()
        self._foreseen: set[str] = set()
        self._stopped_because = ""
        self._workers = 1

    def execute(self, found: Found, journal: Journal | None) -> MigrationReport:
        """Runs it; without a journal in a dry run, which writes nothing."""
        history = read_journal(self._options.destination_root)
        plan = make_plan(self._options, found, history, self._run)
        known = (*plan.outcomes, *plan.repeated)
        self._outcomes = {outcome.path: outcome for outcome in known}
        self._repeated = tuple(outcome.path for outcome in plan.repeated)
        if journal is not None:
            journal.append(self._describe_start())
            journal.append(
                *(
                    self._describe(outcome, None)
                    for outcome in plan.outcomes
                    if outcome.path not in history.entries
                    or history.entries[outcome.path].outcome != outcome
                )
            )
        try:
            self._run_jobs(plan, journal)
        except KeyboardInterrupt:
            self._stopped_because = "it was interrupted"
            raise StoppedNow(self._finish(plan, journal)) from None
        return self._finish(plan, journal)

    def _run_jobs(self, plan: Plan, journal: Journal | None) -> None:
        if not plan.jobs:
            self._watcher.planned(plan, 0)
            return
        engine = _make_engine(self._options, len(plan.jobs), self._run)
        self._workers = engine.workers
        self._watcher.planned(plan, engine.workers)
        function = INSPECT if self._options.dry_run else self._options.job_function
        with contextlib.closing(engine.run(plan.jobs, function, self._is_stopping)) as events:
            for event in events:
                if isinstance(event, Finished):
                    self._note_outcome(event, plan, journal)
                    continue
                path = event.job.path
                if journal is not None:
                    journal.append(JobStarted(run=self._run, time=time.time(), path=path))
                self._watcher.started(path)

    def _is_stopping(self) -> bool:
        return bool(self._stopped_because) or self._asked_to_stop()

    def _note_outcome(self, event: Finished, plan: Plan, journal: Journal | None) -> None:
        path, outcome = event.job.path, event.outcome
        if outcome is None:
            self._foreseen.add(path)
        else:
            self._outcomes[path] = outcome
            if journal is not None:
                journal.append(self._describe(outcome, plan.stat_digests[path]))
                self._consider_stopping(outcome)
        self._watcher.finished(path, outcome)

    def _consider_stopping(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failed) and outcome.error.kind == "DestinationError":
            problem = State(self._options.destination_root).explain_unwritable()
            if problem:
                root = self._options.destination_root
                self._stopped_because = f"{root} cannot be written: {problem}"
        if self._options.fail_fast and isinstance(outcome, UNSUCCESSFUL):
            self._stopped_because = f"{outcome.path} failed, and --fail-fast is set"

    def _describe_start(self) -> RunStarted:
        return RunStarted(
            run=self._run,
            time=self._began,
            converter=__version__,
            source_root=str(self._options.source_root),
            options=self._options.to_json(),
            environment=describe_environment(),
        )

    def _describe(self, outcome: Outcome, source_stat_digest: str | None) -> JobFinished:
        has_output = hasattr(outcome, "record")
        destination = self._options.destination_root / outcome.destination
        return JobFinished(
            run=self._run,
            time=time.time(),
            outcome=outcome,
            source_stat_digest=source_stat_digest,
            destination_stat_digest=take_snapshot(destination).stat_digest if has_output else None,
            fingerprint=self._options.conversion_of(outcome.path).fingerprint,
            converter=__version__,
        )

    def _finish(self, plan: Plan, journal: Journal | None) -> MigrationReport:
        not_run = tuple(job.path for job in plan.jobs if job.path not in self._outcomes)
        report = MigrationReport(
            run=self._run,
            source_root=str(self._options.source_root),
            destination_root=str(self._options.destination_root),
            outcomes=tuple(self._outcomes[path] for path in sorted(self._outcomes)),
            options={job.path: changed for job in plan.jobs if (changed := job.options.changed())},
            repeated=self._repeated,
            not_run=not_run,
            interrupted=bool(set(not_run) - self._foreseen),
            stopped_because=self._stopped_because,
            dry_run=self._options.dry_run,
            workers=self._workers,
            seconds=time.time() - self._began,
        )
        if journal is not None:
            journal.append(
                RunFinished(
                    run=self._run,
                    time=time.time(),
                    counts=report.counts,
                    interrupted=report.interrupted,
                )
            )
        return report
