"""Says what needs no converting, and describes what was converted; in a worker process."""

from __future__ import annotations

import pathlib
from typing import Any

import converter
from converter import errors
from converter.export.record import FILENAME, FOLDER
from converter.export.saved_model import read_record
from converter.formats import hub_module
from converter.formats.registry import FORMATS
from converter.formats.source_files import digest
from converter.migration.job import Job
from converter.migration.outcomes import NotLegacy, Outcome, ParitySummary, Reason, UpToDate
from converter.migration.signature import look_at


def settle(job: Job) -> Outcome | None:
    """The outcome of a module that needs no converting; None for one that does.

    Raises:
      ConversionError: if the source cannot be read.
    """
    if _is_tf2(pathlib.Path(job.source)):
        explanation = "It is a TF2 SavedModel already."
        return NotLegacy(**where(job), reason=Reason.TF2, explanation=explanation)
    if _is_up_to_date(job):
        return UpToDate(**where(job), **describe_output(job))
    return None


def _is_tf2(source: pathlib.Path) -> bool:
    if any(candidate.recognizes(source) for candidate in FORMATS):
        return False
    if not any((source / f"saved_model.{end}").is_file() for end in ("pb", "pbtxt")):
        return False
    return hub_module.is_tf2(hub_module.read_saved_model(source))


def _is_up_to_date(job: Job) -> bool:
    """Whether the destination was made from this source, by this converter, with these options."""
    source, destination = pathlib.Path(job.source), pathlib.Path(job.destination)
    if not source.is_dir() or not (destination / "saved_model.pb").is_file():
        return False
    try:
        record = read_record(destination)
        same_options = not any(record["options"].values())
        same_version = record["converter"] == converter.__version__
        verified = record["parity"] is not None
        recorded = record["source"]["digest"]
    except (errors.ParityError, KeyError, TypeError, AttributeError):
        return False
    if not same_options or not same_version or (job.verify and not verified):
        return False
    same: bool = recorded == digest(source)
    return same


def where(job: Job) -> dict[str, Any]:
    """The fields that say which module an outcome is about."""
    return {"path": job.path, "source": job.source, "destination": job.destination}


def describe_output(job: Job) -> dict[str, Any]:
    """The fields that describe the SavedModel that is in place."""
    destination, report = pathlib.Path(job.destination), pathlib.Path(job.parity_report)
    record = read_record(destination)
    parity = record["parity"]
    return {
        "source_digest": record["source"]["digest"],
        "warnings": tuple(record["warnings"]),
        "destination_bytes": look_at(destination).size_bytes,
        "record": str(destination / FOLDER / FILENAME),
        "parity": None if parity is None else ParitySummary.from_json(parity),
        "parity_report": str(report) if parity is not None and report.is_file() else None,
    }
