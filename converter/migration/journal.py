"""The journal of a migration: an append-only file of JSON lines in DST_ROOT.

A line is an event, and is on the disk before the run goes on. The last line may be torn, by a
power cut or a kill; it is ignored, and cut off by the next run. What a module's state is follows
from the journal alone: its last outcome, and what source, converter and options it belongs to.

    history = read_journal(destination_root)
    history.entries["image/resnet"].outcome      # Converted(…), Refused(…), …
    history.runs[-1].seconds
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Literal

from converter import errors
from converter.migration.outcomes import Outcome, outcome_from_json

STATE_FOLDER = ".tf1hub"
FILENAME = "journal.jsonl"
SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run begins.

    Attributes:
      run: Its id, unique in the journal.
      time: When, in seconds since 1970.
      converter: The converter's version.
      source_root: What is migrated.
      options: What the user asked for.
    """

    run: str
    time: float
    converter: str
    source_root: str
    options: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    """A module was given to a worker."""

    run: str
    time: float
    path: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JobFinished:
    """A module has an outcome.

    Attributes:
      source_stat_digest: See `signature.py`; what the source looked like before the job began.
      destination_stat_digest: What the SavedModel looked like after it; None if there is none.
      fingerprint: Of the options that decide about the outcome.
      converter: The converter's version.
    """

    run: str
    time: float
    outcome: Outcome
    source_stat_digest: str | None
    destination_stat_digest: str | None
    fingerprint: str
    converter: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """A run ended by itself; there is none of these for a run that was killed."""

    run: str
    time: float
    counts: Mapping[str, int]
    interrupted: bool


Event = RunStarted | JobStarted | JobFinished | RunFinished
_NAMES: Mapping[type, str] = {
    RunStarted: "run_started",
    JobStarted: "job_started",
    JobFinished: "job_finished",
    RunFinished: "run_finished",
}
_TYPES = {name: kind for kind, name in _NAMES.items()}


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """A run, as the journal tells it.

    Attributes:
      started: How it began.
      finished: How it ended; None if it was killed, or is going on.
      last_time: When it was last heard of.
    """

    started: RunStarted
    finished: RunFinished | None
    last_time: float

    @property
    def seconds(self) -> float:
        """How long it took, or has taken as far as is known."""
        return self.last_time - self.started.time


@dataclasses.dataclass(frozen=True, slots=True)
class History:
    """All that a journal tells.

    Attributes:
      runs: In the order in which they began.
      entries: The last outcome of each module, by its path.
      unfinished: Modules that were begun, and have no outcome since.
      damaged_lines: The numbers, from 1, of lines before the last that could not be read.
    """

    runs: tuple[Run, ...] = ()
    entries: Mapping[str, JobFinished] = dataclasses.field(default_factory=dict)
    unfinished: frozenset[str] = frozenset()
    damaged_lines: tuple[int, ...] = ()

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The last outcome of each module, by path."""
        return tuple(self.entries[path].outcome for path in sorted(self.entries))


def journal_path(destination_root: str | os.PathLike[str]) -> pathlib.Path:
    """Where the journal of a migration lies."""
    return pathlib.Path(destination_root) / STATE_FOLDER / FILENAME


def read_journal(destination_root: str | os.PathLike[str]) -> History:
    """Reads what happened to a destination; empty if nothing did.

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
    damaged: list[int] = []
    return _tell(_events(content, path, damaged), damaged)


def _events(content: bytes, path: pathlib.Path, damaged: list[int]) -> Iterator[Event]:
    # What follows the last newline is a torn line, or nothing.
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            values = json.loads(line)
            version = values["v"]
            if version <= SCHEMA_VERSION:
                yield from _from_json(values)
                continue
        except (ValueError, KeyError, TypeError):
            damaged.append(number)
            continue
        raise errors.DestinationError(
            f"{path} has schema version {version}, expected {SCHEMA_VERSION} or less",
            remedy="Use the version of the converter that wrote it, or a later one.",
        )


def _from_json(values: Mapping[str, Any]) -> Iterator[Event]:
    kind = _TYPES.get(values["event"])
    if kind is None:
        return
    fields = {field.name: values[field.name] for field in dataclasses.fields(kind)}
    if "outcome" in fields:
        fields["outcome"] = outcome_from_json(fields["outcome"])
    names = (fields["run"], fields.get("path", ""), getattr(fields.get("outcome"), "path", ""))
    if not all(isinstance(name, str) for name in names):
        raise ValueError("what names a run or a module is no text")
    yield kind(**fields)


def _tell(events: Iterable[Event], damaged: list[int]) -> History:
    runs: dict[str, Run] = {}
    entries: dict[str, JobFinished] = {}
    begun: set[str] = set()
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
    return History(tuple(runs.values()), entries, frozenset(begun), tuple(damaged))


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
            _sync_folder(self._path.parent)
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
        """Writes events, all or none of them, and returns when they are on the disk."""
        if not events:
            return
        start = self._file.seek(0, os.SEEK_END)
        try:
            self._write(b"".join(map(_to_line, events)))
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(start)
            raise _unusable(self._path, "written", error) from error

    def _write(self, content: bytes) -> None:
        written = 0
        while written < len(content):  # A write to a disk that is nearly full is a short one.
            written += self._file.write(content[written:]) or 0
        os.fsync(self._file.fileno())

    def _cut_torn_line(self) -> None:
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._file.truncate(whole)


def _to_line(event: Event) -> bytes:
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    if isinstance(event, JobFinished):
        fields["outcome"] = event.outcome.to_json()
    values = {"v": SCHEMA_VERSION, "event": _NAMES[type(event)], **fields}
    return (
        json.dumps(values, ensure_ascii=False, allow_nan=False).encode(
            errors="surrogatepass"  # Names of files may be any bytes.
        )
        + b"\n"
    )


def _sync_folder(folder: pathlib.Path) -> None:
    """Makes sure that a new file's name is on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: pathlib.Path, verb: str, error: OSError) -> errors.DestinationError:
    return errors.DestinationError(
        f"{path} cannot be {verb}: {error.strerror or error}",
        remedy="Check the permissions and the free space, then run it again: it goes on.",
    )
