"""Fresh processes, their time and memory, and medians of several."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONVERT = (sys.executable, "-m", "converter", "convert")
_PATH = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "tests")]


class MeasuringError(Exception):
    """A process failed; the text is its last word."""


@dataclasses.dataclass(frozen=True)
class Finished:
    """A process that ended well.

    Attributes:
      seconds: From its start to its end.
      cpu_seconds: The processor time of it and of the processes that it waited for.
      peak_bytes: Its largest resident set.
      output: What it wrote, errors included.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def run(command: Sequence[str], *, expected: Collection[int] = (0,)) -> Finished:
    """Runs a command in a process of its own.

    Linux counts the memory of the parent as that of its child until the child executes its
    program, so whoever measures memory must be small: no TensorFlow in this process.

    Args:
      command: The program and its arguments.
      expected: The exit statuses of success.

    Raises:
      MeasuringError: if it fails.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=output, env=_environment())
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode not in expected:
        raise MeasuringError(_last_word(process.returncode, text))
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Finished(seconds, cpu_seconds, usage.ru_maxrss * 1024, text)


def run_task(task: str, /, **arguments: Any) -> Any:
    """Runs a function of `tasks.py` in a fresh process and returns its result.

    Raises:
      MeasuringError: if it fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        result = pathlib.Path(scratch) / "result.json"
        run([*task_command(task, **arguments), str(result)])
        return json.loads(result.read_text())


def task_command(task: str, /, **arguments: Any) -> list[str]:
    """The command that runs a function of `tasks.py`, for its time and its effects."""
    text = json.dumps(arguments, default=str)
    return [sys.executable, "-m", "benchmarks.tasks", task, text]


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(_PATH),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }


def _last_word(code: int, text: str) -> str:
    if code < 0:
        return f"killed by signal {-code}"
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"exit status {code}"


def median_of(values: Sequence[float | None]) -> float | None:
    """The median of what is there; None for nothing."""
    present = [value for value in values if value is not None]
    return statistics.median(present) if present else None


def spread_of(values: Sequence[float]) -> float:
    """How far apart the middle half of some values lies; infinitely far for fewer than two."""
    if len(values) < 2:
        return math.inf
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return high - low


Attempt = Callable[[], Any]


def take_turns(
    contestants: Mapping[str, Attempt], repetitions: int
) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Runs each contestant once a round, so that what disturbs the machine disturbs all.

    Args:
      contestants: What to run, by name.
      repetitions: The number of rounds.

    Returns:
      The results by name, and the errors by name of those that failed: they run no more.
    """
    results: dict[str, list[Any]] = {name: [] for name in contestants}
    errors: dict[str, str] = {}
    for _ in range(repetitions):
        for name, attempt in contestants.items():
            if name in errors:
                continue
            try:
                results[name].append(attempt())
            except MeasuringError as error:
                errors[name] = str(error)
    return results, errors


def say(text: str) -> None:
    """Reports progress, apart from the results."""
    print(text, file=sys.stderr, flush=True)
