"""Reuses outcomes of the journal for modules that have not changed, without reading them."""

from __future__ import annotations

import pathlib
from typing import Any

import msgspec

from converter.conversion.options import ConversionOptions
from converter.files.snapshot import take_snapshot
from converter.migration.candidates import Candidate
from converter.migration.journal import JobFinished
from converter.migration.options import Options
from converter.migration.outcomes import (
    PASSING_KINDS,
    Converted,
    Crashed,
    Failed,
    NotLegacy,
    Outcome,
    TimedOut,
    UpToDate,
    is_open,
)
from converter.migration.state import State
from converter.version import __version__


def reuse_outcome(
    candidate: Candidate, stat_digest: str, entry: JobFinished | None, options: Options
) -> Outcome | None:
    """Returns a module's last outcome if it would be the same again; None if a job has to run.

    Args:
      candidate: The module.
      stat_digest: That of a snapshot of its source now.
      entry: Its last outcome in the journal, if there is one.
      options: The options of this run.
    """
    if entry is None or entry.converter != __version__ or entry.source_stat_digest != stat_digest:
        return None
    destination = options.destination_root / candidate.target
    if not _holds(entry, destination, options, options.conversion_of(candidate.path)):
        return None
    return _move(entry.outcome, candidate, options)


def _holds(
    entry: JobFinished,
    destination: pathlib.Path,
    options: Options,
    conversion: ConversionOptions,
) -> bool:
    outcome = entry.outcome
    if isinstance(outcome, NotLegacy):
        return True
    if isinstance(outcome, Converted | UpToDate):
        verified = outcome.parity is not None
        is_untouched = entry.destination_stat_digest == take_snapshot(destination).stat_digest
        is_same = conversion.give_the_result_of(entry.fingerprint)
        is_wanted = conversion.verify and (not verified or _retries(outcome, options))
        return is_untouched and is_same and not is_wanted
    if options.retry_failed or entry.fingerprint != conversion.fingerprint:
        return False
    return not _may_end_otherwise(outcome, options)


def _retries(outcome: Converted | UpToDate, options: Options) -> bool:
    """Whether to compare again what could not be compared in full."""
    return options.retry_failed and is_open(outcome.parity)


def _may_end_otherwise(outcome: Outcome, options: Options) -> bool:
    """Whether the module was not at fault, or its limits are higher now."""
    if isinstance(outcome, TimedOut):
        return options.timeout_secs is None or options.timeout_secs > outcome.limit_secs
    if isinstance(outcome, Crashed) and outcome.memory_bytes is not None:
        limit = options.memory_limit_bytes
        return limit is None or limit > outcome.memory_bytes
    return isinstance(outcome, Failed) and outcome.error.kind in PASSING_KINDS


def _move(outcome: Outcome, candidate: Candidate, options: Options) -> Outcome:
    """Updates the paths of an outcome: both trees may have been moved."""
    destination = options.destination_root / candidate.target
    here: dict[str, Any] = {"source": str(candidate.source), "destination": str(destination)}
    if not isinstance(outcome, Converted | UpToDate):
        return msgspec.structs.replace(outcome, **here)
    record = destination / pathlib.Path(outcome.record).relative_to(outcome.destination)
    report = State(options.destination_root).parity_report(candidate.path)
    fields = msgspec.structs.asdict(outcome)
    kept = None if outcome.parity_report is None else str(report)
    return UpToDate(**{**fields, **here, "record": str(record), "parity_report": kept})
