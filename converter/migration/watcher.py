"""Watches the progress of a run."""

from __future__ import annotations

from typing import Protocol

from converter.migration.outcomes import Outcome
from converter.migration.plan import Plan


class Watcher(Protocol):
    """Called with the progress of a run, always from the thread that runs the migration."""

    def planned(self, plan: Plan, workers: int) -> None:
        """The run has a plan."""

    def started(self, path: str) -> None:
        """A module was given to a worker."""

    def finished(self, path: str, outcome: Outcome | None) -> None:
        """A module has its outcome; None in a dry run if it would be converted."""


class Silent:
    """Shows nothing."""

    def planned(self, plan: Plan, workers: int) -> None:
        """See `Watcher`."""

    def started(self, path: str) -> None:
        """See `Watcher`."""

    def finished(self, path: str, outcome: Outcome | None) -> None:
        """See `Watcher`."""
