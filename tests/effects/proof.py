"""Proves that converting runs no op that the table does not allow: every such op, in every place.

Besides, the same watcher has to see what TensorFlow does with the same graphs, or with an op that
the user lets through; else it would see nothing at all.
"""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

from hostile_models import PLACES

from converter import tf_private
from converter.safety.op_table import read_table
from effects.jobs import Case, Job, Outcome
from effects.watch import ROOT, Effect, watch

MODULE = ROOT / "legacy_fixtures" / "golden" / "half_plus_two" / "module"
# No server listens on port 1.
_SERVER = "grpc://127.0.0.1:1"
# Where a call of the converted module needs what the op returns.
_DATA_PLACES = frozenset({
    "signature", "function", "function by name", "two functions", "initializer", "init signature",
    "gradient",
})  # fmt: skip
# Where nodes are checked whether or not anything needs what they return.
_ALWAYS_CHECKED = frozenset({"update op", "nested graph", "three nested graphs"})
_HANDLES = frozenset({20, 120})
# Some ops are refused before they are looked up: as state, say, that no TF2 object can have.
_REFUSALS = frozenset({"UnsafeModuleError", "UnsupportedOpError"})

# Nodes that are looked at before the op: the end of an `If`, whose branches have to be told apart.
_ALSO_REFUSED = {"two functions": ("output_0",)}


def list_unsafe_ops() -> list[str]:
    """Returns the registered ops that do not convert, whatever their attributes are."""
    registered = tf_private.list_registered_ops()
    return sorted(
        op for op, known in read_table().items() if op in registered and not known.kind.is_allowed
    )


def is_reached(case: Case) -> bool:
    """Whether a call of the converted module would run the op.

    TensorFlow runs a stateless op only for its result.
    """
    op_def = tf_private.get_op_def(case.op)
    if case.place in _ALWAYS_CHECKED:
        return True
    if op_def.is_stateful:
        return case.place in _DATA_PLACES or case.place == "control input"
    returns_data = any(arg.type not in _HANDLES for arg in op_def.output_arg[:1])
    return case.place in _DATA_PLACES and returns_data


@dataclasses.dataclass(frozen=True)
class Proof:
    """The outcomes of converting many modules, and what the watcher saw.

    Attributes:
      cases: What was done.
      outcomes: The outcome of each case that the process survived.
      effects: What happened besides the conversion.
      died: The cases at which the process ended.
    """

    cases: tuple[Case, ...]
    outcomes: tuple[Outcome, ...]
    effects: tuple[Effect, ...]
    died: dict[Case, int]

    def find_failures(self) -> list[str]:
        """Returns a line for each case that is not as it should be."""
        failures = [f"{case}: the process ended: {status}" for case, status in self.died.items()]
        failures += [f"{effect.case}: {effect.call} {effect.detail}" for effect in self.effects]
        failures += [
            f"{outcome.case}: {problem}"
            for outcome in self.outcomes
            if (problem := find_problem(outcome)) is not None
        ]
        missing = set(self.cases) - {outcome.case for outcome in self.outcomes} - set(self.died)
        return failures + [f"{case}: no outcome" for case in sorted(missing)]

    def table(self) -> str:
        """Returns a line for each place: how many modules were refused or converted."""
        counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        for outcome in self.outcomes:
            counts[outcome.case.place][outcome.converted or "converted"] += 1
        effects = collections.Counter(effect.case.place for effect in self.effects if effect.case)
        rows = [("place", "modules", "refused as unsafe", "refused", "converted", "effects")]
        for place, found in counts.items():
            unsafe, converted = found["UnsafeModuleError"], found["converted"]
            other = found.total() - unsafe - converted
            numbers = (found.total(), unsafe, other, converted, effects[place])
            rows.append((place, *map(str, numbers)))
        lines = [f"{row[0]:20}" + "".join(f"{text:>19}" for text in row[1:]) for row in rows]
        ops = {case.op for case in self.cases}
        lines.append(
            f"{len(ops)} ops x {len(counts)} places = {len(self.cases)} modules,"
            f" {len(self.effects)} effects, {len(self.died)} crashes"
        )
        return "\n".join(lines)


def find_problem(outcome: Outcome) -> str | None:
    """Returns what is wrong with the outcome of a module; None if it is as it should be."""
    if outcome.case.op == "_Retval" and "nested" in outcome.case.place:
        return None  # Every serialized data set ends in one.
    if not outcome.scan_found:
        return "the scan does not find the op"
    if outcome.inspected != outcome.converted:
        return f"inspect says {outcome.inspected!r}, convert {outcome.converted!r}"
    if not is_reached(outcome.case):
        return None
    if outcome.converted not in _REFUSALS:
        return f"it is not refused: {outcome.converted} {outcome.message}"
    if outcome.node.rpartition("/")[2] not in ("evil", *_ALSO_REFUSED.get(outcome.case.place, ())):
        return f"another node is refused: {outcome.message}"
    return None


def prove(
    scratch: pathlib.Path, ops: Sequence[str], places: Iterable[str] = PLACES, workers: int = 1
) -> Proof:
    """Scans, inspects and converts a module for each op in each place, under the watcher.

    Args:
      scratch: An empty folder for modules, and for the canary.
      ops: The ops.
      places: Keys of `PLACES`.
      workers: How many processes to run at a time.
    """
    cases = [tuple(Case(place, op) for op in ops) for place in places]
    return watch_cases(scratch, cases, workers)


def watch_cases(
    scratch: pathlib.Path, groups: Sequence[Sequence[Case]], workers: int = 1, **settings: Any
) -> Proof:
    """Watches groups of cases, each in a process of its own; `settings` are those of `make_job`."""
    jobs = [
        make_job(scratch, f"inside_{number}", group, **settings)
        for number, group in enumerate(groups)
    ]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        watched = list(pool.map(watch, jobs))
    return Proof(
        tuple(case for group in groups for case in group),
        tuple(outcome for one in watched for outcome in one.outcomes),
        tuple(effect for one in watched for effect in one.effects),
        {case: status for one in watched for case, status in one.died.items()},
    )


def make_job(
    scratch: pathlib.Path, name: str, cases: Sequence[Case], *, server: bool = True, **settings: Any
) -> Job:
    """Makes the folder of a job, and the canary outside of it.

    Args:
      scratch: The folder for both.
      name: The name of the job's folder.
      cases: What to do.
      server: Whether to name a server besides files. TensorFlow tries to reach it for minutes.
      **settings: Other attributes of the job.
    """
    outside, inside = scratch / "outside", scratch / name
    inside.mkdir(parents=True)
    outside.mkdir(exist_ok=True)
    canary = outside / "canary"
    canary.write_bytes(b"\x02\x03\x04\x05")
    urls = (f"file://{outside}/dump", *([_SERVER] if server else []))
    return Job(str(inside), str(MODULE), str(canary), urls, tuple(cases), **settings)


def control(scratch: pathlib.Path, ops: Sequence[str], workers: int = 1) -> Proof:
    """Has TensorFlow import the graphs of all ops in the first place, for comparison."""
    size = -(-len(ops) // workers)
    groups = [ops[i : i + size] for i in range(0, len(ops), size)]
    cases = [[Case("signature", op, "import") for op in group] for group in groups]
    return watch_cases(scratch, cases, workers, server=False)
