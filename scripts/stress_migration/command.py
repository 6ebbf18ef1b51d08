"""Puts migrations under stress, and says what it has seen.

    scripts/stress_migrate                      # everything; about ten minutes on two cores
    scripts/stress_migrate --only pace,modules --workers 1,2
    scripts/stress_migrate --only kills --kills 50 --seed 7

    pace      many modules, all of them sound: how fast?
    modules   many modules, three of them broken, one that crashes its worker, one that hangs
    kills     kill -9 of the whole process group at random moments, resumed each time
    full      a disk that fills up (root only)
    readonly  a disk that is read-only for a while (root only)

A time means something only on a machine that does nothing else. Exit status: 0 if all went as it
should, 1 if something did not, or could not be tried.
"""

from __future__ import annotations

import argparse
import pathlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from stress_migration import bad_modules, disks, kills

SCENARIOS = ("pace", "modules", "kills", "full", "readonly")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    arguments = _parse_arguments(argv)
    passed = True
    for name, trial in _trials(arguments):
        began = time.monotonic()
        try:
            text, ok = trial(), True
        except AssertionError as error:
            text, ok = f"FAILED: {error}", False
        passed &= ok
        print(f"{name} ({time.monotonic() - began:.0f} s): {text}", flush=True)
    return 0 if passed else 1


def _trials(arguments: argparse.Namespace) -> Iterator[tuple[str, Callable[[], str]]]:
    modules, scratch = arguments.modules, arguments.scratch
    for name in arguments.only:
        if name == "pace":
            for workers in arguments.workers:
                yield name, partial(bad_modules.run_sound, modules, workers, scratch)
        elif name == "modules":
            for workers in arguments.workers:
                limit = arguments.timeout_secs
                yield name, partial(bad_modules.run, modules, workers, limit, scratch)
        elif name == "kills":
            yield name, partial(kills.run, modules, arguments.kills, arguments.seed, scratch)
        else:
            yield name, partial(_as_root, disks.fill if name == "full" else disks.lock, scratch)


def _as_root(trial: Callable[[int, pathlib.Path | None], str], scratch: pathlib.Path | None) -> str:
    assert disks.can_mount(), "it needs the right to mount a disk"
    return trial(24, scratch)


def _parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="stress_migrate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", type=_parse_scenarios, default=SCENARIOS, metavar="NAME,…",
        help="some of them (default: all)")  # fmt: skip
    add("--modules", type=_parse_count, default=200, metavar="N",
        help="how many modules the first three have (default: 200)")  # fmt: skip
    add("--workers", type=_parse_counts, default=(2,), metavar="N,…",
        help="how many workers the first two have, run after run (default: 2)")  # fmt: skip
    add("--timeout-secs", type=float, default=20.0, metavar="S",
        help="how long a module may take in the second; one hangs (default: 20)")  # fmt: skip
    add("--kills", type=_parse_count, default=20, metavar="N", help="how many (default: 20)")
    add("--seed", type=int, default=random.randrange(1000), metavar="N",
        help="of the moments of the kills (default: another each time)")  # fmt: skip
    add("--scratch", type=pathlib.Path, metavar="DIR",
        help="where trees are written and removed (default: the system's)")  # fmt: skip
    return parser.parse_args(argv)


def _parse_scenarios(text: str) -> tuple[str, ...]:
    wanted = text.split(",")
    unknown = sorted(set(wanted) - set(SCENARIOS))
    if unknown:
        raise argparse.ArgumentTypeError(f"expected some of {SCENARIOS}, found {unknown[0]!r}")
    return tuple(name for name in SCENARIOS if name in wanted)


def _parse_counts(text: str) -> tuple[int, ...]:
    return tuple(_parse_count(part) for part in text.split(","))


def _parse_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, found {text!r}")
    return int(text)
