"""The start: how long the command takes to refuse, and to inspect a small module.

Whole processes, beside `import tensorflow` in a process of its own.
"""

from __future__ import annotations

import dataclasses
import pathlib
import sys
import tempfile
from typing import Any

from benchmarks.goals import Goal, ratio
from benchmarks.measuring import Finished, MeasuringError, median_of, run, run_task, say, take_turns

REPETITIONS = 5
REFUSED_LIMIT_SECONDS, INSPECT_LIMIT = 0.5, 1.2  # the second: times `import tensorflow`
IMPORT, INSPECT = "import tensorflow", "inspect"
_REFUSED = (1, 2)


@dataclasses.dataclass(frozen=True)
class Row:
    """One way to start.

    Attributes:
      case: What was started.
      seconds: The median of its wall and of its processor seconds, as `wall` and `cpu`.
      import_seconds: The median of importing TensorFlow, in wall seconds.
      error: Why there is no measurement.
    """

    case: str
    seconds: dict[str, float | None]
    import_seconds: float | None
    error: str = ""

    @property
    def goals(self) -> list[Goal]:
        """A limit in seconds for what is refused, and relative to the import for the rest."""
        wall = self.seconds.get("wall")
        is_refused = self.case not in (IMPORT, INSPECT)
        inspected = ratio(wall, self.import_seconds) if self.case == INSPECT else None
        return [
            Goal("seconds to refuse", REFUSED_LIMIT_SECONDS, wall if is_refused else None),
            Goal("seconds / import tensorflow", INSPECT_LIMIT, inspected),
        ]

    def to_json(self) -> dict[str, Any]:
        """The row and its goals as JSON values."""
        return {**dataclasses.asdict(self), "goals": [goal.to_json() for goal in self.goals]}


def measure(repetitions: int, scratch: pathlib.Path) -> list[Row]:
    """Measures all cases; nothing of it stays in the directory `scratch`."""
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        directory = pathlib.Path(name)
        say("start: writing a small module")
        run_task("write_net", directory=directory / "module", nodes=100, conds=0)
        (directory / "taken").mkdir()
        (directory / "taken" / "file").touch()
        commands = _commands(directory)
        attempts = {case: lambda case=case: _attempt(case, commands[case]) for case in commands}
        results, errors = take_turns(attempts, repetitions)
    imported = median_of([one.seconds for one in results[IMPORT]])
    return [_to_row(case, results[case], imported, errors.get(case, "")) for case in commands]


def _commands(directory: pathlib.Path) -> dict[str, list[str]]:
    command = [sys.executable, "-m", "converter"]
    module, new = str(directory / "module"), str(directory / "new")
    return {
        IMPORT: [sys.executable, "-c", "import tensorflow"],
        INSPECT: [*command, "inspect", module],
        "wrong path": [*command, "convert", str(directory / "none"), new],
        "existing destination": [*command, "convert", module, str(directory / "taken")],
        "unknown option": [*command, "convert", "--no-such-option", module, new],
    }


def _attempt(case: str, command: list[str]) -> Finished:
    say(f"start: {case}")
    if case in (IMPORT, INSPECT):
        return run(command)
    finished = run(command, expected=_REFUSED)
    if "Traceback" in finished.output:
        raise MeasuringError("it ended in a traceback")
    return finished


def _to_row(case: str, found: list[Finished], imported: float | None, error: str) -> Row:
    seconds = {
        "wall": median_of([one.seconds for one in found]),
        "cpu": median_of([one.cpu_seconds for one in found]),
    }
    return Row(case, seconds, imported, error)
