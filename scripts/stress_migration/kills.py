"""`kill -9` of the whole process group at random moments, and going on each time."""

from __future__ import annotations

import contextlib
import json
import pathlib
import random
import subprocess
import tempfile
import time

from converter.migration.journal import journal_path
from stress_migration.processes import Bench, kill
from stress_migration.trees import make_tree
from stress_migration.trials import digests, identities, load_all

# A run is killed after so many modules, and then a moment; with none, while it starts. Moments are
# shares of the time of an undisturbed run: machines differ.
_MOST_MODULES = 4
_START_SHARE, _MOMENT_SHARE = 0.5, 0.1


def run(modules: int, kills: int, seed: int, scratch: pathlib.Path | None) -> str:
    """Migrates a tree with a run that is killed again and again.

    Raises:
      AssertionError: if an output is torn, written twice, or differs from that of an undisturbed
        run; if a temporary file remains; or if all is done before half of the kills.
    """
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="tf1hub_stress_", dir=scratch) as folder:
        bench = Bench(pathlib.Path(folder))
        paths = make_tree(bench.source, modules)
        reference, destination = bench.scratch / "reference", bench.scratch / "dst"
        began = time.monotonic()
        assert bench.migrate(reference).status == 0
        undisturbed_secs = time.monotonic() - began
        expected = digests(reference, paths)
        assert len(expected) == modules
        seen: dict[str, tuple[int, int]] = {}
        progress: list[int] = []
        while len(progress) < kills and _run_and_kill(bench, destination, dice, undisturbed_secs):
            _check_outputs(destination, paths, expected, seen)
            progress.append(len(seen))
        assert len(progress) > kills / 2, "all was done before half of the kills: take more modules"
        finished = bench.migrate(destination)
        assert finished.status == 0, finished.errors[-2000:]
        _check_outputs(destination, paths, expected, seen)
        assert digests(destination, paths) == expected
        assert not bench.find_leftovers(destination), bench.find_leftovers(destination)
        assert not _begun_after_commit(destination), _begun_after_commit(destination)
        load_all(destination, paths)
        again = bench.migrate(destination)
        assert again.report is not None
        assert len(again.report["repeated"]) == modules
    return (
        f"{len(progress)} kills (seed {seed}), with {progress} of {modules} modules in place after"
        " each; no output was ever torn or written twice, all load, all bytes are those of an"
        " undisturbed run, and no temporary file remains"
    )


def _run_and_kill(
    bench: Bench, destination: pathlib.Path, dice: random.Random, undisturbed_secs: float
) -> bool:
    """Returns whether the run was killed: it may end before."""
    wanted = dice.randrange(_MOST_MODULES + 1)
    share = dice.uniform(0, _MOMENT_SHARE if wanted else _START_SHARE)
    before = _count_outcomes(destination)
    process = bench.start(destination)
    while wanted and _count_outcomes(destination) < before + wanted and process.poll() is None:
        time.sleep(0.01)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(share * undisturbed_secs)
    is_running = process.poll() is None
    kill(process)
    return is_running


def _count_outcomes(destination: pathlib.Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return journal_path(destination).read_bytes().count(b'"event": "job_finished"')
    return 0


def _check_outputs(
    destination: pathlib.Path,
    paths: list[str],
    expected: dict[str, str],
    seen: dict[str, tuple[int, int]],
) -> None:
    """Checks that what is in place is whole, and what was in place is what it was."""
    for path, found in digests(destination, paths).items():
        assert found == expected[path], f"{path} is torn"
    now = identities(destination, paths)
    for path, identity in seen.items():
        assert now.get(path) == identity, f"{path} was written again"
    seen.update(now)


def _begun_after_commit(destination: pathlib.Path) -> list[str]:
    """Modules that were begun though the journal had their success."""
    done, again = set(), []
    for line in journal_path(destination).read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "job_started" and event["path"] in done:
            again.append(event["path"])
        elif event["event"] == "job_finished":
            done.add(event["outcome"]["path"])
    return again
