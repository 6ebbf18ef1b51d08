"""The document that the report is made of: `report.json`.

`tf1hub report` collects it from a migration; the page and the CSV file are rendered from it alone.
All texts are Unicode, and all numbers are finite: differences that are not are the strings `inf`,
`-inf` and `nan`.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from converter import errors
from converter.files.json_values import (
    Count,
    Number,
    Seconds,
    explain,
    restore_numbers,
    to_json_values,
)
from converter.printable import printable_json

# 1: SavedModels that were not compared in full were `converted` or `up_to_date`; no groups.
REPORT_VERSION = 2
# The bounds of the ranges in which durations are counted, in seconds.
DURATION_BOUNDS = (1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600)
_MOST_ULPS_BITS = 64

OutcomeName: TypeAlias = Literal[
    "converted",
    "up_to_date",
    "not_compared",
    "not_legacy",
    "refused",
    "failed",
    "timed_out",
    "crashed",
    "unfinished",
]
# The outcomes of modules that have a SavedModel.
SAVED: tuple[OutcomeName, ...] = ("converted", "up_to_date", "not_compared")
# How many elements have equal bits, then how many are up to 1, 3, 7, … units in the last place
# apart: entry i counts distances of i bits.
Histogram = Annotated[list[Count], msgspec.Meta(max_length=_MOST_ULPS_BITS + 1)]
Durations = Annotated[
    list[Count],
    msgspec.Meta(min_length=len(DURATION_BOUNDS) + 1, max_length=len(DURATION_BOUNDS) + 1),
]


class ModuleError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a module was not converted.

    Attributes:
      kind: The type of the error.
      message: What was expected and what was found.
      node: The graph node at fault; null if no single node is.
      remedy: What the user can do about it.
      details: A traceback, or the last output of a worker that died.
    """

    kind: str
    message: str
    node: str | None = None
    remedy: str = ""
    details: str = ""


class NotCompared(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be compared.

    Attributes:
      text: What, and why.
      remedy: What to pass so that it is compared; empty where nothing helps.
      leaves_open: Whether the two may differ in it.
    """

    text: str
    remedy: str = ""
    leaves_open: bool = True


class ParityNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """How equal a converted module is to its original.

    Attributes:
      verdict: `equal`, `differs` or `not compared`.
      passed: Whether the verdict is `equal`.
      tensors: How many tensors were compared.
      bit_equal: How many of them have equal bits.
      conditional: How many more were compared with random ops replaced.
      facts: How many names, lists and other facts were compared.
      worst_abs: The largest absolute difference.
      worst_rel: The largest relative difference.
    """

    verdict: str
    passed: bool
    tensors: Count
    bit_equal: Count
    conditional: Count = 0
    facts: Count = 0
    worst_abs: Number
    worst_rel: Number

    def __post_init__(self) -> None:
        restore_numbers(self, "worst_abs", "worst_rel")


class ModuleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A module and its last outcome.

    Attributes:
      path: Its path in the tree.
      outcome: The name of its outcome; `unfinished` if a job began and has none, and `not_compared`
        if its SavedModel could not be compared in full.
      source: Where its files are.
      destination: Where its SavedModel goes.
      folder: The path of its SavedModel in DST_ROOT; empty if there is none.
      card: The path of the model card in it; empty if there is none.
      seconds: How long the last attempt took.
      attempts: How often it was tried in that run; 0 if no job ran.
      started: When the last attempt began, in seconds since 1970.
      finished: When its outcome was recorded, in seconds since 1970.
      run: The id of that run.
      worker: `host:pid` of the process that ran it.
      converter: The converter's version.
      source_digest: SHA-256 of the source's files, if it was computed.
      source_bytes: The size of the source's files, if known.
      destination_bytes: The size of the SavedModel's files, if there is one.
      warnings: What a user should know, in full sentences.
      explanation: Why there is nothing to convert.
      limit_secs: The time limit that the job exceeded.
      memory_bytes: The memory that the worker used when it was stopped for that.
      error: Why it was not converted.
      parity: How equal it is to the original, if that was verified.
      not_compared: What could not be compared, and may differ.
      variable_count: The number of variables, from the record.
      trainable_count: How many of them are trainable.
      variable_bytes: Their size.
      tensorflow: The version of TensorFlow that converted it.
      format: Its format, such as `tf1_hub`; empty if it was not converted.
      archive: The name of the archive that held it; empty if it was a directory.
      callables: The names of its callables.
      dropped: How many things the SavedModel lacks that the module had.
      histogram: How many elements are how far from the original's.
      problems: What could not be read of the module, in full sentences.
    """

    path: str
    outcome: OutcomeName
    source: str = ""
    destination: str = ""
    folder: str = ""
    card: str = ""
    seconds: Seconds = 0.0
    attempts: Count = 0
    started: Seconds = 0.0
    finished: Seconds = 0.0
    run: str = ""
    worker: str = ""
    converter: str = ""
    source_digest: str | None = None
    source_bytes: Count | None = None
    destination_bytes: Count | None = None
    warnings: list[str] = []
    explanation: str = ""
    limit_secs: Seconds | None = None
    memory_bytes: Count | None = None
    error: ModuleError | None = None
    parity: ParityNumbers | None = None
    not_compared: list[NotCompared] = []
    variable_count: Count | None = None
    trainable_count: Count | None = None
    variable_bytes: Count | None = None
    tensorflow: str | None = None
    format: str = ""
    archive: str = ""
    callables: list[str] = []
    dropped: Count = 0
    histogram: Histogram | None = None
    problems: list[str] = []


class Module(ModuleFacts, frozen=True, kw_only=True):
    """A module of the report.

    Attributes:
      details: What the page shows when the module is opened: a `Details` as JSON, deflated (zlib).
        To keep the page small, long lists and texts may be cut: a list then ends with
        `{"rest": n}`, the number of items left out.
    """

    details: bytes


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run of `tf1hub migrate`.

    Attributes:
      run: Its id.
      started: When it began, in seconds since 1970.
      seconds: How long it took, as far as is known.
      converter: The converter's version.
      source_root: The tree that was migrated.
      options: The options that were set, as `name: value`.
      counts: How many modules had which outcome when it ended.
      end: `open` if it was killed or is still running.
      environment: The machine and the versions, in words, by name.
    """

    run: str
    started: Seconds
    seconds: Seconds
    converter: str
    source_root: str
    options: list[str]
    counts: dict[str, Count]
    end: Literal["finished", "interrupted", "open"]
    environment: dict[str, str] = {}


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """An error, or a reason why they were not compared, that one or more modules have in common.

    Attributes:
      kind: The type of the error; `NotCompared` if there was none.
      shape: Its message, with `…` in place of what varies between modules.
      example: The message of the first module.
      remedies: What the user can do about it.
      outcomes: The outcomes of the modules.
      paths: The modules.
    """

    kind: str
    shape: str
    example: str
    remedies: list[str]
    outcomes: list[OutcomeName]
    paths: list[str]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Causes of one sort, in plain words.

    Attributes:
      title: What is wrong with the modules, in plain words: `damaged on disk`.
      causes: The places of the causes in the report, from 0.
      modules: How many modules they have.
      retry: A shell command that retries these modules, and no others; empty if there is none.
    """

    title: str
    causes: list[Count]
    modules: Count
    retry: str = ""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums and extremes over all modules.

    Attributes:
      counts: How many modules have each outcome.
      seconds: The time of all last attempts together.
      median_seconds: Their median; null if there are none.
      slowest: The path of the module that took longest.
      slowest_seconds: How long it took.
      durations: How many attempts took up to 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800 and 3600
        seconds, and longer.
      source_bytes: The size of the modules that have a SavedModel.
      destination_bytes: The size of those SavedModels.
      verified: How many modules were compared with their originals.
      equal: How many of them are equal to their originals.
      not_compared: How many of them could not be compared in full.
      tensors: How many tensors were compared.
      bit_equal: How many of them have equal bits.
      worst: The path of the module with the largest relative difference.
      worst_rel: That difference.
      histogram: How many elements are how far from the originals'.
    """

    counts: dict[OutcomeName, Count]
    seconds: Seconds
    median_seconds: Seconds | None
    slowest: str
    slowest_seconds: Seconds
    durations: Durations
    source_bytes: Count
    destination_bytes: Count
    verified: Count
    equal: Count
    not_compared: Count
    tensors: Count
    bit_equal: Count
    worst: str
    worst_rel: Number
    histogram: Histogram | None

    def __post_init__(self) -> None:
        restore_numbers(self, "worst_rel")

    @property
    def saved_models(self) -> int:
        """How many modules have a SavedModel."""
        return sum(self.counts.get(name, 0) for name in SAVED)

    @property
    def legacy(self) -> int:
        """How many TF1 modules there are."""
        return sum(self.counts.values()) - self.counts.get("not_legacy", 0)

    @property
    def open(self) -> int:
        """How many TF1 modules have no SavedModel."""
        return self.legacy - self.saved_models


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The report of a migration: `report.json`.

    Attributes:
      report_version: The version of this schema.
      converter: The version of the converter that wrote the report.
      destination_root: The tree that the migration writes.
      problems: What could not be read of the journal, in full sentences.
      totals: Sums over all modules.
      runs: The runs, in the order in which they began.
      causes: Why modules were not converted or not compared, the most frequent first.
      groups: The causes by sort, that of the most modules first.
      modules: All modules, by path.
    """

    report_version: int
    converter: str
    destination_root: str
    problems: list[str]
    totals: Totals
    runs: list[Run]
    causes: list[Cause]
    modules: list[Module]
    groups: list[Group] = []

    def __post_init__(self) -> None:
        places = [place for group in self.groups for place in group.causes]
        if places and max(places) >= len(self.causes):
            raise ValueError("Expected the places of causes in groups")


class _Header(msgspec.Struct):
    report_version: int


def encode_report(report: Report) -> bytes:
    """Encodes a report as the bytes of `report.json`."""
    text = msgspec.json.format(msgspec.json.encode(to_json_values(report)), indent=1).decode()
    return (printable_json(text) + "\n").encode()


def decode_report(content: bytes, name: str) -> Report:
    """Reads a report, and checks all of it.

    Args:
      content: The bytes of `report.json`.
      name: What to call the file in errors.

    Raises:
      UsageError: if it is not a report, or a later version wrote it.
    """
    try:
        version = msgspec.json.decode(content, type=_Header).report_version
        if version <= REPORT_VERSION:
            return msgspec.json.decode(content, type=Report)
    except (ValueError, RecursionError) as error:  # ValueError: of JSON, UTF-8 and types alike.
        raise errors.UsageError(
            f"{name} is not a report: {explain(error)}",
            remedy="Write it again with `tf1hub report DST_ROOT`.",
        ) from error
    raise errors.UsageError(
        f"{name} has report version {version}, expected {REPORT_VERSION} or less",
        remedy="Use the version of the converter that wrote it, or a later one.",
    )
