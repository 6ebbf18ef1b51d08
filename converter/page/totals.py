"""Adds up what is known of all modules."""

from __future__ import annotations

import collections
import dataclasses
import statistics
from collections.abc import Iterable, Sequence

from converter.migration.outcomes import OUTCOME_NAMES
from converter.page.journal_facts import UNFINISHED
from converter.page.parity_facts import add_histograms
from converter.page.untrusted import Json
from converter.parity.verdict import NOT_COMPARED

_SAVED_MODELS = ("converted", "up_to_date")
_NOTHING_TO_CONVERT = "not_legacy"
# Bounds of a bar chart of durations, in seconds.
DURATION_BOUNDS = (1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums and extremes.

    Attributes:
      counts: How many modules have each outcome, all outcomes included, `unfinished` too.
      seconds: The sum over all last attempts.
      median_seconds: That of the attempts; None if there are none.
      slowest: The path of the module that took longest.
      slowest_seconds: How long that was.
      durations: How many attempts took up to each of `DURATION_BOUNDS`, and longer than the last.
      source_bytes: The sum over the modules that have a SavedModel.
      destination_bytes: The same, of the SavedModels.
      verified: How many modules were compared with their originals.
      equal: How many of them are equal to them.
      not_compared: Of how many of them not all could be compared.
      tensors: How many tensors that took.
      bit_equal: How many of them have equal bits.
      worst: The path of the module with the largest relative error.
      worst_rel: How large that is.
      histogram: How many elements are how far apart, as in `Comparison`; None if not known.
    """

    counts: dict[str, int]
    seconds: float
    median_seconds: float | None
    slowest: str
    slowest_seconds: float
    durations: tuple[int, ...]
    source_bytes: int
    destination_bytes: int
    verified: int
    equal: int
    not_compared: int
    tensors: int
    bit_equal: int
    worst: str
    worst_rel: float
    histogram: list[int] | None

    @property
    def saved_models(self) -> int:
        """How many modules have a SavedModel."""
        return sum(self.counts[name] for name in _SAVED_MODELS)

    @property
    def legacy(self) -> int:
        """How many modules there are to convert."""
        return sum(self.counts.values()) - self.counts[_NOTHING_TO_CONVERT]

    @property
    def open(self) -> int:
        """How many modules leave something to do."""
        return self.legacy - self.saved_models


def add_up(modules: Sequence[Json]) -> Totals:
    """Adds up the facts of modules."""
    counter = collections.Counter(facts["outcome"] for facts in modules)
    ran = [facts for facts in modules if facts["attempts"]]
    saved = [facts for facts in modules if facts["outcome"] in _SAVED_MODELS]
    compared = [facts for facts in modules if facts["parity"] is not None]
    slowest = max(ran, key=lambda facts: float(facts["seconds"]), default=None)
    worst = max(compared, key=lambda facts: float(facts["parity"]["worst_rel"]), default=None)
    seconds = [facts["seconds"] for facts in ran]
    return Totals(
        counts={name: counter[name] for name in (*OUTCOME_NAMES.values(), UNFINISHED)},
        seconds=sum(seconds),
        median_seconds=statistics.median(seconds) if seconds else None,
        slowest=slowest["path"] if slowest else "",
        slowest_seconds=slowest["seconds"] if slowest else 0.0,
        durations=_count_durations(seconds),
        source_bytes=sum(facts["source_bytes"] or 0 for facts in saved),
        destination_bytes=sum(facts["destination_bytes"] or 0 for facts in saved),
        verified=len(compared),
        equal=sum(facts["parity"]["passed"] for facts in compared),
        not_compared=sum(facts["parity"]["verdict"] == NOT_COMPARED for facts in compared),
        tensors=sum(facts["parity"]["tensors"] for facts in compared),
        bit_equal=sum(facts["parity"]["bit_equal"] for facts in compared),
        worst=worst["path"] if worst else "",
        worst_rel=float(worst["parity"]["worst_rel"]) if worst else 0.0,
        histogram=add_histograms(facts["histogram"] for facts in modules),
    )


def _count_durations(seconds: Iterable[float]) -> tuple[int, ...]:
    counts = [0] * (len(DURATION_BOUNDS) + 1)
    for duration in seconds:
        counts[sum(duration > bound for bound in DURATION_BOUNDS)] += 1
    return tuple(counts)
