"""Verifies one module; the job of `verify_migrated.py`, in a worker process."""

from __future__ import annotations

import pathlib
import time
import traceback
from typing import Any

import msgspec

import converter
from converter.export.record import FILENAME, FOLDER
from converter.files.snapshot import take_snapshot
from converter.migration.job import Job
from converter.migration.outcomes import ErrorInfo, Failed, Outcome, ParitySummary, UpToDate


def verify_job(job: Job) -> Outcome:
    """Compares a SavedModel with its original.

    Returns:
      `UpToDate` if they are equal, `Failed` if they are not or cannot be compared.
    """
    started = time.time()
    where: dict[str, Any] = {
        "path": job.path, "source": job.source, "destination": job.destination,
        "attempts": job.attempt, "started": started,
    }  # fmt: skip
    try:
        report = converter.verify(job.source, job.destination, import_ops=job.options.import_ops)
    except Exception as error:  # Whatever the module's own code raises.
        is_expected = isinstance(error, converter.ConversionError)
        details = "" if is_expected else traceback.format_exc()
        return Failed(**where, error=ErrorInfo.of(error, details), seconds=time.time() - started)
    if not report.passed:
        info = ErrorInfo(kind="ParityError", message=report.sentence())
        return Failed(**where, error=info, seconds=time.time() - started)
    destination = pathlib.Path(job.destination)
    return UpToDate(
        **where,
        seconds=time.time() - started,
        destination_bytes=take_snapshot(destination).size_bytes,
        record=str(destination / FOLDER / FILENAME),
        parity=msgspec.convert(report.summary(), ParitySummary, from_attributes=True),
    )
