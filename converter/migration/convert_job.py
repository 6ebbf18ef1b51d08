"""Converts one module of a migration, in a worker process.

`convert_job` is the one function that catches everything. It may be run again at any time: it
recognizes work that is done, and its output is complete or absent.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import socket
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator

import msgspec

from converter import errors
from converter.compile.compile_module import try_compile
from converter.compile.compiled_module import CompiledModule
from converter.conversion.convert import convert_digested
from converter.export.record import to_bytes
from converter.files.paths import as_path
from converter.files.snapshot import SourceGuard, take_snapshot
from converter.files.staging import sweep_beside
from converter.formats.registry import read_module
from converter.migration.install import check_replaceable, install
from converter.migration.job import Job
from converter.migration.outcomes import (
    Converted,
    ErrorInfo,
    Failed,
    NotLegacy,
    Outcome,
    Reason,
    Refused,
    UpToDate,
)
from converter.migration.precheck import describe_missing, describe_output, precheck
from converter.migration.written_output import check_same, check_unchanged, digest_output
from converter.parity.report import ParityReport
from converter.processes import garbage_collection
from converter.processes.custom_ops import import_packages
from converter.sources.registry import open_source
from converter.sources.source import Source
from converter.spelling import of_the_command_line
from converter.version import __version__

# A `ConversionError` of these types is not the module's fault; any other is.
_NOT_THE_MODULE = (
    errors.DestinationError,
    errors.DownloadError,
    errors.OutOfMemoryError,
    errors.ParityError,
)


def convert_job(job: Job) -> Outcome:
    """Converts a module. Raises nothing: an error is an outcome."""
    outcome = _guard(job, _convert)
    assert outcome is not None
    return outcome


def inspect_job(job: Job) -> Outcome | None:
    """Reads a module, and returns the outcome of converting it; None if that is `Converted`."""
    return _guard(job, _foresee)


def _guard(job: Job, run: Callable[[Job], Outcome | None]) -> Outcome | None:
    started = time.time()
    try:
        _check_version(job)
        with errors.explaining_exhaustion():
            outcome = run(job)
    except errors.NoModelError as error:
        explanation = f"{error.message}. {error.remedy}".strip()
        outcome = NotLegacy(**job.module_fields(), reason=Reason.NO_MODEL, explanation=explanation)
    except (Exception, SystemExit) as error:  # SystemExit: from a package of --import-ops.
        outcome = _unsuccessful(job, error)
    if outcome is None:
        return None
    local = _local_source(job)
    return msgspec.structs.replace(
        outcome,
        seconds=time.time() - started,
        started=started,
        attempts=job.attempt,
        worker=f"{socket.gethostname()}:{os.getpid()}",
        source_bytes=None if local is None else take_snapshot(local).size_bytes,
    )


def _local_source(job: Job) -> pathlib.Path | None:
    """The path of a module on this machine; None for a handle, or another filesystem."""
    place = as_path(job.source)
    return place if isinstance(place, pathlib.Path) else None


def _check_version(job: Job) -> None:
    version = __version__
    if job.converter != version:
        raise errors.InternalError(
            f"this worker has version {version} of the converter, expected {job.converter}: install"
            " the same version on all machines"
        )


def _convert(job: Job) -> Outcome:
    destination = pathlib.Path(job.destination)
    sweep_beside(destination)
    local = _local_source(job)
    if local is not None and not os.path.lexists(local):
        return describe_missing(job)
    guard = None if local is None else SourceGuard(local)
    with (
        _staging(job) as staging,
        # Before temporary files go elsewhere: tensorflow_hub's cache may be among them.
        open_source(job.source, destination=staging / "new") as opened,
        _temporary_files_in(staging),
    ):
        checked = precheck(job, opened)
        if checked.outcome is not None:
            return checked.outcome
        check_replaceable(destination)
        check_unchanged(destination, job.written)
        remarks = _write(job, opened, staging, checked.source_digest)
        if guard is not None:  # Of others, `convert` watches the files that it reads.
            guard.check()
        written = digest_output(staging / "new")
        if checked.is_unproven:
            found = check_same(destination, written)
            if not job.options.verify:
                return UpToDate(**job.module_fields(), **describe_output(job, found))
        install(staging / "new", destination)
    described = describe_output(job, written)
    described["warnings"] += remarks
    return Converted(**job.module_fields(), **described)


def _write(
    job: Job, source: Source, staging: pathlib.Path, known_digest: str | None
) -> tuple[str, ...]:
    """Writes the SavedModel, and returns the converter's remarks."""
    digest = None if known_digest is None else lambda: known_digest
    conversion = convert_digested(
        source,
        staging / "new",
        **job.options.to_json(),
        source_digest=digest,
        parity_report=lambda report: _keep(report, job, staging),
    )
    return conversion.remarks


def _foresee(job: Job) -> Outcome | None:
    local = _local_source(job)
    if local is not None and not os.path.lexists(local):
        return describe_missing(job)
    with open_source(job.source) as opened:
        checked = precheck(job, opened)
        if checked.outcome is not None:
            return checked.outcome
        check_replaceable(pathlib.Path(job.destination))
        check_unchanged(pathlib.Path(job.destination), job.written)
        import_packages(job.options.import_ops)
        with garbage_collection.paused():
            compilation = try_compile(read_module(opened.directory), job.options.plan_options)
    if isinstance(compilation, CompiledModule):
        return None
    with of_the_command_line():  # As messages are written; who prints them spells them anew.
        refusals = tuple(refusal.to_info() for refusal in compilation.refusals)
    error = ErrorInfo.of(compilation.error)
    return Refused(**job.module_fields(), error=error, refusals=refusals)


@contextlib.contextmanager
def _staging(job: Job) -> Iterator[pathlib.Path]:
    """Makes a directory for this attempt alone.

    The worker of an earlier attempt may be lost and still alive. The files of killed workers are
    swept up with the directory of the run.
    """
    place = pathlib.Path(job.staging)
    try:
        # Without parents: on a machine that does not see DST_ROOT, making them would hide that.
        folder = tempfile.mkdtemp(prefix=f"{place.name}_", dir=place.parent)
    except OSError as error:
        remedy = "Check the permissions and the free space, and that all machines see DST_ROOT."
        raise errors.unwritable(job.destination, error, remedy) from error
    try:
        yield pathlib.Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _temporary_files_in(folder: pathlib.Path) -> Iterator[None]:
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _keep(report: ParityReport, job: Job, staging: pathlib.Path) -> None:
    """Keeps the whole comparison, above all one that failed."""
    place, staged = pathlib.Path(job.parity_report), staging / "parity.json"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(to_bytes(report.to_json()))
        staged.rename(place)
    except OSError as error:
        raise errors.unwritable(place, error) from error


def _unsuccessful(job: Job, error: BaseException) -> Outcome:
    is_expected = isinstance(error, errors.ConversionError)
    details = "" if is_expected else "".join(traceback.format_exception(error))
    info = ErrorInfo.of(error, details)
    # Users do not know the staging path.
    staged = re.escape(job.staging) + "_[^/]*/new"
    info = msgspec.structs.replace(
        info, message=re.sub(staged, lambda _: job.destination, info.message)
    )
    if is_expected and not isinstance(error, _NOT_THE_MODULE):
        return Refused(**job.module_fields(), error=info)
    return Failed(**job.module_fields(), error=info)
