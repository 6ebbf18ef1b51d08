"""The archives ladder: a module in an archive, beside unpacking it by hand first.

Whole processes are timed, as in `weights`; both sides read and write the same bytes. The peer is
`tar -x`, or Python's `zipfile`, with a conversion of the directory.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.goals import Goal, ratio
from benchmarks.measuring import CONVERT, Finished, median_of, run, run_task, say, take_turns

SUFFIXES = (".tar.gz", ".tar", ".zip")
SIZE_MIB = 1024
REPETITIONS = 3
MIB = 2**20

COST_LIMIT = 1.1  # times unpacking by hand and converting
MEMORY_LIMIT_MIB = 32.0  # above that

ARCHIVE, BY_HAND = "convert ARCHIVE", "unpack, convert"

_SETTLE_SECONDS, _SETTLE_FROM_MIB = 6.0, 100


@dataclasses.dataclass(frozen=True)
class Row:
    """One form of archives.

    Attributes:
      suffix: That of its name.
      mib: The weights in it, in MiB.
      archive_mib: Its size, in MiB.
      seconds: Of each repetition, by contestant.
      peak_bytes: The largest resident set of each repetition, by contestant.
      errors: By contestant, of those that failed.
    """

    suffix: str
    mib: int
    archive_mib: float
    seconds: dict[str, list[float]]
    peak_bytes: dict[str, list[int]]
    errors: dict[str, str]

    def median(self, name: str) -> float | None:
        """The seconds of a contestant."""
        return median_of(self.seconds.get(name, []))

    def more_memory(self) -> float | None:
        """The peak memory with the archive above that without, in MiB."""
        one, other = (median_of(self.peak_bytes.get(n, [])) for n in (ARCHIVE, BY_HAND))
        return None if one is None or other is None else (one - other) / MIB

    @property
    def goals(self) -> list[Goal]:
        """The two goals."""
        return [
            Goal("/ by hand", COST_LIMIT, ratio(self.median(ARCHIVE), self.median(BY_HAND))),
            Goal("MiB more", MEMORY_LIMIT_MIB, self.more_memory()),
        ]

    def to_json(self) -> dict[str, Any]:
        """The row and its goals, as JSON values."""
        return {**dataclasses.asdict(self), "goals": [goal.to_json() for goal in self.goals]}


def measure(mib: int, repetitions: int, scratch: pathlib.Path) -> list[Row]:
    """Measures all forms; nothing of it stays in the directory `scratch`."""
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        module = pathlib.Path(directory) / "module"
        say(f"archives: writing {mib} MiB")
        run_task("write_weights", directory=module, mib=mib)
        return [_measure_form(suffix, mib, repetitions, module) for suffix in SUFFIXES]


def _measure_form(suffix: str, mib: int, repetitions: int, module: pathlib.Path) -> Row:
    archive = module.with_name(f"module{suffix}")
    say(f"archives: packing {archive.name}")
    run(["sh", "-c", _PACK[suffix].format(archive=_quote(archive), module=_quote(module))])
    size = archive.stat().st_size / MIB
    commands = _commands(suffix, archive)
    results, errors = take_turns(
        {name: lambda name=name: _attempt(name, mib, archive, commands) for name in commands},
        repetitions,
    )
    archive.unlink()
    seconds = {name: [one.seconds for one in found] for name, found in results.items()}
    peaks = {name: [one.peak_bytes for one in found] for name, found in results.items()}
    return Row(suffix, mib, size, seconds, peaks, errors)


def _attempt(
    name: str, mib: int, archive: pathlib.Path, commands: dict[str, Sequence[str]]
) -> Finished:
    say(f"archives: {archive.name}, {name}")
    os.sync()
    if mib >= _SETTLE_FROM_MIB:
        time.sleep(_SETTLE_SECONDS)
    work = archive.with_name("work")
    work.mkdir()
    try:
        return run(commands[name])
    finally:
        shutil.rmtree(work)


def _commands(suffix: str, archive: pathlib.Path) -> dict[str, Sequence[str]]:
    work = archive.with_name("work")
    unpack = _UNPACK[suffix].format(archive=_quote(archive), folder=_quote(work / "unpacked"))
    convert = shlex.join([*CONVERT, str(work / "unpacked"), str(work / "converted")])
    return {
        ARCHIVE: [*CONVERT, str(archive), str(work / "converted")],
        BY_HAND: ["sh", "-c", f"{unpack} && {convert}"],
    }


def _quote(path: pathlib.Path) -> str:
    return shlex.quote(str(path))


_PYTHON = shlex.quote(sys.executable)
_PACK = {
    ".tar.gz": "tar -czf {archive} -C {module} .",
    ".tar": "tar -cf {archive} -C {module} .",
    ".zip": f"{_PYTHON} -m zipfile -c {{archive}} {{module}}/*",
}
_UNPACK = {
    ".tar.gz": "mkdir {folder} && tar -xzf {archive} -C {folder}",
    ".tar": "mkdir {folder} && tar -xf {archive} -C {folder}",
    ".zip": f"{_PYTHON} -m zipfile -e {{archive}} {{folder}}",
}
