"""Runs tests in the environment of a cell."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import subprocess
import tempfile
import time
import types
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree

from version_matrix.cells import Cell
from version_matrix.results import Result
from version_matrix.selections import ROOT, arguments_of

_PACKAGES = ("tensorflow", "tf-keras", "tensorflow-hub", "keras", "numpy")
_VERSIONS = f"""
import importlib.metadata, json, platform
found = {{"python": platform.python_version()}}
for name in {_PACKAGES}:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def run_program(
    python: pathlib.Path,
    arguments: Sequence[str],
    *,
    folders: Sequence[str] = (),
    capture_output: bool,
) -> subprocess.CompletedProcess[str]:
    """Runs a Python of a cell on the sources of this checkout, with modules of more folders."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *folders])
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    environment.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    return subprocess.run(
        [str(python), *arguments],
        cwd=ROOT,
        env=environment,
        text=True,
        check=False,
        capture_output=capture_output,
    )


def read_versions(python: pathlib.Path) -> dict[str, str]:
    """The releases that are installed, by package."""
    return json.loads(run_program(python, ["-c", _VERSIONS], capture_output=True).stdout)


def read_commit() -> str:
    """The revision of this checkout, with a `+` if something is changed; empty without git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--exclude=*", "--dirty=+"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def run_tests(
    cell: Cell, python: pathlib.Path, selection: str, workers: str, *, quiet: bool
) -> Result:
    """Runs a selection of tests by pytest, whose output is shown unless `quiet`."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report = pathlib.Path(folder) / "report.xml"
        done = run_program(
            python,
            ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}",
             # The usual place is shared, and cleaned up by each run.
             f"--basetemp={folder}/tests",
             *(["-n", workers] if workers != "0" else []), *arguments_of(selection, cell)],
            capture_output=quiet,
        )  # fmt: skip
        if report.exists():
            counts, failures, skips = _read_report(report.read_text())
        else:
            counts, failures, skips = {}, {"pytest": last_line(done)}, {}
    if done.returncode and not failures:
        failures = {"pytest": f"exit status {done.returncode}: {last_line(done)}"}
    return make_result(
        cell, python, selection, started, counts=counts, failures=failures, skips=skips
    )


def make_result(
    cell: Cell,
    python: pathlib.Path,
    selection: str,
    started: float,
    *,
    counts: Mapping[str, int],
    failures: Mapping[str, str],
    skips: Mapping[str, int] = types.MappingProxyType({}),
    differences: Mapping[str, float] = types.MappingProxyType({}),
) -> Result:
    """The outcome of what began at `started`, in seconds of the monotonic clock."""
    return Result(
        cell=cell.name,
        selection=selection,
        date=datetime.date.today().isoformat(),
        commit=read_commit(),
        versions=read_versions(python),
        counts=counts,
        failures=failures,
        skips=dict(skips),
        differences=dict(differences),
        seconds=round(time.monotonic() - started, 1),
    )


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of what a program printed, or its exit status."""
    lines = f"{done.stdout or ''}\n{done.stderr or ''}".strip().splitlines()
    return lines[-1] if lines else f"exit status {done.returncode}"


def _read_report(text: str) -> tuple[Mapping[str, int], Mapping[str, str], Mapping[str, int]]:
    """How many tests of a JUnit report had each outcome, what failed, and why some were skipped."""
    counts: Counter[str] = Counter()
    failures: dict[str, str] = {}
    skips: Counter[str] = Counter()
    for name, outcome, message in _outcomes(text):
        counts[outcome] += 1
        if outcome == "failed":
            failures[name] = message
        elif outcome == "skipped":
            skips[message] += 1
    return dict(counts), failures, dict(skips)


def _outcomes(text: str) -> Iterator[tuple[str, str, str]]:
    for case in ElementTree.fromstring(text).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        outcome, message = "passed", ""
        for part in case:
            if part.tag in ("failure", "error"):
                outcome, message = "failed", _first_line(part)
            elif part.tag == "skipped" and outcome == "passed":
                outcome, message = "skipped", _first_line(part)
        yield name, outcome, message


def _first_line(part: ElementTree.Element) -> str:
    message = part.get("message") or ""
    if message == "collection skipped":  # The text is a tuple: the place, and the reason.
        message = (part.text or "").rpartition("Skipped: ")[2].rstrip("')\"") or message
    return (message or part.text or "").strip().partition("\n")[0]


def make_failure(cell: Cell, selection: str, message: str) -> Result:
    """The outcome of what could not be run at all."""
    return Result(
        cell=cell.name,
        selection=selection,
        date=datetime.date.today().isoformat(),
        commit=read_commit(),
        versions={},
        counts={},
        failures={selection: message},
        skips={},
        differences={},
        seconds=0.0,
    )
