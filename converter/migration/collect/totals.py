"""Adds up the facts of all modules."""

from __future__ import annotations

import collections
import statistics
from collections.abc import Iterable, Sequence
from typing import get_args

from converter.files.json_values import MAX_COUNT, MAX_SECONDS
from converter.migration.collect.parity_facts import add_histograms
from converter.page.document import DURATION_BOUNDS, SAVED, ModuleFacts, OutcomeName, Totals
from converter.parity.verdict import NOT_COMPARED


def add_up(modules: Sequence[ModuleFacts]) -> Totals:
    """Adds up the facts of modules."""
    counter = collections.Counter(facts.outcome for facts in modules)
    ran = [facts for facts in modules if facts.attempts]
    saved = [facts for facts in modules if facts.outcome in SAVED]
    compared = [(facts.path, facts.parity) for facts in modules if facts.parity is not None]
    slowest = max(ran, key=lambda facts: facts.seconds, default=None)
    worst, numbers = max(compared, key=lambda item: item[1].worst_rel, default=("", None))
    seconds = [facts.seconds for facts in ran]
    return Totals(
        counts={name: counter[name] for name in get_args(OutcomeName)},
        seconds=min(MAX_SECONDS, sum(seconds)),
        median_seconds=statistics.median(seconds) if seconds else None,
        slowest=slowest.path if slowest else "",
        slowest_seconds=slowest.seconds if slowest else 0.0,
        durations=_count_durations(seconds),
        source_bytes=_sum(facts.source_bytes or 0 for facts in saved),
        destination_bytes=_sum(facts.destination_bytes or 0 for facts in saved),
        verified=len(compared),
        equal=sum(parity.passed for _, parity in compared),
        not_compared=sum(parity.verdict == NOT_COMPARED for _, parity in compared),
        tensors=_sum(parity.tensors for _, parity in compared),
        bit_equal=_sum(parity.bit_equal for _, parity in compared),
        worst=worst,
        worst_rel=numbers.worst_rel if numbers else 0.0,
        histogram=add_histograms(facts.histogram for facts in modules),
    )


def _sum(counts: Iterable[int]) -> int:
    return min(MAX_COUNT, sum(counts))


def _count_durations(seconds: Iterable[float]) -> list[int]:
    counts = [0] * (len(DURATION_BOUNDS) + 1)
    for duration in seconds:
        counts[sum(duration > bound for bound in DURATION_BOUNDS)] += 1
    return counts
