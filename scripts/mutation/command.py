"""Puts small faults into the converter, one at a time, and names those that no test finds.

    scripts/mutate_code converter/passes --mutants 150 --seed 7
    scripts/mutate_code converter/parity/compare.py --only 17,23

Of each fault, the tests of its file run first; if they pass, those of the folder, then those of
whole modules. A fault that none of them finds survives: either it changes nothing that anybody
could see, or a test is missing. The exit status is 1 when one survives.
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import re
import sys
import tempfile
import time
from collections.abc import Sequence

from mutation import mutants
from mutation.mutants import Mutant
from mutation.running import ROOT, BrokenTestsError, Outcome, import_what_all_tests_need, run_tests
from mutation.tests_of import STAGES

SURVIVED = "survived"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    arguments = _parse_arguments(argv)
    drawn = _draw(arguments)
    import_what_all_tests_need()
    found: collections.Counter[tuple[str, str]] = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="mutate_code_") as scratch:
        log = pathlib.Path(scratch, "log")
        _expect_tests_to_pass(drawn, log, arguments)
        for place, mutant in enumerate(drawn, 1):
            began = time.monotonic()
            stage = _find_killer(mutant, log, arguments)
            found[_folder(mutant), stage] += 1
            seconds = time.monotonic() - began
            print(f"{place}/{len(drawn)} {stage} ({seconds:.0f} s) {mutant}", flush=True)
            if stage != SURVIVED:
                print(f"    by {_killer(log)}", flush=True)
    _print_table(found)
    return 1 if any(stage == SURVIVED for _, stage in found) else 0


def _parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=pathlib.Path, metavar="PATH", help="what to break")
    parser.add_argument("--mutants", type=int, default=100, metavar="N", help="default: 100")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    parser.add_argument(
        "--only", type=lambda text: {int(part) for part in text.split(",")}, metavar="N,…",
        help="the faults of one file with these numbers, which stand in [brackets]",
    )  # fmt: skip
    parser.add_argument(
        "--stages", type=lambda text: text.split(","), default=list(STAGES), metavar="STAGE,…",
        help=f"which tests; default: {','.join(STAGES)}",
    )  # fmt: skip
    parser.add_argument(
        "--timeout-secs", type=float, default=300, metavar="S", help="of a stage; default: 300"
    )
    return parser.parse_args(argv)


def _draw(arguments: argparse.Namespace) -> list[Mutant]:
    files: set[pathlib.Path] = set()
    for path in arguments.paths:
        absolute = (ROOT / path).resolve()
        files.update(absolute.rglob("*.py") if absolute.is_dir() else [absolute])
    paths = sorted(file.relative_to(ROOT) for file in files)
    if arguments.only is None:
        return mutants.sample(paths, arguments.mutants, arguments.seed)
    return [m for path in paths for m in mutants.find_mutants(path) if m.number in arguments.only]


def _expect_tests_to_pass(
    drawn: Sequence[Mutant], log: pathlib.Path, arguments: argparse.Namespace
) -> None:
    """Fails where tests fail by themselves, which would find every fault."""
    # The tests of a file are among those of its folder.
    stages = set(arguments.stages) - ({"narrow"} if "wide" in arguments.stages else set())
    wanted = {tuple(STAGES[stage](m.path)) for stage in stages for m in drawn}
    for tests in sorted(wanted):
        if run_tests(tests, log, arguments.timeout_secs) is not Outcome.SURVIVED:
            output = log.read_text(errors="replace")[-2000:]
            raise BrokenTestsError(f"{' '.join(tests)}: fails without any fault\n{output}")


def _find_killer(mutant: Mutant, log: pathlib.Path, arguments: argparse.Namespace) -> str:
    """The first stage whose tests find the fault."""
    for stage in arguments.stages:
        outcome = run_tests(STAGES[stage](mutant.path), log, arguments.timeout_secs, mutant)
        if outcome is not Outcome.SURVIVED:
            return stage if outcome is Outcome.KILLED else f"{stage}, by the clock"
    return SURVIVED


def _killer(log: pathlib.Path) -> str:
    """The test that failed, as pytest sums it up in its last lines."""
    summary = re.findall(r"^(?:FAILED|ERROR) (.*)$", log.read_text(errors="replace"), re.MULTILINE)
    return summary[-1][:160] if summary else "no test in particular"


def _folder(mutant: Mutant) -> str:
    return "/".join(mutant.path.parts[:2])


def _print_table(found: collections.Counter[tuple[str, str]]) -> None:
    stages = sorted({stage for _, stage in found}, key=lambda stage: (stage == SURVIVED, stage))
    print(f"\n{'':24}", *(f"{stage:>20}" for stage in ["mutants", *stages]))
    for folder in sorted({folder for folder, _ in found}):
        counts = [found[folder, stage] for stage in stages]
        print(f"{folder:24}", *(f"{count:20}" for count in [sum(counts), *counts]))


if __name__ == "__main__":
    sys.exit(main())
