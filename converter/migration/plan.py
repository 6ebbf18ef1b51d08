"""What a run has to do: which modules need a job, and what is known of the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from converter.files.snapshot import Look, look_at
from converter.migration.candidates import Candidate, Found, admit, without_collisions
from converter.migration.discover import discover
from converter.migration.handles import read_handles
from converter.migration.job import Job
from converter.migration.journal import STATE_FOLDER, History
from converter.migration.options import Options
from converter.migration.options_file import check_matched
from converter.migration.outcomes import ErrorInfo, Outcome, Refused
from converter.migration.remember import remember
from converter.migration.state import State


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do.

    Attributes:
      jobs: One for each module that needs one, the largest first, so that none is left to run alone
        at the end.
      settled: What is clear without a job.
      repeated: Outcomes of earlier runs that still hold.
      signatures: Those of the sources of `jobs`, by path.
    """

    jobs: tuple[Job, ...]
    settled: tuple[Outcome, ...]
    repeated: tuple[Outcome, ...]
    signatures: Mapping[str, str]


def make_plan(options: Options, history: History, run: str) -> Plan:
    """Looks for modules, and at what is known of them.

    Raises:
      UsageError: if there is nothing to look at, or there are options for a module that is not.
    """
    everything = _find(options)
    check_matched(options.rules, [item.path for item in everything.all])
    found = admit(everything, options.globs)
    candidates, collisions = _without_collisions(found.candidates, options)
    looks: dict[Candidate, Look] = {}
    repeated: list[Outcome] = []
    for candidate in candidates:
        look = look_at(candidate.source)
        known = remember(candidate, look.signature, history.entries.get(candidate.path), options)
        if known is not None:
            repeated.append(known)
        else:
            looks[candidate] = look
    order = sorted(looks, key=lambda candidate: (-looks[candidate].size_bytes, candidate.path))
    return Plan(
        tuple(_make_job(candidate, options, run, n) for n, candidate in enumerate(order)),
        (*found.settled, *collisions),
        tuple(repeated),
        {candidate.path: look.signature for candidate, look in looks.items()},
    )


def _find(options: Options) -> Found:
    if options.from_list is not None:
        return read_handles(options.from_list, options.source_root, options.destination_root)
    return discover(options.source_root, options.destination_root)


def _without_collisions(
    candidates: Sequence[Candidate], options: Options
) -> tuple[tuple[Candidate, ...], list[Outcome]]:
    """The candidates whose places are free, and outcomes of the others."""
    # What a migration keeps for itself is no place for a SavedModel.
    lost = [c for c in candidates if c.target.split("/")[0] == STATE_FOLDER]
    free, beaten = without_collisions([c for c in candidates if c not in lost])
    outcomes = [_refuse(c, f"the journal's folder {STATE_FOLDER!r}", options) for c in lost]
    outcomes += [_refuse(c, f"that of {winner.path!r}", options) for c, winner in beaten.items()]
    return free, outcomes


def _refuse(loser: Candidate, winner: str, options: Options) -> Outcome:
    return Refused(
        path=loser.path,
        source=str(loser.source),
        destination=str(options.destination_root / loser.target),
        error=ErrorInfo(
            kind="Collision",
            message=f"its SavedModel would collide with {winner}",
            remedy="Rename one of the two, or leave one out with --exclude.",
        ),
    )


def _make_job(candidate: Candidate, options: Options, run: str, number: int) -> Job:
    state = State(options.destination_root)
    return Job(
        path=candidate.path,
        source=str(candidate.source),
        destination=str(options.destination_root / candidate.target),
        staging=str(state.staging(run) / str(number)),
        parity_report=str(state.parity_report(candidate.path)),
        options=options.conversion_of(candidate.path),
    )
