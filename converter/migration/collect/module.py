"""Collects the facts of one module after the other."""

from __future__ import annotations

import pathlib

import msgspec

from converter.export.record import CARD_FILENAME
from converter.files.json_values import to_json_values
from converter.migration.candidates import target_of
from converter.migration.collect.journal_facts import describe_entry, describe_unfinished
from converter.migration.collect.packed import pack
from converter.migration.collect.parity_facts import read_parity_facts
from converter.migration.collect.record_facts import read_record_facts
from converter.migration.collect.untrusted import DamagedError, harmless
from converter.migration.collect.use import describe_use
from converter.migration.journal import History, JobFinished
from converter.migration.outcomes import Converted, UpToDate
from converter.migration.state import State
from converter.page.details import Comparison, Details, RecordFacts
from converter.page.document import Module, ModuleFacts, ParityNumbers

_CLOCK_SLACK_SECS = 1.0


class ModuleReader:
    """Reads the record and the comparison of each module of a migration.

    Args:
      history: The migration's journal.
      destination_root: Where the files are; the tree may have been moved.
      budget: How many bytes the packed details of a module may take.
    """

    def __init__(self, history: History, destination_root: pathlib.Path, budget: int) -> None:
        self._history = history
        self._root = destination_root
        self._budget = budget

    def read(self, path: str) -> Module:
        """Collects what is known of the module with this path."""
        problems: list[str] = []
        entry = self._history.entries.get(path)
        facts = describe_unfinished(path) if entry is None else describe_entry(entry)
        if path in self._history.unfinished:
            problems.append(
                "A job began and has no outcome: the run was stopped, or is still going on."
            )
        record = comparison = None
        if _leads_out(path):
            problems.append("Its path leads out of DST_ROOT, so its files were not read.")
        elif entry is not None:
            record = self._read_record(path, entry, problems)
            comparison = self._read_comparison(path, entry, facts, problems)
        facts = _add(facts, record, comparison)
        if record is not None:
            facts = self._add_folder(path, facts)
        facts = msgspec.structs.replace(facts, problems=problems)
        fields = msgspec.structs.asdict(facts)
        usage = [] if record is None else describe_use(record, self._root / target_of(path))
        details = Details(**fields, record=record, report=comparison, usage=usage)
        return Module(**fields, details=pack(details, self._budget))

    def _add_folder(self, path: str, facts: ModuleFacts) -> ModuleFacts:
        """Adds where the SavedModel and its card are now; the tree may have been moved."""
        place = self._root / target_of(path)
        return msgspec.structs.replace(
            facts,
            destination=harmless(str(place)),
            folder=harmless(target_of(path)),
            card=CARD_FILENAME if (place / CARD_FILENAME).is_file() else "",
        )

    def _read_record(
        self, path: str, entry: JobFinished, problems: list[str]
    ) -> RecordFacts | None:
        outcome = entry.outcome
        if not isinstance(outcome, Converted | UpToDate):
            return None
        try:
            # The tree may have been moved: only the record's path inside the SavedModel counts.
            inside = pathlib.Path(outcome.record).relative_to(outcome.destination)
            if _leads_out(str(inside)):
                raise DamagedError("its path leads out of the SavedModel")
            record = read_record_facts(self._root / target_of(path) / inside)
        except ValueError as error:
            is_damage = isinstance(error, DamagedError)
            reason = error if is_damage else "the journal does not say where it is"
            problems.append(f"Its record, conversion.json, could not be read: {reason}.")
            return None
        if outcome.source_digest not in (None, record.digest):
            problems.append("Its record belongs to another conversion than the journal's.")
        return record

    def _read_comparison(
        self, path: str, entry: JobFinished, facts: ModuleFacts, problems: list[str]
    ) -> Comparison | None:
        file = State(self._root).parity_report(path)
        if not _has_comparison(entry, facts, file):
            return None
        try:
            comparison = read_parity_facts(file)
        except DamagedError as damaged:
            problems.append(f"Its comparison with the original could not be read: {damaged}.")
            return None
        # As JSON values: no NaN equals another.
        numbers = to_json_values(_numbers(comparison))
        if facts.parity is not None and to_json_values(facts.parity) != numbers:
            problems.append("Its comparison is another one than the journal's.")
        place = harmless(str(file.relative_to(self._root)))
        return msgspec.structs.replace(comparison, file=place)


def _has_comparison(entry: JobFinished, facts: ModuleFacts, file: pathlib.Path) -> bool:
    """Whether `file` should hold the comparison that led to the outcome."""
    if isinstance(entry.outcome, Converted | UpToDate):
        return facts.parity is not None and entry.outcome.parity_report is not None
    if facts.error is None or facts.error.kind != "ParityError":
        return False
    try:
        # A comparison that failed is kept; one that could not be made leaves the one before.
        return file.stat().st_mtime + _CLOCK_SLACK_SECS >= facts.started
    except (OSError, ValueError):
        return False


def _leads_out(path: str) -> bool:
    place = pathlib.PurePosixPath(path)
    return place.is_absolute() or ".." in place.parts or not place.parts


def _numbers(comparison: Comparison) -> ParityNumbers:
    names = ParityNumbers.__struct_fields__
    return ParityNumbers(**{name: getattr(comparison, name) for name in names})


def _add(
    facts: ModuleFacts, record: RecordFacts | None, comparison: Comparison | None
) -> ModuleFacts:
    """Adds the facts of a record and of a comparison."""
    if record is not None:
        facts = msgspec.structs.replace(
            facts,
            variable_count=record.variable_count,
            trainable_count=record.trainable_count,
            variable_bytes=record.variable_bytes,
            tensorflow=record.tensorflow,
            format=record.format,
            archive=record.archive,
            callables=[part.name for part in record.callables],
            dropped=len(record.dropped),
        )
    if comparison is not None:
        # The journal has no numbers of a module that differs from its original.
        parity = facts.parity or _numbers(comparison)
        open_parts = [entry for entry in comparison.not_compared if entry.leaves_open]
        facts = msgspec.structs.replace(
            facts,
            parity=parity,
            histogram=comparison.histogram,
            not_compared=open_parts if facts.not_compared else [],
        )
    return facts
