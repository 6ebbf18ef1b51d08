"""Many modules, some of which are broken, crash their worker, or hang."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import tempfile
from typing import Any

from stress_migration.processes import Bench, Finished
from stress_migration.trees import add_troubles, make_tree
from stress_migration.trials import load_all


@dataclasses.dataclass(frozen=True)
class Pace:
    """How fast a run was.

    Attributes:
      workers: How many modules were converted at a time.
      modules: How many there were.
      seconds: How long the run took, as its report says.
      process_seconds: How long the process took, its start and end included.
      job_seconds: The sum of what each job took.
    """

    workers: int
    modules: int
    seconds: float
    process_seconds: float
    job_seconds: float

    @property
    def overhead(self) -> float:
        """How much longer the run took than its jobs, divided among the workers: 0.1 is a tenth."""
        return self.seconds * self.workers / self.job_seconds - 1

    def to_text(self) -> str:
        """All of it in one line."""
        return (
            f"{self.modules} modules, {self.workers} workers: {self.seconds:.1f} s"
            f" ({self.process_seconds:.1f} s for the process),"
            f" {60 * self.modules / self.seconds:.1f} modules a minute;"
            f" jobs took {self.job_seconds:.1f} s together, overhead {self.overhead:.1%}"
        )


def measure(finished: Finished, workers: int) -> Pace:
    """The pace of a run."""
    report: dict[str, Any] = finished.report or {}
    jobs = [outcome["seconds"] for outcome in report["outcomes"] if outcome["attempts"]]
    return Pace(workers, len(jobs), report["seconds"], finished.seconds, sum(jobs))


def run_sound(modules: int, workers: int, scratch: pathlib.Path | None) -> str:
    """Migrates `modules` sound modules.

    Raises:
      AssertionError: if one of them is not converted.
    """
    with tempfile.TemporaryDirectory(prefix="tf1hub_stress_", dir=scratch) as folder:
        bench = Bench(pathlib.Path(folder), workers)
        make_tree(bench.source, modules)
        finished = bench.migrate(bench.scratch / "dst")
        assert finished.status == 0, finished.complaints
    return measure(finished, workers).to_text()


def run(modules: int, workers: int, timeout_secs: float, scratch: pathlib.Path | None) -> str:
    """Migrates `modules` modules, five of them bad.

    Raises:
      AssertionError: if one of them has another outcome than it should have.
    """
    with tempfile.TemporaryDirectory(prefix="tf1hub_stress_", dir=scratch) as folder:
        bench = Bench(pathlib.Path(folder), workers)
        sound = make_tree(bench.source, modules - 5)
        expected = {**dict.fromkeys(sound, "converted"), **add_troubles(bench.source)}
        destination = bench.scratch / "dst"
        finished = bench.migrate(destination, "--timeout-secs", str(timeout_secs))
        assert finished.outcomes == expected, _differences(finished.outcomes, expected)
        assert finished.status == 1, finished.status
        assert not bench.find_leftovers(destination), bench.find_leftovers(destination)
        load_all(destination, sound)
        again = bench.migrate(destination, "--timeout-secs", str(timeout_secs))
        expected = {p: "up_to_date" if o == "converted" else o for p, o in expected.items()}
        assert again.outcomes == expected, _differences(again.outcomes, expected)
        assert again.report is not None
        assert len(again.report["repeated"]) == modules
    counts = dict(collections.Counter(finished.outcomes.values()))
    return (
        f"{measure(finished, workers).to_text()}\n{counts}, exit status {finished.status}; all"
        f" {len(sound)} load; a second run did nothing, in {again.seconds:.1f} s"
    )


def _differences(found: dict[str, str], expected: dict[str, str]) -> dict[str, Any]:
    return {
        path: (found.get(path), expected.get(path))
        for path in found.keys() | expected.keys()
        if found.get(path) != expected.get(path)
    }
