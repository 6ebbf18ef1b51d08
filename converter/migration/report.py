"""The result of a run of a migration."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

import msgspec

from converter.display.shown import Shown
from converter.files.json_values import Seconds, to_json_values
from converter.migration.outcomes import (
    COUNTED,
    UNSUCCESSFUL,
    Converted,
    Outcome,
    Unsuccessful,
    UpToDate,
    is_open,
    name_outcome,
)
from converter.parity.verdict import EQUAL, NOT_COMPARED

if TYPE_CHECKING:
    from converter.display.console import Console


class MigrationReport(Shown, msgspec.Struct, frozen=True, kw_only=True):
    """The result of a run of a migration, and the state of the whole tree.

    Attributes:
      run: The run's id in the journal.
      source_root: The tree of modules.
      destination_root: The tree of SavedModels.
      outcomes: An outcome for each path, sorted; those of earlier runs included.
      repeated: The paths that kept the outcome of an earlier run, since nothing has changed.
      not_run: The paths of modules without an outcome: the run was stopped before, or, in a dry
        run, they would be converted.
      options: For each module that had a job, the options that are not the defaults.
      interrupted: Whether the run was stopped.
      stopped_because: Why it stopped by itself, if it did.
      dry_run: Whether it was a dry run, which writes nothing.
      workers: How many jobs ran at a time.
      seconds: How long the run took.

    Example:
      ```python
      migration = converter.migrate("modules", "saved_models", dry_run=True)
      print(migration.counts, migration.not_run)
      ```
    """

    run: str
    source_root: str
    destination_root: str
    outcomes: tuple[Outcome, ...] = ()
    repeated: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    options: dict[str, dict[str, Any]] = {}
    interrupted: bool = False
    stopped_because: str = ""
    dry_run: bool = False
    workers: int = 1
    seconds: Seconds = 0.0

    def _headline(self) -> str:
        counts = {**self.counts, "not run": len(self.not_run)}
        found = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n)
        return f"{self.destination_root!r}, {found or 'no modules'}, {self.equal} proven equal"

    def _show(self, console: Console) -> None:
        from converter.migration.report_tables import print_report

        print_report(self, console, in_python=True)

    @property
    def passed(self) -> bool:
        """Whether everything that can be converted is, or would be."""
        return not self.unsuccessful and (self.dry_run or not self.not_run)

    @property
    def unsuccessful(self) -> tuple[Unsuccessful, ...]:
        """The outcomes of modules that were not converted."""
        return tuple(o for o in self.outcomes if isinstance(o, UNSUCCESSFUL))

    @property
    def not_compared(self) -> tuple[Converted | UpToDate, ...]:
        """The outcomes of SavedModels that could not be compared in full."""
        return tuple(o for o in self._verified if is_open(o.parity))

    @property
    def equal(self) -> int:
        """How many modules were proven equal to their originals, in this run or before."""
        return sum(bool(o.parity and o.parity.passed) for o in self._verified)

    @property
    def _verified(self) -> tuple[Converted | UpToDate, ...]:
        return tuple(
            o for o in self.outcomes if isinstance(o, Converted | UpToDate) and o.parity is not None
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many outcomes there are of each type, all types included.

        SavedModels that could not be compared in full are counted as `not_compared` alone.
        """
        counter = collections.Counter(map(name_outcome, self.outcomes))
        return {name: counter[name] for name in COUNTED}

    @property
    def converted(self) -> int:
        """How many modules have a SavedModel, of this run or before."""
        return sum(isinstance(o, Converted | UpToDate) for o in self.outcomes)

    @property
    def ran(self) -> tuple[Outcome, ...]:
        """The outcomes of jobs that ran in this run."""
        repeated = frozenset(self.repeated)
        return tuple(o for o in self.outcomes if o.attempts and o.path not in repeated)

    @property
    def modules_per_minute(self) -> float:
        """How many jobs finished per minute."""
        return 60 * len(self.ran) / self.seconds if self.seconds else 0.0

    @property
    def overhead(self) -> float:
        """The fraction of the workers' time in which no job ran."""
        available = self.seconds * self.workers
        return 1 - sum(o.seconds for o in self.ran) / available if available else 0.0

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, with its properties; `msgspec.convert` reads it back."""
        properties = {
            "passed": self.passed,
            "counts": self.counts,
            "verdicts": {EQUAL: self.equal, NOT_COMPARED: len(self.not_compared)},
            "modules_per_minute": round(self.modules_per_minute, 2),
            "overhead": round(self.overhead, 4),
        }
        return {**to_json_values(self), **properties}
