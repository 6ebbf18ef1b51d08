"""A disk that is full, and one that is read-only: small ones in memory, mounted by root."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

from stress_migration.processes import Bench
from stress_migration.trees import make_tree
from stress_migration.trials import digests, load_all

_FIRST_KIB, _ENOUGH_KIB = 192, 256 << 10


def can_mount() -> bool:
    """Whether this process may mount a disk."""
    if os.geteuid() != 0:
        return False
    try:
        with tempfile.TemporaryDirectory() as place, _disk(pathlib.Path(place), 64):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextlib.contextmanager
def _disk(place: pathlib.Path, kib: int) -> Iterator[None]:
    _mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(place))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def fill(modules: int, scratch: pathlib.Path | None) -> str:
    """Migrates to a disk that is too small, which grows by half after each run.

    Raises:
      AssertionError: if an error is not clear, an output torn, or the last run does not end well.
    """
    with tempfile.TemporaryDirectory(prefix="tf1hub_stress_", dir=scratch) as folder:
        bench = Bench(pathlib.Path(folder))
        paths = make_tree(bench.source, modules)
        reference, destination = bench.scratch / "reference", bench.scratch / "dst"
        assert bench.migrate(reference).status == 0
        expected = digests(reference, paths)
        destination.mkdir()
        kib, progress, said = _FIRST_KIB, list[str](), list[str]()
        with _disk(destination, kib):
            while True:
                finished = bench.migrate(destination)
                found = digests(destination, paths)
                assert all(found[path] == expected[path] for path in found), "an output is torn"
                progress.append(f"{len(found)} at {kib} KiB")
                if finished.status == 0:
                    break
                assert finished.status == 1, finished.status
                said += finished.complaints
                assert finished.complaints, finished.errors[-2000:]
                assert all("No space left on device" in c for c in finished.complaints), said
                assert kib < _ENOUGH_KIB
                kib += kib // 2
                _mount("-o", f"remount,size={kib}k", str(destination))
            assert len(progress) > 2, "the disk was not too small"
            assert found == expected
            assert not bench.find_leftovers(destination), bench.find_leftovers(destination)
            load_all(destination, paths)
    return f"in place: {', '.join(progress)}; each time the error said so, such as {said[0]!r}"


def lock(modules: int, scratch: pathlib.Path | None) -> str:
    """Migrates half of a tree; then the disk is read-only, and then it is not.

    Raises:
      AssertionError: if the error is not clear, anything changes, or the last run does not go on.
    """
    with tempfile.TemporaryDirectory(prefix="tf1hub_stress_", dir=scratch) as folder:
        bench = Bench(pathlib.Path(folder))
        paths = make_tree(bench.source, modules)
        destination = bench.scratch / "dst"
        destination.mkdir()
        with _disk(destination, _ENOUGH_KIB):
            half = [option for path in paths[::2] for option in ("--include", path)]
            assert bench.migrate(destination, *half).status == 0
            before = digests(destination, paths)
            _mount("-o", "remount,ro", str(destination))
            stopped = bench.migrate(destination)
            assert stopped.status == 1, stopped.status
            (line,) = stopped.error_lines
            assert "Read-only file system" in line, stopped.errors[-2000:]
            assert str(destination) in line, line
            foreseen = bench.migrate(destination, "--dry-run")
            assert foreseen.status == 0, foreseen.errors[-2000:]
            assert digests(destination, paths) == before
            _mount("-o", "remount,rw", str(destination))
            finished = bench.migrate(destination)
            assert finished.status == 0, finished.errors[-2000:]
            assert finished.report is not None
            assert len(finished.report["repeated"]) == len(before) == len(paths[::2])
            assert not bench.find_leftovers(destination), bench.find_leftovers(destination)
    return f"{len(before)} of {modules} in place, then {line!r}, then the rest"
