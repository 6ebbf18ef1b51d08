"""Describes the journal's runs, and the last outcome of each module, for the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from converter.files.json_values import MAX_SECONDS, to_json_values
from converter.migration import journal
from converter.migration.collect.untrusted import cut, harmless
from converter.migration.outcomes import Converted, Outcome, UpToDate, name_outcome
from converter.page.document import ModuleFacts, Run

_MAX_OPTION_CHARACTERS = 100
_MAX_OPTION_DEPTH = 4
# Options that every run has, or that the report shows elsewhere.
_HIDDEN_OPTIONS = frozenset({"source_root", "destination_root", "job_function", "dry_run"})


def describe_entry(entry: journal.JobFinished) -> ModuleFacts:
    """Describes a module by its last outcome."""
    where = {"run": entry.run, "finished": entry.time, "converter": entry.converter}
    # The facts have the names of the outcome's fields.
    values = {**to_json_values(entry.outcome), "not_compared": _reasons(entry.outcome), **where}
    values["outcome"] = name_outcome(entry.outcome)
    return msgspec.convert(harmless(values), ModuleFacts)


def _reasons(outcome: Outcome) -> list[dict[str, str]]:
    """Why a SavedModel could not be compared in full."""
    if not isinstance(outcome, Converted | UpToDate) or outcome.parity is None:
        return []
    return [{"text": text} for text in outcome.parity.not_compared]


def describe_unfinished(path: str) -> ModuleFacts:
    """Describes a module that a job began, and that has no outcome."""
    return ModuleFacts(path=harmless(path), outcome="unfinished")


def describe_run(run: journal.Run) -> Run:
    """Describes a run."""
    started, finished = run.started, run.finished
    end: Literal["finished", "interrupted", "open"] = "open"
    if finished is not None:
        end = "interrupted" if finished.interrupted else "finished"
    return Run(
        run=harmless(started.run),
        started=started.time,
        seconds=min(MAX_SECONDS, max(0.0, run.seconds)),
        converter=harmless(started.converter),
        source_root=harmless(started.source_root),
        options=_describe_options(harmless(started.options)),
        counts={} if finished is None else harmless(finished.counts),
        end=end,
        environment={
            cut(name, _MAX_OPTION_CHARACTERS): cut(value, _MAX_OPTION_CHARACTERS)
            for name, value in harmless(started.environment).items()
        },
    )


def _describe_options(options: Mapping[str, Any]) -> list[str]:
    """Lists the options that are set, as `name: value`."""
    shown = {
        name: _format(value, _MAX_OPTION_DEPTH)
        for name, value in options.items()
        if name not in _HIDDEN_OPTIONS and value is not False
    }
    return [
        cut(name if value == "True" else f"{name}: {value}", _MAX_OPTION_CHARACTERS)
        for name, value in shown.items()
        if value
    ]


def _format(value: Any, depth: int) -> str:
    if value is None or depth == 0:
        return ""
    if isinstance(value, Mapping):
        parts = {name: _format(part, depth - 1) for name, part in value.items()}
        return ", ".join(f"{name} {part}" for name, part in parts.items() if part)
    if isinstance(value, list):
        return " ".join(_format(part, depth - 1) for part in value)
    return str(value)
