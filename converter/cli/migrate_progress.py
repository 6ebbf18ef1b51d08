"""Progress of a migration on stderr: a live table on a terminal, plain lines in a log."""

from __future__ import annotations

import collections
import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from rich.console import Group
from rich.table import Table

from converter.cli import terminal
from converter.cli.loudness import is_quiet
from converter.cli.progress import bar, is_live, live
from converter.display.console import escape
from converter.migration.outcomes import UNSUCCESSFUL, Outcome, name_outcome
from converter.migration.plan import Plan
from converter.migration.report_tables import describe
from converter.migration.watcher import Silent, Watcher
from converter.quantities import count, format_seconds, format_time_left

_SHOWN = 8  # Modules that are being converted, and that failed last.


@contextlib.contextmanager
def showing_progress() -> Iterator[Watcher]:
    """Yields a watcher that shows progress; with -q, one that shows nothing."""
    if is_quiet():
        yield Silent()
    elif not is_live():
        yield _Lines()
    else:
        with live(table := _LiveTable(), transient=False):
            yield table


class _Progress:
    """The progress of a run.

    Args:
      clock: Tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self.total = 0
        self.workers = 0
        self.before: tuple[Outcome, ...] = ()
        self.done = 0
        self.counts: collections.Counter[str] = collections.Counter()
        self.running: dict[str, float] = {}
        self.failures: collections.deque[tuple[str, str]] = collections.deque(maxlen=_SHOWN)

    def planned(self, plan: Plan, workers: int) -> None:
        """See `Watcher`."""
        self.total, self.workers = len(plan.jobs), workers
        self.before = (*plan.outcomes, *plan.repeated)
        self._began = self._clock()

    def started(self, path: str) -> None:
        """See `Watcher`."""
        self.running[path] = self._clock()

    def finished(self, path: str, outcome: Outcome | None) -> None:
        """See `Watcher`."""
        self.running.pop(path, None)
        self.done += 1
        self.counts["planned" if outcome is None else name_outcome(outcome)] += 1
        if isinstance(outcome, UNSUCCESSFUL):
            self.failures.append((path, describe(outcome)))

    def pace(self) -> str:
        """Formats the modules per minute, and the time left at that pace."""
        seconds = self._clock() - self._began
        if not self.done or not seconds:
            return ""
        left = seconds / self.done * (self.total - self.done)
        return f"{60 * self.done / seconds:.1f} a minute, {format_time_left(left)}"

    @property
    def share(self) -> str:
        """The part of the modules that is done: `33%`."""
        return f"{self.done / self.total:.0%}" if self.total else ""


class _Lines(_Progress):
    """Prints a line for each event, for logs."""

    def planned(self, plan: Plan, workers: int) -> None:
        super().planned(plan, workers)
        for outcome in plan.outcomes:
            terminal.say_step(f"{outcome.path}: {describe(outcome)}")
        terminal.say_step(
            f"{count(self.total, 'module')} to do with {count(workers, 'worker')},"
            f" {len(plan.repeated)} as they were, {len(plan.outcomes)} without a job"
        )

    def finished(self, path: str, outcome: Outcome | None) -> None:
        super().finished(path, outcome)
        seconds = f" in {format_seconds(outcome.seconds)}" if outcome else ""
        pace = ", ".join(part for part in (self.share, self.pace()) if part)
        terminal.say_step(
            f"[{self.done}/{self.total}] {path}: {describe(outcome)}{seconds} ({pace})"
        )


class _LiveTable(_Progress):
    """A table that a thread of rich redraws several times a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._lock = threading.Lock()

    def planned(self, plan: Plan, workers: int) -> None:
        with self._lock:
            super().planned(plan, workers)

    def started(self, path: str) -> None:
        with self._lock:
            super().started(path)

    def finished(self, path: str, outcome: Outcome | None) -> None:
        with self._lock:
            super().finished(path, outcome)

    def __rich__(self) -> Group:
        with self._lock:
            return Group(self._headline(), self._running(), *self._failed())

    def _headline(self) -> Table:
        counts = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in self.counts.items())
        parts = [f"[bold]{self.done} of {self.total}[/bold]", counts, self.pace()]
        if self.before:
            parts.append(f"{len(self.before)} known before")
        text = "   ".join(part for part in parts if part)
        table = Table.grid(padding=(0, 2))
        table.add_row(bar(self.done, self.total), self.share, text)
        return table

    def _running(self) -> Table:
        table = Table.grid(padding=(0, 2))
        now = self._clock()
        for path, since in list(self.running.items())[:_SHOWN]:
            table.add_row(f"{now - since:5.0f} s", escape(path))
        return table

    def _failed(self) -> Iterator[str]:
        for path, text in self.failures:
            yield f"[red]{escape(path)}[/red]: {escape(text)}"
