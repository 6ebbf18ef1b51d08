"""Finds modules that need no conversion, and describes SavedModels; in a worker process."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import msgspec

from converter import errors
from converter.export.record import FILENAME, FOLDER, read_record
from converter.files.paths import Path, as_tensorflow_path
from converter.files.snapshot import take_snapshot
from converter.formats import hub_module
from converter.formats.saved_model import SavedModelFormat
from converter.formats.tf2_uses import describe_uses
from converter.migration.completeness import is_complete
from converter.migration.job import Job
from converter.migration.outcomes import (
    SOURCE_MISSING,
    ErrorInfo,
    Failed,
    NotLegacy,
    Outcome,
    ParitySummary,
    Reason,
    UpToDate,
)
from converter.migration.output_digests import OutputDigests
from converter.migration.written_output import digest_output
from converter.parity.verdict import NOT_COMPARED
from converter.sources.source import Source
from converter.version import __version__


@dataclasses.dataclass(frozen=True, slots=True)
class Precheck:
    """The result of checking a module before it is converted.

    Attributes:
      outcome: The outcome of a module that needs no conversion; None for others.
      source_digest: The digest of its source, if it was needed.
      is_unproven: Whether the destination says that it is the module's SavedModel, and nothing
        tells whether it was changed.
    """

    outcome: Outcome | None = None
    source_digest: str | None = None
    is_unproven: bool = False


def precheck(job: Job, source: Source) -> Precheck:
    """Checks whether a module has to be converted.

    Args:
      job: The module.
      source: Where its files are.

    Raises:
      ConversionError: if the source cannot be read.
      UsageError: if its path is not UTF-8.
    """
    uses = _describe_uses_of_tf2(source.directory)
    if uses is not None:
        explanation = f"It is a TF2 SavedModel already. {uses}"
        known = NotLegacy(**job.module_fields(), reason=Reason.TF2, explanation=explanation)
        return Precheck(known)
    as_tensorflow_path(job.source)
    recorded = _recorded_digest(job)
    if recorded is None:
        return Precheck(source_digest=source.known_digest)
    actual, destination = source.digest(), pathlib.Path(job.destination)
    if actual != recorded or not is_complete(destination):
        return Precheck(source_digest=actual)
    if job.written is None:
        return Precheck(source_digest=actual, is_unproven=True)
    if job.written != digest_output(destination):
        return Precheck(source_digest=actual)
    return Precheck(UpToDate(**job.module_fields(), **describe_output(job, job.written)), actual)


def describe_missing(job: Job) -> Outcome:
    """The outcome of a module that is not there."""
    error = ErrorInfo(
        kind=SOURCE_MISSING,
        message=f"{job.source} does not exist",
        remedy="Check the path, and that every machine that converts sees it under this one.",
    )
    return Failed(**job.module_fields(), error=error)


def _describe_uses_of_tf2(source: Path) -> str | None:
    """What to do with a TF2 SavedModel; None if it is none."""
    if hub_module.HubModuleFormat().recognizes(source):
        return None
    if not SavedModelFormat().recognizes(source):
        return None
    saved_model = hub_module.read_saved_model(source)
    return describe_uses(saved_model) if hub_module.is_tf2(saved_model) else None


def _recorded_digest(job: Job) -> str | None:
    """Returns the digest of the source that the destination was converted from.

    None if another version of the converter made it, or other options, or something else.
    """
    try:
        record = read_record(pathlib.Path(job.destination))
        same_options = record.options == job.options.recorded()
        same_version = record.converter == __version__
        verified = record.parity is not None and not (
            job.retries_open and record.parity.verdict == NOT_COMPARED
        )
        recorded = record.source.digest
    except errors.ParityError:
        return None
    is_same = same_options and same_version and (verified or not job.options.verify)
    return recorded if is_same else None


def describe_output(job: Job, written: OutputDigests) -> dict[str, Any]:
    """Returns the fields of an outcome that describe the SavedModel at the destination.

    Args:
      job: The module.
      written: The digests of the SavedModel.
    """
    destination, report = pathlib.Path(job.destination), pathlib.Path(job.parity_report)
    record = read_record(destination)
    parity = record.parity
    return {
        "source_digest": record.source.digest,
        "warnings": record.all_warnings(),
        "destination_bytes": take_snapshot(destination).size_bytes,
        "record": str(destination / FOLDER / FILENAME),
        "parity": msgspec.convert(parity, ParitySummary | None, from_attributes=True),
        "written": written,
        "parity_report": str(report) if parity is not None and report.is_file() else None,
    }
