"""Mutates real modules in every part, and holds the converter to its promises.

    scripts/fuzz_modules --minutes 30 --seed 7
    scripts/fuzz_modules --mutants 1000 --workers 2 --json
    scripts/fuzz_modules --seed 7 --only 123       # one of them again, with all that is known

Each mutant is a fixture with one or a few edits: of its graphs, functions, signatures, collections,
checkpoint, and files. It must be refused by a ConversionError of one printable line, or convert to
a SavedModel that loads and equals the mutant itself in a V1 Session. Anything else is a finding: it
is made as small as possible, and written where a test runs it again (see `regressions.py`). Exit
status 1 when there is one.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from module_fuzzing import regressions
from module_fuzzing.fixtures import small_fixtures
from module_fuzzing.judgement import FINDING, Judgement
from module_fuzzing.mutant import write_json
from module_fuzzing.shrinking import shrink
from module_fuzzing.statistics import Statistics
from module_fuzzing.trials import Limits, Trials

_SECONDS_BETWEEN_REPORTS = 30.0
_MAX_SHRINKS = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command."""
    options = _parse(arguments)
    limits = Limits(options.timeout_secs, int(options.memory_limit_gib * (1 << 30)))
    if options.only is not None:
        return _run_one(options, limits)
    run = Run(options, limits)
    run.search()
    if options.json:
        print(json.dumps(run.statistics.to_json(), indent=2))
    else:
        run.statistics.print_summary()
    return 1 if run.statistics.findings else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--minutes", type=float, metavar="M", help="how long to go on")
    add("--mutants", type=int, metavar="N", help="how many; default: 1000 without --minutes")
    add("--seed", type=int, default=0, metavar="S", help="default: 0")
    add("--first", type=int, default=0, metavar="K", help="number of the first; default: 0")
    add("--only", type=int, metavar="K", help="run mutant K alone, and show all of it")
    add("--workers", type=int, default=1, metavar="N", help="default: 1")
    add("--fixtures", nargs="+", metavar="NAME", help="default: all but the largest")
    add("--timeout-secs", type=float, default=120.0, metavar="S", help="of one; default: 120")
    add("--memory-limit-gib", type=float, default=4.0, metavar="G", help="default: 4")
    add("--keep", type=pathlib.Path, default=regressions.FOLDER, metavar="DIR",
        help="where to write findings; default: tests/regressions")  # fmt: skip
    add("--json", action="store_true", help="print the summary as JSON")
    options = parser.parse_args(arguments)
    if options.minutes is None and options.mutants is None:
        options.mutants = 1000
    options.fixtures = options.fixtures or list(small_fixtures())
    return options


class Run:
    """A search for mutants that the converter does not treat as it promises.

    Attributes:
      statistics: What was found.
    """

    def __init__(self, options: argparse.Namespace, limits: Limits) -> None:
        self._options = options
        self._limits = limits
        self._numbers = self._count()
        self._lock = threading.Lock()
        self._reported = self._started = time.monotonic()
        self._seen: set[tuple[str, ...]] = set()
        self.statistics = Statistics(options.seed)

    def search(self) -> None:
        """Runs the mutants, each worker in its own thread."""
        threads = [threading.Thread(target=self._work) for _ in range(self._options.workers)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:  # What runs is finished, and counted.
            self._numbers = iter(())
            for thread in threads:
                thread.join()
        self.statistics.seconds = time.monotonic() - self._started

    def _count(self) -> Iterator[int]:
        number = self._options.first
        end = None if self._options.mutants is None else number + self._options.mutants
        minutes = self._options.minutes
        while (end is None or number < end) and (
            minutes is None or time.monotonic() < self._started + 60 * minutes
        ):
            yield number
            number += 1

    def _next(self) -> int | None:
        with self._lock:
            return next(self._numbers, None)

    def _work(self) -> None:
        trials = Trials(self._limits)
        try:
            while (number := self._next()) is not None:
                mutant, judgement = trials.run(_order(self._options, number))
                if self._note(number, judgement):
                    self._keep(number, mutant, judgement, trials)
        finally:
            trials.close()

    def _note(self, number: int, judgement: Judgement) -> bool:
        """Counts a mutant; whether it is the first that shows a fault."""
        with self._lock:
            self.statistics.add(number, judgement)
            self._report()
            is_new = judgement.state == FINDING and judgement.cause not in self._seen
            if is_new:
                self._seen.add(judgement.cause)
        return is_new

    def _report(self) -> None:
        if time.monotonic() - self._reported > _SECONDS_BETWEEN_REPORTS:
            self._reported = time.monotonic()
            print(self.statistics.progress(), file=sys.stderr, flush=True)

    def _keep(self, number: int, mutant: Any, judgement: Judgement, trials: Trials) -> None:
        """Makes a finding small, and writes it."""
        text = f"{judgement.step} {judgement.kind}: {judgement.message[:300]}"
        print(f"mutant {number}: {text} [{judgement.place}]", file=sys.stderr, flush=True)
        left = _MAX_SHRINKS

        def fails(smaller: Any) -> bool:
            nonlocal left
            left -= 1
            return left >= 0 and trials.run(smaller)[1].cause == judgement.cause

        directory = regressions.write(self._options.keep, shrink(mutant, fails), judgement)
        print(f"mutant {number}: wrote {directory}", file=sys.stderr, flush=True)


def _order(options: argparse.Namespace, number: int) -> dict[str, Any]:
    return {"seed": options.seed, "number": number, "fixtures": options.fixtures}


def _run_one(options: argparse.Namespace, limits: Limits) -> int:
    trials = Trials(limits)
    try:
        mutant, judgement = trials.run(_order(options, options.only))
    finally:
        trials.close()
    details = judgement.details
    print(write_json({**mutant, **judgement.to_json(), "details": ""}), end="")
    print(details, end="\n" if details else "")
    return 1 if judgement.state == FINDING else 0
