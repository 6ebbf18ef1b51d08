"""`tf1hub migrate` as a process of its own, with the job function of the tests."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil

from stress_migration.trees import ROOT

# The command line has no option for tests; so it is told here which job function to use.
_PROGRAM = """
import functools, sys
from converter.cli import main
from converter.migration import migrate
from migration.fake_jobs import migrate_by
migrate.migrate = functools.partial(migrate_by, "migration.fake_jobs:real")
sys.exit(main.main(main.parse_arguments(["tf1hub", "migrate", "--no-report", *sys.argv[1:]])))
"""


@dataclasses.dataclass(frozen=True)
class Finished:
    """A run that ended by itself.

    Attributes:
      status: The exit status.
      report: What `--json` printed; None if it printed nothing.
      errors: What it wrote to stderr.
      seconds: How long the whole process took.
    """

    status: int
    report: dict[str, Any] | None
    errors: str
    seconds: float

    @property
    def error_lines(self) -> list[str]:
        """The lines of stderr that say what went wrong."""
        return [line for line in self.errors.splitlines() if line.startswith("tf1hub: error:")]

    @property
    def complaints(self) -> list[str]:
        """All that went wrong: with the run, and with each module."""
        outcomes = self.report["outcomes"] if self.report else []
        return [*self.error_lines, *(o["error"]["message"] for o in outcomes if "error" in o)]

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each module, by path."""
        assert self.report is not None, self.errors
        return {outcome["path"]: outcome["outcome"] for outcome in self.report["outcomes"]}


class Bench:
    """A place to run migrations in.

    Args:
      scratch: An empty directory. It is to hold `tmp`, for temporary files, and `attempts`, a log.
      workers: How many modules are converted at a time.
    """

    def __init__(self, scratch: pathlib.Path, workers: int = 2) -> None:
        self.scratch = scratch
        self.source = scratch / "src"
        self._workers = workers
        self._temporary = scratch / "tmp"
        self._temporary.mkdir()

    def start(self, destination: pathlib.Path, *options: str) -> subprocess.Popen[str]:
        """Starts a run, as the leader of a process group."""
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
            "TMPDIR": str(self._temporary),
            "TF1HUB_TEST_LOG": str(self.scratch / "attempts"),
        }
        return subprocess.Popen(
            [
                sys.executable, "-c", _PROGRAM, str(self.source), str(destination),
                "--workers", str(self._workers), "--json", *options,
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment, start_new_session=True,
        )  # fmt: skip

    def migrate(self, destination: pathlib.Path, *options: str) -> Finished:
        """Runs a migration to its end."""
        began = time.monotonic()
        process = self.start(destination, *options)
        output, messages = process.communicate()
        seconds = time.monotonic() - began
        report = json.loads(output) if output.strip() else None
        return Finished(process.returncode, report, messages, seconds)

    def find_leftovers(self, destination: pathlib.Path) -> list[str]:
        """Temporary files that runs have left, here and in the destination."""
        kept = {"journal.jsonl", "lock", "parity"}
        folder = destination / ".tf1hub"
        state = {path.name for path in folder.iterdir()} if folder.exists() else set()
        hidden = [path for path in _hidden(destination) if path != folder]
        return [
            *sorted(state - kept),
            *(path.relative_to(destination).as_posix() for path in hidden),
            *sorted(path.name for path in self._temporary.iterdir()),
        ]


def _hidden(root: pathlib.Path) -> Iterator[pathlib.Path]:
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            if name.startswith("."):
                yield pathlib.Path(folder, name)


def kill(process: subprocess.Popen[str]) -> None:
    """Kills a run's process group, as `kill -9 -PID` does, and waits until all of it is gone.

    Raises:
      AssertionError: if one of its workers lives on.
    """
    workers: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        workers = psutil.Process(process.pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive, f"workers outlive the run: {alive}"
