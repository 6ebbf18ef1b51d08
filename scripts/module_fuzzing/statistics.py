"""What a run found, in numbers."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

from module_fuzzing.judgement import EQUAL, FINDING, NOT_COMPARED, REFUSED, UNMADE, Judgement

_GIB = 1 << 30


@dataclasses.dataclass
class Statistics:
    """Counts of mutants by their outcome.

    Attributes:
      seed: The seed of the run.
      seconds: How long it took.
      states: Mutants by state.
      kinds: Mutants by state and kind.
      findings: The numbers of mutants that show each fault.
      deaths: The numbers of mutants that ended their worker, by kind, wherever that was.
      longest_secs: The longest time that one took.
      longest: The number of that one.
      peak_bytes: The most memory that a worker held.
    """

    seed: int
    seconds: float = 0.0
    states: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    kinds: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    findings: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    deaths: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    longest_secs: float = 0.0
    longest: int = -1
    peak_bytes: int = 0

    def add(self, number: int, judgement: Judgement) -> None:
        """Counts one mutant."""
        self.states[judgement.state] += 1
        self.kinds[f"{judgement.state}: {judgement.kind}"] += 1
        if judgement.state == FINDING:
            self.findings.setdefault(" ".join(judgement.cause), []).append(number)
        if judgement.kind.endswith(("crashes", "hangs", "fills the memory")):
            self.deaths.setdefault(judgement.kind, []).append(number)
        if judgement.seconds > self.longest_secs:
            self.longest_secs, self.longest = judgement.seconds, number
        self.peak_bytes = max(self.peak_bytes, judgement.peak_bytes)

    @property
    def mutants(self) -> int:
        """How many mutants were run."""
        return sum(self.states.values())

    def progress(self) -> str:
        """Returns the counts in one line."""
        states = (REFUSED, EQUAL, NOT_COMPARED, UNMADE, FINDING)
        counts = ", ".join(f"{self.states[state]} {state}" for state in states)
        return f"{self.mutants} mutants: {counts}"

    def to_json(self) -> dict[str, Any]:
        """Returns all of it as JSON values."""
        counts = {"states": dict(self.states), "kinds": dict(self.kinds)}
        return {"mutants": self.mutants, **vars(self), **counts}

    def print_summary(self) -> None:
        """Prints all of it for people."""
        print(f"{self.progress()}; {self.seconds:.0f} s, seed {self.seed}")
        for kind, count in sorted(self.kinds.items()):
            print(f"{count:7} {kind}")
        print(f"longest: {self.longest_secs:.1f} s, mutant {self.longest}")
        print(f"peak memory of a worker: {self.peak_bytes / _GIB:.2f} GiB")
        for kind, numbers in sorted(self.deaths.items()):
            print(f"workers that died: {kind}: mutants {', '.join(map(str, numbers[:8]))}")
        for fault, numbers in sorted(self.findings.items()):
            some = ", ".join(map(str, numbers[:8]))
            print(f"finding: {fault}: {len(numbers)} mutants: {some}")
