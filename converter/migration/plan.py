"""What a run has to do: which modules need a job, and what is known of the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from converter.migration.candidates import Candidate, Found, admit, without_collisions
from converter.migration.discover import discover
from converter.migration.handles import read_handles
from converter.migration.job import Job
from converter.migration.journal import History
from converter.migration.options import Options
from converter.migration.outcomes import ErrorInfo, Outcome, Refused
from converter.migration.remember import remember
from converter.migration.signature import look_at
from converter.migration.state import State


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do.

    Attributes:
      jobs: One for each module that needs one, in the order of their paths.
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
      UsageError: if there is nothing to look at.
    """
    found = admit(_find(options), options.globs)
    candidates, beaten = without_collisions(found.candidates)
    collisions = [_refuse(loser, winner, options) for loser, winner in beaten.items()]
    jobs: list[Job] = []
    repeated: list[Outcome] = []
    signatures: dict[str, str] = {}
    for candidate in sorted(candidates, key=lambda candidate: candidate.path):
        signature = look_at(candidate.source).signature
        known = remember(candidate, signature, history.entries.get(candidate.path), options)
        if known is not None:
            repeated.append(known)
        else:
            jobs.append(_make_job(candidate, options, run, len(jobs)))
            signatures[candidate.path] = signature
    return Plan(tuple(jobs), (*found.settled, *collisions), tuple(repeated), signatures)


def _find(options: Options) -> Found:
    if options.from_list is not None:
        return read_handles(options.from_list, options.source_root, options.destination_root)
    return discover(options.source_root, options.destination_root)


def _refuse(loser: Candidate, winner: Candidate, options: Options) -> Outcome:
    return Refused(
        path=loser.path,
        source=str(loser.source),
        destination=str(options.destination_root / loser.target),
        error=ErrorInfo(
            kind="Collision",
            message=f"its SavedModel would collide with that of {winner.path!r}",
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
        verify=options.verify,
        import_ops=options.import_ops,
    )
