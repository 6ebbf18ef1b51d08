"""What became of one module of a migration: a closed union, picklable, JSON in and out.

    Converted    it was converted in this attempt
    UpToDate     the destination already is what converting would give
    NotLegacy    nothing to convert: a TF2 SavedModel, or no model at all
    Refused      the module cannot be carried over exactly; its error says why
    Failed       the converter, the comparison or a filesystem failed, not the module
    TimedOut     it took longer than a job may take; its worker was killed
    Crashed      its worker died, or was killed for using too much memory

Every type has the fields of `ModuleOutcome`; `to_json` and `outcome_from_json` are inverse.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from converter import errors
from converter.parity.verdict import DIFFERS, EQUAL

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """Why a module was not converted.

    Attributes:
      kind: The error's type, such as `UnsupportedOpError`; what a report groups by.
      message: What was expected and what was found, in one line.
      node: The graph node where it happened, if there is one.
      remedy: What the user can do about it.
      details: A traceback, or the last words of a worker that died; for bug reports.
    """

    kind: str
    message: str
    node: str | None = None
    remedy: str = ""
    details: str = ""

    @property
    def text(self) -> str:
        """The whole error in one line."""
        where = f" (at node {self.node!r})" if self.node else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return " ".join(f"{self.message.rstrip('.')}{where}.{remedy}".split())

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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ParitySummary:
    """The few facts that say how equal a converted module is to its original.

    Attributes:
      verdict: `equal`, `differs` or `not compared`.
      passed: Whether it is the first.
      tensors: How many tensors were compared as both lie on disk.
      bit_equal: How many of them have equal bits.
      worst_abs: The largest absolute difference.
      worst_rel: The largest relative difference.
      conditional: How many more tensors were compared with random ops replaced.
      facts: How many names, lists and the like were compared.
      not_compared: What could not be compared and may differ, with the reasons.
    """

    verdict: str
    passed: bool
    tensors: int
    bit_equal: int
    worst_abs: float
    worst_rel: float
    conditional: int = 0
    facts: int = 0
    not_compared: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ParitySummary:
        """Reads what `ParityReport.summary()` or a record holds."""
        passed = values["passed"]
        # Journals of earlier versions have no verdict: they knew of two, and counted facts as
        # tensors.
        return cls(
            verdict=values.get("verdict", EQUAL if passed else DIFFERS),
            passed=passed,
            tensors=values["tensors"],
            bit_equal=values["bit_equal"],
            worst_abs=float(values["worst_abs"]),
            worst_rel=float(values["worst_rel"]),
            conditional=values.get("conditional", 0),
            facts=values.get("facts", 0),
            not_compared=tuple(values.get("not_compared", ())),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModuleOutcome:
    """What all outcomes have.

    Attributes:
      path: The module's place in the tree, relative to SRC_ROOT, with slashes; its identity.
      source: Where it lies: an absolute path, or the handle as it was listed.
      destination: The absolute path of the SavedModel, whether it is there or not.
      seconds: How long the last attempt took; 0 where nothing ran.
      attempts: How often it was tried in this run.
      started: When the last attempt began, in seconds since 1970; 0 where nothing ran.
      worker: `host:pid` of the process that ran it; empty where nothing ran.
      source_digest: SHA-256 over the source's files, where it was computed.
      source_bytes: The size of the source's files, where they were looked at.
      warnings: What a user should know, in full sentences.
    """

    path: str
    source: str
    destination: str
    seconds: float = 0.0
    attempts: int = 0
    started: float = 0.0
    worker: str = ""
    source_digest: str | None = None
    source_bytes: int | None = None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """The outcome as JSON values; numbers that JSON has not are strings."""
        return {"outcome": OUTCOME_NAMES[type(self)], **_to_json(dataclasses.asdict(self))}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _WithOutput(ModuleOutcome):
    """An outcome that leaves a SavedModel at `destination`.

    Attributes:
      destination_bytes: The size of its files.
      record: The absolute path of its `conversion.json`.
      parity: How equal it is to the original, where that was verified.
      parity_report: The absolute path of the comparison in full (`ParityReport.to_json`), or None.
    """

    destination_bytes: int
    record: str
    parity: ParitySummary | None = None
    parity_report: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Converted(_WithOutput):
    """The module was converted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UpToDate(_WithOutput):
    """The destination is what converting the module with these options would give."""


class Reason(enum.Enum):
    """Why something in the tree is not for converting."""

    TF2 = "tf2"
    NO_MODEL = "no_model"
    LINK = "link"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotLegacy(ModuleOutcome):
    """There is nothing to convert.

    Attributes:
      reason: Why, for programs.
      explanation: Why, in a sentence.
    """

    reason: Reason
    explanation: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Unsuccessful(ModuleOutcome):
    """An outcome that leaves no new SavedModel; one that was there before is still there."""

    error: ErrorInfo


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Refused(_Unsuccessful):
    """The module cannot be carried over exactly, or cannot be read."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failed(_Unsuccessful):
    """The converter broke its promise, the comparison failed, or a filesystem is to blame."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut(_Unsuccessful):
    """The job took longer than `limit_secs`."""

    limit_secs: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Crashed(_Unsuccessful):
    """The job's worker died.

    Attributes:
      exit_status: As `subprocess` gives it: negative for a signal; None where it is not known.
      memory_bytes: What the worker used when it was killed for that; None if it was not.
    """

    exit_status: int | None = None
    memory_bytes: int | None = None


Outcome: TypeAlias = Converted | UpToDate | NotLegacy | Refused | Failed | TimedOut | Crashed
OUTCOME_NAMES: Mapping[type, str] = {
    Converted: "converted",
    UpToDate: "up_to_date",
    NotLegacy: "not_legacy",
    Refused: "refused",
    Failed: "failed",
    TimedOut: "timed_out",
    Crashed: "crashed",
}
Unsuccessful: TypeAlias = Refused | Failed | TimedOut | Crashed
UNSUCCESSFUL = (Refused, Failed, TimedOut, Crashed)

SOURCE_MISSING = "SourceMissing"
# The kinds of errors that say nothing of the module, and may be gone when it is tried again.
PASSING_KINDS = frozenset({"DestinationError", SOURCE_MISSING})

_TYPES: Mapping[str, type] = {name: kind for kind, name in OUTCOME_NAMES.items()}


def outcome_from_json(values: Mapping[str, Any]) -> Outcome:
    """The outcome that `to_json` described; fields of later versions are ignored.

    Raises:
      KeyError, TypeError, ValueError: if `values` describes no outcome.
    """
    kind = _TYPES[values["outcome"]]
    known = {field.name for field in dataclasses.fields(kind)}
    fields = {name: value for name, value in values.items() if name in known}
    fields["warnings"] = tuple(fields.get("warnings", ()))
    if "error" in fields:
        fields["error"] = ErrorInfo(**fields["error"])
    if "reason" in fields:
        fields["reason"] = Reason(fields["reason"])
    if fields.get("parity") is not None:
        fields["parity"] = ParitySummary.from_json(fields["parity"])
    outcome: Outcome = kind(**fields)
    return outcome


def _to_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _to_json(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [_to_json(part) for part in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
