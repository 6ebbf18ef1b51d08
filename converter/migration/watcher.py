"""Watches the progress of a run."""

from __future__ import annotations

from typing import Protocol

from converter.migration.outcomes import Outcome
from converter.migration.plan import Plan


class Watcher(Protocol):
    """Called with the progress of a run, always from the thread that runs the migration.

    Example:
      ```python
      class Printer:
          def planned(self, plan, workers):
              print(len(plan.jobs), "modules to do")

          def started(self, path):
              print("began", path)

          def finished(self, path, outcome):
              print("finished", path, type(outcome).__name__)


      converter.migrate("modules", "saved_models", dry_run=True, watcher=Printer())
      ```
    """

    def planned(self, plan: Plan, workers: int) -> None:
        """The run has a plan.

        Args:
          plan: The modules to do, and the outcomes that are known before.
          workers: How many jobs run at a time.
        """

    def started(self, path: str) -> None:
        """A module was given to a worker.

        Args:
          path: The module's path in the tree.
        """

    def finished(self, path: str, outcome: Outcome | None) -> None:
        """A module has its outcome.

        Args:
          path: The module's path in the tree.
          outcome: The outcome; None in a dry run if it would be converted.
        """


class Silent:
    """Shows nothing."""

    def planned(self, plan: Plan, workers: int) -> None:
        """See `Watcher`."""

    def started(self, path: str) -> None:
        """See `Watcher`."""

    def finished(self, path: str, outcome: Outcome | None) -> None:
        """See `Watcher`."""
