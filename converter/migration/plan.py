"""Plans a run: which modules need a job, and the outcomes of the others."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import secrets
from collections.abc import Mapping

from converter.files.snapshot import Snapshot, take_snapshot
from converter.migration.candidates import Candidate, Found, admit
from converter.migration.collisions import check_collisions
from converter.migration.discover import discover
from converter.migration.job import Job
from converter.migration.journal import STATE_FOLDER, History
from converter.migration.module_list import read_module_list
from converter.migration.options import Options
from converter.migration.options_file import check_matched
from converter.migration.outcomes import ErrorInfo, Outcome, Refused
from converter.migration.reuse import reuse_outcome
from converter.migration.state import State
from converter.sources.handles import is_of_one_version
from converter.sources.urls import is_url


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """The work of a run.

    Attributes:
      jobs: A job for each module that needs one, the largest first, so that none runs alone at the
        end.
      outcomes: The outcomes of places that need no job.
      repeated: Outcomes of earlier runs that still hold.
      stat_digests: For the sources of `jobs`, by path: see `take_snapshot`.
    """

    jobs: tuple[Job, ...]
    outcomes: tuple[Outcome, ...]
    repeated: tuple[Outcome, ...]
    stat_digests: Mapping[str, str]


def find_modules(options: Options) -> Found:
    """Finds the modules of a migration; reads none of them, and writes nothing.

    Raises:
      UsageError: if there is no tree or list of modules, an option rule or a glob of `include`
        matches no module, or two modules lead to one destination.
    """
    if options.from_list is not None:
        everything = read_module_list(options.from_list, options.source_root)
    else:
        everything = discover(options.source_root, options.destination_root)
    paths = [item.path for item in everything.all]
    check_matched(options.rules, paths)
    options.globs.check_matched(paths)
    found = admit(everything, options.globs)
    # No SavedModel may be written among the migration's own files.
    lost = [c for c in found.candidates if c.target.split("/")[0] == STATE_FOLDER]
    candidates = tuple(c for c in found.candidates if c not in lost)
    check_collisions(candidates, options)
    return Found(candidates, (*found.outcomes, *(_refuse(c, options) for c in lost)))


def make_plan(options: Options, found: Found, history: History, run: str) -> Plan:
    """Decides which modules need a job.

    Args:
      options: The options.
      found: What `find_modules` found.
      history: The outcomes of earlier runs.
      run: The id of this one.
    """
    snapshots: dict[Candidate, Snapshot] = {}
    repeated: list[Outcome] = []
    for candidate in found.candidates:
        snapshot = _take_snapshot(candidate.source)
        entry = history.entries.get(candidate.path)
        known = reuse_outcome(candidate, snapshot.stat_digest, entry, options)
        if known is not None:
            repeated.append(known)
        else:
            snapshots[candidate] = snapshot
    order = sorted(snapshots, key=lambda c: (-snapshots[c].size_bytes, c.path))
    return Plan(
        tuple(_make_job(candidate, options, history, run, n) for n, candidate in enumerate(order)),
        found.outcomes,
        tuple(repeated),
        {candidate.path: snapshot.stat_digest for candidate, snapshot in snapshots.items()},
    )


def _take_snapshot(source: pathlib.Path | str) -> Snapshot:
    """Takes a snapshot without a network.

    A handle names one version of a module for good. What lies on another filesystem may have
    changed since, and so may the newest version on Kaggle: its snapshot is like no other.
    """
    if isinstance(source, pathlib.Path):
        return take_snapshot(source)
    is_fixed = is_url(source) and is_of_one_version(source)
    facts = source if is_fixed else secrets.token_hex()
    return Snapshot(hashlib.sha256(facts.encode()).hexdigest(), size_bytes=0)


def _refuse(loser: Candidate, options: Options) -> Outcome:
    return Refused(
        path=loser.path,
        source=str(loser.source),
        destination=str(options.destination_root / loser.target),
        error=ErrorInfo(
            kind="Collision",
            message=f"its SavedModel would collide with the journal's folder {STATE_FOLDER!r}",
            remedy="Rename it, or leave it out with --exclude.",
        ),
    )


def _make_job(
    candidate: Candidate, options: Options, history: History, run: str, number: int
) -> Job:
    state = State(options.destination_root)
    return Job(
        path=candidate.path,
        source=str(candidate.source),
        destination=str(options.destination_root / candidate.target),
        staging=str(state.staging(run) / str(number)),
        parity_report=str(state.parity_report(candidate.path)),
        options=options.conversion_of(candidate.path),
        written=history.written.get(candidate.target),
        retries_open=options.retry_failed,
    )
