"""The journal of a migration: an append-only file of JSON lines in DST_ROOT.

A line is an event, and is on the disk before the run continues. A power cut or a kill may tear the
last line; it is ignored, and the next run cuts it off. The journal alone tells the state of a
module: its last outcome, and the source, converter and options that it belongs to.

    history = read_journal(destination_root)
    history.entries["image/resnet"].outcome      # Converted(…), Refused(…), …
    history.runs[-1].seconds
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, get_args

import msgspec

from converter import errors
from converter.files.json_values import Count, Seconds, decode, encode, explain
from converter.files.replace import sync_entry
from converter.migration.candidates import target_of
from converter.migration.outcomes import Converted, Crashed, Outcome, TimedOut, UpToDate
from converter.migration.output_digests import OutputDigests

STATE_FOLDER = ".tf1hub"
FILENAME = "journal.jsonl"
SCHEMA_VERSION = 1


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """The fields of all events.

    Attributes:
      v: The version of the journal's schema.
      run: The run's id, unique in the journal.
      time: In seconds since 1970.
    """

    v: int = SCHEMA_VERSION
    run: str
    time: Seconds


class RunStarted(_Event, frozen=True, kw_only=True, tag="run_started"):
    """A run began.

    Attributes:
      converter: The converter's version.
      source_root: The tree that is migrated.
      options: The user's options.
      environment: The machine and the versions, in words; empty in journals of earlier versions.
    """

    converter: str
    source_root: str
    options: dict[str, Any]
    environment: dict[str, str] = {}


class JobStarted(_Event, frozen=True, kw_only=True, tag="job_started"):
    """A module was given to a worker."""

    path: str


class JobFinished(_Event, frozen=True, kw_only=True, tag="job_finished"):
    """A module has an outcome.

    Attributes:
      source_stat_digest: That of a snapshot of the source before the job began; None if no job ran.
      destination_stat_digest: That of the SavedModel after it; None if there is none.
      fingerprint: The fingerprint of the options that decide the outcome.
      converter: The converter's version.
    """

    outcome: Outcome
    source_stat_digest: str | None = msgspec.field(name="source_signature")
    destination_stat_digest: str | None = msgspec.field(name="destination_signature")
    fingerprint: str
    converter: str


class RunFinished(_Event, frozen=True, kw_only=True, tag="run_finished"):
    """A run ended by itself; a run that was killed has no such event."""

    counts: dict[str, Count]
    interrupted: bool


Event = RunStarted | JobStarted | JobFinished | RunFinished
_TYPES: Mapping[str, type[Event]] = {kind.__struct_config__.tag: kind for kind in get_args(Event)}


class _Header(msgspec.Struct):
    """The fields of a line of any version."""

    v: int
    event: str


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """A run, as the journal has it.

    Attributes:
      started: Its first event.
      finished: Its last event; None if it was killed, or is still going on.
      last_time: The time of its last event of any type.
    """

    started: RunStarted
    finished: RunFinished | None
    last_time: float

    @property
    def seconds(self) -> float:
        """How long it took, as far as is known."""
        return self.last_time - self.started.time


@dataclasses.dataclass(frozen=True, slots=True)
class DamagedLine:
    """A line of the journal that cannot be read.

    Attributes:
      number: Its number, from 1.
      problem: What is wrong with it, in a clause.
    """

    number: int
    problem: str


@dataclasses.dataclass(frozen=True, slots=True)
class History:
    """The contents of a journal.

    Attributes:
      runs: The runs, in the order in which they began.
      entries: The last outcome of each module, by its path.
      unfinished: Modules whose last job began and has no outcome.
      damaged_lines: Lines before the last that could not be read, and were skipped.
      written: The digests of what was last written to each destination, by its path in the tree;
        none where a job was lost, which may have written another output.
    """

    runs: tuple[Run, ...] = ()
    entries: Mapping[str, JobFinished] = dataclasses.field(default_factory=dict)
    unfinished: frozenset[str] = frozenset()
    damaged_lines: tuple[DamagedLine, ...] = ()
    written: Mapping[str, OutputDigests] = dataclasses.field(default_factory=dict)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The last outcome of each module, by path."""
        return tuple(self.entries[path].outcome for path in sorted(self.entries))


def journal_path(destination_root: str | os.PathLike[str]) -> pathlib.Path:
    """Returns the path of a migration's journal."""
    return pathlib.Path(destination_root) / STATE_FOLDER / FILENAME


def read_journal(destination_root: str | os.PathLike[str]) -> History:
    """Reads the journal of a destination; an empty history if there is none.

    Raises:
      DestinationError: if the journal cannot be read, or a later version wrote it.
    """
    path = journal_path(destination_root)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return History()
    except OSError as error:
        raise _unusable(path, "read", error) from error
    damaged: list[DamagedLine] = []
    return _tell(list(_events(content, path, damaged)), damaged)


def _events(content: bytes, path: pathlib.Path, damaged: list[DamagedLine]) -> Iterator[Event]:
    # A torn line, or nothing, follows the last newline.
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            header = decode(line, _Header)
            if header.v <= SCHEMA_VERSION:
                if header.event in _TYPES:
                    yield decode(line, _TYPES[header.event])
                continue
        except ValueError as error:
            damaged.append(DamagedLine(number, explain(error)))
            continue
        raise errors.DestinationError(
            f"{path} has schema version {header.v}, expected {SCHEMA_VERSION} or less",
            remedy="Use the version of the converter that wrote it, or a later one.",
        )


def _tell(events: Sequence[Event], damaged: list[DamagedLine]) -> History:
    runs: dict[str, Run] = {}
    entries: dict[str, JobFinished] = {}
    begun: set[str] = set()
    makers: dict[str, str] = {}
    for event in events:
        if isinstance(event, RunStarted):
            runs[event.run] = Run(event, None, event.time)
        elif event.run in runs:
            finished = event if isinstance(event, RunFinished) else runs[event.run].finished
            runs[event.run] = Run(runs[event.run].started, finished, event.time)
        if isinstance(event, JobStarted):
            begun.add(event.path)
        elif isinstance(event, JobFinished):
            begun.discard(event.outcome.path)
            entries[event.outcome.path] = event
            if isinstance(event.outcome, Converted | UpToDate):
                _forget_former(event.outcome.path, entries, makers)
    written = _find_written(events)
    return History(tuple(runs.values()), entries, frozenset(begun), tuple(damaged), written)


def _find_written(events: Iterable[Event]) -> dict[str, OutputDigests]:
    """Finds what lies at each destination, as far as no lost job may have replaced it since."""
    written: dict[str, OutputDigests] = {}
    before: dict[str, OutputDigests | None] = {}
    for event in events:
        if isinstance(event, JobStarted):
            target = target_of(event.path)
            before[target] = written.pop(target, None)
        elif isinstance(event, JobFinished):
            target = target_of(event.outcome.path)
            digests = _digests_after(event.outcome, before.pop(target, None))
            if digests is not None:
                written[target] = digests
    return written


def _digests_after(outcome: Outcome, before: OutputDigests | None) -> OutputDigests | None:
    if isinstance(outcome, Converted | UpToDate):
        return outcome.written
    return None if isinstance(outcome, TimedOut | Crashed) else before


def _forget_former(path: str, entries: dict[str, JobFinished], makers: dict[str, str]) -> None:
    """Removes the entry of another path that led to the same SavedModel: an archive, unpacked."""
    former = makers.get(target_of(path), path)
    if former != path:
        entries.pop(former, None)
    makers[target_of(path)] = path


class Journal:
    """The journal, open for appending. One run at a time: see `lock.py`.

    Raises:
      DestinationError: if it cannot be written, here and from `append`.
    """

    def __init__(self, destination_root: str | os.PathLike[str]) -> None:
        self._path = journal_path(destination_root)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab", buffering=0)
            self._cut_torn_line()
            sync_entry(self._path.parent)
        except OSError as error:
            raise _unusable(self._path, "written", error) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Literal[False]:
        self._file.close()
        return False

    def append(self, *events: Event) -> None:
        """Writes all of the events or none, and returns when they are on the disk."""
        if not events:
            return
        start = self._file.seek(0, os.SEEK_END)
        try:
            self._write(b"".join(encode(event) + b"\n" for event in events))
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(start)
            raise _unusable(self._path, "written", error) from error

    def _write(self, content: bytes) -> None:
        written = 0
        while written < len(content):  # On a nearly full disk, a write may be short.
            written += self._file.write(content[written:]) or 0
        os.fsync(self._file.fileno())

    def _cut_torn_line(self) -> None:
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._file.truncate(whole)


def _unusable(path: pathlib.Path, verb: str, error: OSError) -> errors.DestinationError:
    return errors.DestinationError(
        f"{path} cannot be {verb}: {error.strerror or error}",
        remedy="Check the permissions and the free space, then run the same command to resume.",
    )
