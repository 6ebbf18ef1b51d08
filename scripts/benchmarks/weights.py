"""The weights ladder: modules of few nodes and many bytes.

Whole processes are timed, from `python -m converter convert` to its end, as a user waits for
them. A conversion's weights cost is its time without that of the smallest module, which stands
for all that does not depend on the weights; it is compared with `cp -r` of the same module. The
source is read once before, so that no side waits for the disk; what was written is written back
before the next one starts. Where the weights are large, it starts after a pause: a virtual machine
may give memory that is free for some seconds back to its host, and gets it again slowly. A
conversion writes seconds after its start, so without the pause `cp` alone would have the memory
that was freed a moment ago.

The peer is `hub.load` and `tf.saved_model.save`, with the signatures, without which the result
could not be called.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.goals import Goal, ratio
from benchmarks.measuring import (
    CONVERT,
    Finished,
    median_of,
    run,
    run_task,
    say,
    spread_of,
    take_turns,
    task_command,
)

SIZES_MIB = (10, 100, 1024, 4096)
REPETITIONS = 5
MIB, GIB = 2**20, 2**30

COST_LIMIT, LARGE_COST_LIMIT, LARGE_MIB = 1.2, 1.3, 4096  # times cp -r
MEMORY_LIMIT_MIB = 32.0  # per GiB of weights
HARDLINK_LIMIT_SECONDS = 0.3  # per GiB of weights

_SETTLE_SECONDS, _SETTLE_FROM_MIB = 6.0, 100

CP, CONVERTED, LINKED, PEER = "cp -r", "convert", "convert --hardlink", "hub.load + save"


@dataclasses.dataclass(frozen=True)
class Row:
    """One size.

    Attributes:
      mib: The weights, in MiB.
      seconds: Of each repetition, by contestant.
      peak_bytes: The largest resident set of each repetition, by contestant.
      errors: By contestant, of those that failed or were left out.
      cpu_seconds: Of each repetition, by contestant.
    """

    mib: int
    seconds: dict[str, list[float]]
    peak_bytes: dict[str, list[int]]
    errors: dict[str, str]
    cpu_seconds: dict[str, list[float]] = dataclasses.field(default_factory=dict)

    def median(self, name: str) -> float | None:
        """The seconds of a contestant."""
        return median_of(self.seconds.get(name, []))

    def cpu(self, name: str) -> float | None:
        """The processor seconds of a contestant."""
        return median_of(self.cpu_seconds.get(name, []))

    def peak(self, name: str) -> float | None:
        """The largest resident set of a contestant, in bytes."""
        return median_of(self.peak_bytes.get(name, []))


@dataclasses.dataclass(frozen=True)
class Judged:
    """A row beside the smallest one.

    Attributes:
      row: The measurements.
      smallest: The row of the smallest module.
    """

    row: Row
    smallest: Row

    @property
    def gib_more(self) -> float:
        """The weights above those of the smallest module, in GiB."""
        return (self.row.mib - self.smallest.mib) / 1024

    def above_smallest(self, name: str) -> float | None:
        """The seconds of a contestant above those for the smallest module."""
        return _difference(self.row.median(name), self.smallest.median(name))

    def memory_above_smallest(self, name: str) -> float | None:
        """The peak memory of a contestant above that for the smallest module, in MiB."""
        more = _difference(self.row.peak(name), self.smallest.peak(name))
        return None if more is None else more / MIB

    @property
    def goals(self) -> list[Goal]:
        """The three goals; the smallest module has none, and noise hides those of small ones."""
        if not self.gib_more:
            return []
        copied = self.row.median(CP)
        memory_allowed = MEMORY_LIMIT_MIB * MIB * self.gib_more
        return [
            Goal(
                "weights cost / cp -r",
                LARGE_COST_LIMIT if self.row.mib >= LARGE_MIB else COST_LIMIT,
                ratio(self.above_smallest(CONVERTED), copied),
                (copied or 0.0) > spread_of(self.smallest.seconds.get(CONVERTED, [])),
            ),
            Goal(
                "MiB of memory / GiB",
                MEMORY_LIMIT_MIB,
                ratio(self.memory_above_smallest(CONVERTED), self.gib_more),
                memory_allowed > spread_of(self.smallest.peak_bytes.get(CONVERTED, [])),
            ),
            Goal(
                "--hardlink, s / GiB",
                HARDLINK_LIMIT_SECONDS,
                ratio(self.above_smallest(LINKED), self.gib_more),
                HARDLINK_LIMIT_SECONDS * self.gib_more
                > spread_of(self.smallest.seconds.get(LINKED, [])),
            ),
        ]

    def to_json(self) -> dict[str, Any]:
        """The row, what follows from it, and the goals, as JSON values."""
        return {
            **dataclasses.asdict(self.row),
            "median_seconds": {name: self.row.median(name) for name in self.row.seconds},
            "median_cpu_seconds": {name: self.row.cpu(name) for name in self.row.cpu_seconds},
            "seconds_above_smallest": {n: self.above_smallest(n) for n in self.row.seconds},
            "mib_above_smallest": {n: self.memory_above_smallest(n) for n in self.row.seconds},
            "goals": [goal.to_json() for goal in self.goals],
        }


def judge(rows: Sequence[Row]) -> list[Judged]:
    """Puts each row beside the smallest."""
    smallest = min(rows, key=lambda row: row.mib)
    return [Judged(row, smallest) for row in rows]


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


# Measuring.


def measure(sizes_mib: Sequence[int], repetitions: int, scratch: pathlib.Path) -> list[Judged]:
    """Measures all sizes; nothing of it stays in the directory `scratch`."""
    links = offers_hardlinks()
    return judge([_measure_size(mib, repetitions, scratch, links) for mib in sorted(sizes_mib)])


def offers_hardlinks() -> bool:
    """Whether this converter has `--hardlink`."""
    return "--hardlink" in run([*CONVERT, "--help"]).output


def _measure_size(mib: int, repetitions: int, scratch: pathlib.Path, links: bool) -> Row:
    names = [CP, CONVERTED, *([LINKED] if links else []), PEER]
    errors = {} if links else {LINKED: "this converter has no such option"}
    needed = 3 * mib * MIB
    if shutil.disk_usage(scratch).free < needed:
        reason = f"needs {needed / GIB:.1f} GiB of free disk"
        return Row(mib, {}, {}, {**errors, **dict.fromkeys(names, reason)})
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        source = pathlib.Path(directory) / "module"
        say(f"weights: writing {mib} MiB")
        run_task("write_weights", directory=source, mib=mib)
        _read_all(source)
        results, failed = take_turns(
            {name: lambda name=name: _copy(name, mib, source) for name in names}, repetitions
        )
    return _to_row(mib, results, {**errors, **failed})


def _to_row(mib: int, results: dict[str, list[Finished]], errors: dict[str, str]) -> Row:
    seconds = {name: [one.seconds for one in found] for name, found in results.items()}
    peaks = {name: [one.peak_bytes for one in found] for name, found in results.items()}
    cpu = {name: [one.cpu_seconds for one in found] for name, found in results.items()}
    return Row(mib, seconds, peaks, errors, cpu)


def _copy(name: str, mib: int, source: pathlib.Path) -> Finished:
    """Makes a copy in one of the ways, and removes it."""
    destination = source.with_name("copy")
    say(f"weights: {mib} MiB, {name}")
    os.sync()
    if mib >= _SETTLE_FROM_MIB:
        time.sleep(_SETTLE_SECONDS)
    try:
        return run(_command(name, str(source), str(destination)))
    finally:
        shutil.rmtree(destination, ignore_errors=True)


def _command(name: str, source: str, destination: str) -> list[str]:
    return {
        PEER: task_command("save_peer", source=source, destination=destination),
        CP: ["cp", "-r", source, destination],
        CONVERTED: [*CONVERT, source, destination],
        LINKED: [*CONVERT, "--hardlink", source, destination],
    }[name]


def _read_all(directory: pathlib.Path) -> None:
    """Brings all files into the page cache."""
    block = bytearray(16 * MIB)
    for path in directory.rglob("*"):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.readinto(block):
                    pass
