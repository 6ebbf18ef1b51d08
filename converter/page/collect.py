"""Collects what is known of a migration: from its journal, its records and its comparisons."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from converter import errors
from converter.migration.candidates import target_of
from converter.migration.journal import History, JobFinished, journal_path, read_journal
from converter.migration.outcomes import OUTCOME_NAMES, Converted, UpToDate
from converter.migration.state import State
from converter.page.causes import Cause, group_by_cause
from converter.page.journal_facts import (
    UNFINISHED,
    describe_damaged,
    describe_entry,
    describe_run,
)
from converter.page.packed import budget_bytes, pack
from converter.page.parity_facts import SUMMARY, read_parity_facts
from converter.page.record_facts import read_record_facts
from converter.page.untrusted import DamagedError, Json, text

Progress = Callable[[str], None]
_PROGRESS_EVERY = 500
_CLOCK_SLACK_SECS = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Module:
    """What is known of a module.

    Attributes:
      facts: What a table can hold.
      packed: All of it, for the page; see `packed.py`.
    """

    facts: Json
    packed: str


@dataclasses.dataclass(frozen=True, slots=True)
class Migration:
    """What is known of a migration.

    Attributes:
      destination_root: Where it leads.
      runs: In the order in which they began.
      modules: By path.
      causes: Why modules were not converted.
      problems: What could not be read of the journal, in sentences.
    """

    destination_root: str
    runs: tuple[Json, ...]
    modules: tuple[Module, ...]
    causes: tuple[Cause, ...]
    problems: tuple[str, ...]


def collect(destination_root: pathlib.Path, progress: Progress) -> Migration:
    """Reads all that is known of the migration to `destination_root`.

    Raises:
      UsageError: if no migration wrote there.
      DestinationError: if its journal cannot be read, or a later version wrote it.
    """
    if not journal_path(destination_root).exists():
        raise errors.UsageError(
            f"{destination_root} has no journal of a migration",
            remedy="Name the DST_ROOT of a `tf1hub migrate` that has run.",
        )
    history = read_journal(destination_root)
    modules = _collect_modules(history, destination_root, progress)
    runs, problems = _collect_runs(history)
    return Migration(
        destination_root=text(str(destination_root)),
        runs=runs,
        modules=modules,
        causes=group_by_cause(module.facts for module in modules),
        problems=problems,
    )


def _collect_modules(
    history: History, destination_root: pathlib.Path, progress: Progress
) -> tuple[Module, ...]:
    # Nothing keeps a damaged journal from naming a module by something else than a text.
    paths = sorted(
        path for path in {*history.entries, *history.unfinished} if isinstance(path, str)
    )
    reader = _Reader(history, destination_root, budget_bytes(len(paths)))
    modules = []
    for number, path in enumerate(paths):
        if number % _PROGRESS_EVERY == 0:
            progress(f"reading what is known of module {number + 1:,} of {len(paths):,}")
        modules.append(reader.read(path))
    return tuple(modules)


def _collect_runs(history: History) -> tuple[tuple[Json, ...], tuple[str, ...]]:
    runs, problems = [], []
    if history.damaged_lines:
        lines = ", ".join(map(str, history.damaged_lines[:10]))
        more = " and more" if len(history.damaged_lines) > 10 else ""
        problems.append(
            f"The journal is damaged, and what it said there is lost: line {lines}{more}."
        )
    for number, run in enumerate(history.runs, start=1):
        try:
            runs.append(describe_run(run))
        except DamagedError as error:
            problems.append(f"What the journal says of run {number} is damaged: {error}.")
    return tuple(runs), tuple(problems)


class _Reader:
    """Reads what is known of one module after the other."""

    def __init__(self, history: History, destination_root: pathlib.Path, budget: int) -> None:
        self._history = history
        self._root = destination_root
        self._budget = budget

    def read(self, path: str) -> Module:
        problems: list[str] = []
        entry = self._history.entries.get(path)
        facts = self._describe(path, entry, problems)
        record = parity = None
        if _leads_out(path):
            problems.append("Its path leads out of DST_ROOT, so its files were not read.")
        elif entry is not None:
            record = self._read_record(path, entry, problems)
            parity = self._read_parity(path, entry, facts, problems)
        facts = {**facts, **_summarize(facts, record, parity), "problems": problems}
        return Module(facts, pack({**facts, "record": record, "report": parity}, self._budget))

    def _describe(self, path: str, entry: JobFinished | None, problems: list[str]) -> Json:
        if path in self._history.unfinished:
            problems.append(
                "It was begun, and has no outcome since: the run was stopped, or is going on."
            )
        if entry is None:
            return describe_damaged(path, UNFINISHED)
        try:
            return describe_entry(entry)
        except DamagedError as error:
            problems.append(f"What the journal says of it is damaged: {error}.")
            return describe_damaged(path, OUTCOME_NAMES[type(entry.outcome)])

    def _read_record(self, path: str, entry: JobFinished, problems: list[str]) -> Json | None:
        outcome = entry.outcome
        if not isinstance(outcome, Converted | UpToDate):
            return None
        try:
            # The tree may have been moved: what the outcome says is where it lies in the module.
            inside = pathlib.Path(outcome.record).relative_to(outcome.destination)
            if _leads_out(str(inside)):
                raise DamagedError("it leads out of the SavedModel")
            record = read_record_facts(self._root / target_of(path) / inside)
        except (ValueError, TypeError) as error:
            reason = (
                error if isinstance(error, DamagedError) else "the journal does not say where it is"
            )
            problems.append(f"Its record, conversion.json, could not be read: {reason}.")
            return None
        if outcome.source_digest not in (None, record["digest"]):
            problems.append("Its record is that of another conversion than the journal tells of.")
        return record

    def _read_parity(
        self, path: str, entry: JobFinished, facts: Json, problems: list[str]
    ) -> Json | None:
        file = State(self._root).parity_report(path)
        if not _has_comparison(entry, facts, file):
            return None
        try:
            parity = read_parity_facts(file)
        except DamagedError as damaged:
            problems.append(f"Its comparison with the original could not be read: {damaged}.")
            return None
        summary = facts["parity"]
        if summary is not None and any(summary[name] != parity[name] for name in summary):
            problems.append("The comparison is another one than the journal tells of.")
        return {**parity, "file": text(str(file.relative_to(self._root)))}


def _has_comparison(entry: JobFinished, facts: Json, file: pathlib.Path) -> bool:
    """Whether `file` should hold the comparison that led to the outcome."""
    if isinstance(entry.outcome, Converted | UpToDate):
        return facts["parity"] is not None and entry.outcome.parity_report is not None
    if facts["error"] is None or facts["error"]["kind"] != "ParityError":
        return False
    try:
        # A comparison that failed is kept; one that could not be made leaves that of before.
        return file.stat().st_mtime + _CLOCK_SLACK_SECS >= facts["started"]
    except (OSError, ValueError):
        return False


def _leads_out(path: str) -> bool:
    place = pathlib.PurePosixPath(path)
    return place.is_absolute() or ".." in place.parts or not place.parts


def _summarize(facts: Json, record: Json | None, parity: Json | None) -> Json:
    """What a table can hold of a record and of a comparison."""
    names = ("variable_count", "trainable_count", "variable_bytes", "tensorflow")
    known: Mapping[str, Any] = record or {}
    summary = facts["parity"]
    if summary is None and parity is not None:  # Of a module that differs from its original.
        summary = {name: parity[name] for name in SUMMARY}
    return {
        **{name: known.get(name) for name in names},
        "callables": [part["name"] for part in known.get("callables", ())],
        "dropped": len(known.get("dropped", ())),
        "parity": summary,
        "histogram": None if parity is None else parity["histogram"],
    }
