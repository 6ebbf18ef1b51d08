"""Makes wrong results out of correct conversions, and counts which `tf1hub verify` finds.

    scripts/mutate_results                         # 300 of them, of all kinds
    scripts/mutate_results --count 40 --seed 7
    scripts/mutate_results --fixtures dense_regularized table_file

Each mutant is one edit of the written SavedModel, of its weights, assets or record. Prints a
Markdown table by kind, and explains each that verify calls equal: either it is equivalent, which is
shown from the graph without verify's help, or it is a hole in verify. Exit status 1 when there is
a hole.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import dataclasses
import multiprocessing
import pathlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from result_mutation import judging
from result_mutation.equivalence import explain
from result_mutation.files import Result
from result_mutation.mutants import Mutant, find_mutants

FIXTURES = (
    "half_plus_two", "dense_regularized", "ref_moving_averages", "table_file", "table_in_memory",
    "gan_truncation", "updates_per_signature", "while_simple", "cond_nested", "random_noise",
    "defun_calls", "sparse_mixed",
)  # fmt: skip
_SECONDS_EACH = 300


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of one mutant."""

    fixture: str
    mutant: Mutant
    verdict: str
    explanation: str = ""

    @property
    def state(self) -> str:
        """`found`, `equivalent`, `below noise` or `missed`."""
        if not self.verdict.startswith(("equal", "not compared")):
            return "found"
        if self.explanation:
            return "equivalent"
        return "below noise" if "within tolerance" in self.verdict else "missed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fixtures", nargs="+", default=FIXTURES, metavar="NAME")
    parser.add_argument("--count", type=int, default=300, metavar="N", help="default: 300")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="default: 1")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="mutate_results_") as scratch:
        outcomes = run(options, scratch)
    print_table(outcomes, time.perf_counter() - started)
    return 1 if any(outcome.state == "missed" for outcome in outcomes) else 0


def run(options: argparse.Namespace, scratch: str) -> list[Outcome]:
    """Makes and judges the mutants."""
    rights = {name: judging.convert(name, scratch) for name in options.fixtures}
    mutants = {name: list(find_mutants(Result(path))) for name, path in rights.items()}
    chosen = choose(mutants, options.count, random.Random(options.seed))
    outcomes = []
    jobs = sorted(chosen)
    for (fixture, number), verdict in judge_all(jobs, rights, options.workers):
        mutant = mutants[fixture][number]
        if verdict.startswith("unmakeable"):
            continue
        explanation = explain(mutant, Result(rights[fixture])) if "equal" in verdict else ""
        outcomes.append(Outcome(fixture, mutant, verdict, explanation))
        state = outcomes[-1].state
        print(f"{len(outcomes)}: {fixture}: {mutant.kind}: {state}", file=sys.stderr, flush=True)
    return outcomes


def choose(
    mutants: dict[str, list[Mutant]], count: int, chance: random.Random
) -> list[tuple[str, int]]:
    """Takes turns among the kinds, so that rare ones are not drowned by common ones."""
    kinds: dict[str, list[tuple[str, int]]] = collections.defaultdict(list)
    for fixture, found in mutants.items():
        for number, mutant in enumerate(found):
            kinds[mutant.kind].append((fixture, number))
    for places in kinds.values():
        chance.shuffle(places)
    chosen: list[tuple[str, int]] = []
    while len(chosen) < count and any(kinds.values()):
        for places in kinds.values():
            if places and len(chosen) < count:
                chosen.append(places.pop())
    return chosen


def judge_all(
    jobs: Sequence[tuple[str, int]], rights: dict[str, pathlib.Path], workers: int
) -> Iterator[tuple[tuple[str, int], str]]:
    """The verdict of each; a mutant that takes its process down is found."""
    context = multiprocessing.get_context("spawn")
    todo = list(jobs)
    while todo:
        with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
            futures = {
                job: pool.submit(judging.judge_mutant, job[0], str(rights[job[0]]), job[1])
                for job in todo
            }
            for job, future in futures.items():
                try:
                    verdict = future.result(timeout=_SECONDS_EACH * 4)
                except concurrent.futures.process.BrokenProcessPool:
                    verdict = "crashed"
                todo.remove(job)
                yield job, verdict
                if verdict == "crashed":
                    break


def print_table(outcomes: Sequence[Outcome], seconds: float) -> None:
    """Prints what was found, by kind, and each survivor with the reason."""
    states = ("found", "equivalent", "below noise", "missed")
    kinds = collections.defaultdict(collections.Counter)
    for outcome in outcomes:
        kinds[outcome.mutant.kind][outcome.state] += 1
    print(f"| kind | made | {' | '.join(states)} |")
    print("|---|" + "---:|" * (len(states) + 1))
    for kind in sorted(kinds):
        counts = [kinds[kind][state] for state in states]
        print(f"| {kind} | {sum(counts)} | {' | '.join(map(str, counts))} |")
    total = collections.Counter(outcome.state for outcome in outcomes)
    print(f"| **all** | {len(outcomes)} | {' | '.join(str(total[state]) for state in states)} |")
    print(f"\n{seconds:.0f} s. What survived:\n")
    for outcome in outcomes:
        if outcome.state != "found":
            why = outcome.explanation or outcome.verdict
            print(
                f"- {outcome.state}: {outcome.fixture}: {outcome.mutant.kind}:"
                f" `{outcome.mutant.where}`: {why}"
            )
