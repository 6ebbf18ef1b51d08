"""The graph ladder: modules of many nodes and few bytes.

Each conversion runs in a fresh process and is timed there from after the imports to the end. The
peer is `hub.load` and `tf.saved_model.save`, with the signatures, without which the result could
not be called. Both results are then loaded once: the converted one by `tf.saved_model.load`, the
original by `hub.load`.
"""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.goals import Goal, ratio
from benchmarks.measuring import median_of, run_task, say, take_turns

NODES = (100, 1_000, 5_000, 20_000)
REPETITIONS = 3
RATIO_LIMIT, SMALL_RATIO_LIMIT, SMALL_BELOW_NODES = 0.5, 0.8, 900  # times hub.load + save
LARGE_NODES, LARGE_LIMIT_SECONDS = 20_000, 10.0
NODES_PER_COND = 60

CONVERTED, PEER = "convert", "hub.load + save"
FAMILIES = ("deep net", "with V1 conds")


@dataclasses.dataclass(frozen=True)
class Row:
    """One graph.

    Attributes:
      family: What kind of graph.
      nodes: The number of its nodes.
      variables: The number of its variables.
      seconds: Medians by contestant, from after the imports.
      stages: Medians of the conversion's seconds by stage; `import` is TensorFlow's own, `other`
        what no stage accounts for.
      load_seconds: Medians of what it takes to load the result, and the original by `hub.load`.
      graph_bytes: The size of `saved_model.pb`, by contestant.
      errors: By contestant, of those that failed.
      cpu_seconds: Medians of the processor time by contestant, from after the imports.
    """

    family: str
    nodes: int
    variables: int
    seconds: dict[str, float | None]
    stages: dict[str, float]
    load_seconds: dict[str, float | None]
    graph_bytes: dict[str, int]
    errors: dict[str, str]
    cpu_seconds: dict[str, float | None] = dataclasses.field(default_factory=dict)

    @property
    def goals(self) -> list[Goal]:
        """A part of the peer's time, more for small graphs; under a limit for large ones."""
        seconds = self.seconds.get(CONVERTED)
        against_peer = ratio(seconds, self.seconds.get(PEER))
        limit = SMALL_RATIO_LIMIT if self.nodes < SMALL_BELOW_NODES else RATIO_LIMIT
        large = seconds if self.nodes >= LARGE_NODES else None
        return [
            Goal("seconds / hub.load + save", limit, against_peer),
            Goal(f"seconds for {LARGE_NODES:,} nodes", LARGE_LIMIT_SECONDS, large),
        ]

    def to_json(self) -> dict[str, Any]:
        """The row and its goals as JSON values."""
        return {**dataclasses.asdict(self), "goals": [goal.to_json() for goal in self.goals]}


def measure(nodes: Sequence[int], repetitions: int, scratch: pathlib.Path) -> list[Row]:
    """Measures both families at all sizes; nothing of it stays in the directory `scratch`."""
    return [
        _measure_graph(family, count, repetitions, scratch)
        for family in FAMILIES
        for count in nodes
    ]


def _measure_graph(family: str, nodes: int, repetitions: int, scratch: pathlib.Path) -> Row:
    conds = 0 if family == FAMILIES[0] else max(1, nodes // NODES_PER_COND)
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        directory = pathlib.Path(name)
        say(f"graphs: writing {family}, {nodes:,} nodes")
        counts = run_task("write_net", directory=directory / "module", nodes=nodes, conds=conds)
        sizes: dict[str, int] = {}
        contestants = {
            contestant: _contestant(contestant, task, directory, sizes)
            for contestant, task in ((CONVERTED, "convert_in_stages"), (PEER, "save_peer"))
        }
        results, errors = take_turns(contestants, repetitions)
    return Row(
        family=family,
        nodes=counts["nodes"],
        variables=counts["variables"],
        seconds={n: median_of([one["seconds"] for one in found]) for n, found in results.items()},
        stages=_median_stages(results[CONVERTED]),
        load_seconds={n: median_of([one["load"] for one in r]) for n, r in results.items()},
        graph_bytes=sizes,
        errors=errors,
        cpu_seconds={n: median_of([one["cpu"] for one in r]) for n, r in results.items()},
    )


def _contestant(
    name: str, task: str, directory: pathlib.Path, sizes: dict[str, int]
) -> Callable[[], dict[str, Any]]:
    """Returns a function that converts the module once, notes its size, and removes it."""
    destination = directory / task

    def attempt() -> dict[str, Any]:
        say(f"graphs: {name}")
        shutil.rmtree(destination, ignore_errors=True)
        found = run_task(task, source=directory / "module", destination=destination)
        sizes[name] = (destination / "saved_model.pb").stat().st_size
        if "load" not in found:
            found["load"] = run_task("load_saved_model", directory=destination)
        return found

    return attempt


def _median_stages(conversions: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Medians of each stage, and of the rest."""
    if not conversions:
        return {}
    everything = [
        {
            "import": one["import"],
            **one["stages"],
            "other": one["seconds"] - sum(one["stages"].values()),
        }
        for one in conversions
    ]
    return {stage: median_of([one[stage] for one in everything]) or 0.0 for stage in everything[0]}
