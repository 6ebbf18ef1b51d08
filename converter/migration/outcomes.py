"""The outcome of migrating one module: a closed union of Structs.

    Converted    it was converted in this attempt
    UpToDate     the destination already is what converting would give
    NotLegacy    nothing to convert: a TF2 SavedModel, or no model at all
    Refused      the module cannot be carried over exactly; its error says why
    Failed       the converter, the comparison or a filesystem failed, not the module
    TimedOut     it took longer than a job may take; its worker was killed
    Crashed      its worker died, or was killed for using too much memory

Every type has the fields of `ModuleOutcome`. In JSON, `outcome` names the type.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeAlias, get_args

import msgspec

from converter import errors
from converter.compile.refusals import RefusalInfo
from converter.files.json_values import Count, Number, Seconds, restore_numbers
from converter.migration.output_digests import OutputDigests
from converter.parity import verdict
from converter.printable import printable
from converter.spelling import spell


class ErrorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Why a module was not converted.

    Attributes:
      kind: The error's type, such as `UnsupportedOpError`; what a report groups by.
      message: What was expected and what was found, in one line.
      node: The graph node where it happened, if there is one.
      remedy: What the user can do about it.
      details: A traceback, or the last output of a worker that died; for bug reports.
    """

    kind: str
    message: str
    node: str | None = None
    remedy: str = ""
    details: str = ""

    @property
    def text(self) -> str:
        """The whole error in one line, with options as whoever reads it spells them."""
        where = f" (at node {self.node!r})" if self.node else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        line = " ".join(f"{self.message.rstrip('.')}{where}.{remedy}".split())
        return spell(printable(line))

    @classmethod
    def of(cls, error: BaseException, details: str = "") -> ErrorInfo:
        """Describes an exception."""
        kind = type(error).__name__
        if isinstance(error, errors.ConversionError):
            message = " ".join(error.message.split())
            return cls(
                kind=kind, message=message, node=error.node, remedy=error.remedy, details=details
            )
        return cls(kind=kind, message=errors.first_line(error), details=details)


class ParitySummary(msgspec.Struct, frozen=True, kw_only=True):
    """How equal a converted module is to its original, in a few numbers.

    Attributes:
      verdict: `equal`, `differs` or `not compared`.
      passed: Whether it is the first.
      tensors: How many tensors were compared as both lie on disk.
      bit_equal: How many of them have equal bits.
      worst_abs: The largest absolute difference.
      worst_rel: The largest relative difference.
      conditional: How many more tensors were compared with random ops replaced.
      facts: How many names, lists and the like were compared.
      not_compared: The parts that could not be compared and may differ, with the reasons.
    """

    # Journals and records of version 0.1 have no verdict; they knew two, and counted facts as
    # tensors.
    verdict: str = ""
    passed: bool
    tensors: Count
    bit_equal: Count
    worst_abs: Number
    worst_rel: Number
    conditional: Count = 0
    facts: Count = 0
    not_compared: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.verdict:
            msgspec.structs.force_setattr(
                self, "verdict", verdict.EQUAL if self.passed else verdict.DIFFERS
            )
        restore_numbers(self, "worst_abs", "worst_rel")


class ModuleOutcome(msgspec.Struct, frozen=True, kw_only=True, tag_field="outcome"):
    """The fields that all outcomes have.

    Attributes:
      path: The module's path in the tree, with slashes; it identifies the module.
      source: Its absolute path, or the line of the list that names it.
      destination: The absolute path of its SavedModel, whether that exists or not.
      seconds: How long the last attempt took; 0 if no job ran.
      attempts: How often it was tried in this run.
      started: When the last attempt began, in seconds since 1970; 0 if no job ran.
      worker: `host:pid` of the process that ran it; empty if no job ran.
      source_digest: SHA-256 over the source's files, if it was computed.
      source_bytes: The size of the source's files, if known.
      warnings: What a user should know, in full sentences.
    """

    path: str
    source: str
    destination: str
    seconds: Seconds = 0.0
    attempts: Count = 0
    started: Seconds = 0.0
    worker: str = ""
    source_digest: str | None = None
    source_bytes: Count | None = None
    warnings: tuple[str, ...] = ()


class _WithOutput(ModuleOutcome, frozen=True, kw_only=True):
    """An outcome that leaves a SavedModel at `destination`.

    Attributes:
      destination_bytes: The size of its files.
      record: The absolute path of its `conversion.json`.
      parity: How equal it is to the original, if that was verified.
      parity_report: The absolute path of the whole comparison (`ParityReport.to_json`), or None.
      written: The digests of what was written; None in journals of earlier versions.
    """

    destination_bytes: Count
    record: str
    parity: ParitySummary | None = None
    parity_report: str | None = None
    written: OutputDigests | None = None


class Converted(_WithOutput, frozen=True, kw_only=True, tag="converted"):
    """The module was converted."""


class UpToDate(_WithOutput, frozen=True, kw_only=True, tag="up_to_date"):
    """The destination already is what converting the module with these options would give."""


class Reason(enum.Enum):
    """A reason why there is nothing to convert."""

    TF2 = "tf2"
    NO_MODEL = "no_model"
    LINK = "link"


class NotLegacy(ModuleOutcome, frozen=True, kw_only=True, tag="not_legacy"):
    """There is nothing to convert.

    Attributes:
      reason: The reason, for programs.
      explanation: The reason, in a sentence.
    """

    reason: Reason
    explanation: str


class _Unsuccessful(ModuleOutcome, frozen=True, kw_only=True):
    """An outcome that leaves no new SavedModel; an older one stays."""

    error: ErrorInfo


class Refused(_Unsuccessful, frozen=True, kw_only=True, tag="refused"):
    """The module cannot be carried over exactly, or cannot be read.

    Attributes:
      refusals: In a dry run, all reasons that compiling the module gave; `error` is the first.
    """

    refusals: tuple[RefusalInfo, ...] = ()


class Failed(_Unsuccessful, frozen=True, kw_only=True, tag="failed"):
    """The converter, the comparison or a filesystem failed, not the module."""


class TimedOut(_Unsuccessful, frozen=True, kw_only=True, tag="timed_out"):
    """The job took longer than `limit_secs`."""

    limit_secs: Seconds


class Crashed(_Unsuccessful, frozen=True, kw_only=True, tag="crashed"):
    """The job's worker died.

    Attributes:
      exit_status: As `subprocess` gives it: negative for a signal; None if it is not known.
      memory_bytes: What the worker used when it was killed for that; None if it was not.
    """

    exit_status: int | None = None
    memory_bytes: Count | None = None


Outcome: TypeAlias = Converted | UpToDate | NotLegacy | Refused | Failed | TimedOut | Crashed
# What JSON and the report call them.
OUTCOME_NAMES: Mapping[type, str] = {kind: kind.__struct_config__.tag for kind in get_args(Outcome)}
# A SavedModel that could not be compared in full: neither JSON nor the report counts it with those
# that were, though its type is `Converted` or `UpToDate`.
NOT_COMPARED = "not_compared"
COUNTED = ("converted", "up_to_date", NOT_COMPARED, *list(OUTCOME_NAMES.values())[2:])
Unsuccessful: TypeAlias = Refused | Failed | TimedOut | Crashed
UNSUCCESSFUL = (Refused, Failed, TimedOut, Crashed)

SOURCE_MISSING = "SourceMissing"
# Errors that are not the module's, and may be gone when it is tried again.
PASSING_KINDS = frozenset({"DestinationError", "DownloadError", SOURCE_MISSING})


def name_outcome(outcome: Outcome) -> str:
    """Returns what JSON and the report count an outcome as; see `COUNTED`."""
    if isinstance(outcome, Converted | UpToDate) and is_open(outcome.parity):
        return NOT_COMPARED
    return OUTCOME_NAMES[type(outcome)]


def is_open(parity: ParitySummary | None) -> bool:
    """Whether a comparison was made, and left something open in which the two may differ."""
    return parity is not None and parity.verdict == verdict.NOT_COMPARED
