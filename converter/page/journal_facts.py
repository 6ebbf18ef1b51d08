"""What the page tells from the journal: runs, and the last outcome of each module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from converter.migration.journal import JobFinished, Run
from converter.migration.outcomes import OUTCOME_NAMES, ErrorInfo
from converter.page.parity_facts import SUMMARY, describe_summary
from converter.page.untrusted import (
    Json,
    count,
    cut,
    fields,
    finite,
    flag,
    optional,
    text,
    texts,
)

# A module that was begun, and has no outcome: its run was killed, or is going on.
UNFINISHED = "unfinished"
_MAX_OPTION_CHARACTERS = 100
_MAX_OPTION_DEPTH = 4
# What every run has, or what is said elsewhere in the page.
_UNTOLD_OPTIONS = frozenset({"source_root", "destination_root", "job_function", "dry_run"})


def describe_entry(entry: JobFinished) -> Json:
    """The last outcome of a module.

    Raises:
      DamagedError: if a value is of another type than the journal gives it.
    """
    outcome: Any = entry.outcome  # The types have different fields.
    error = getattr(outcome, "error", None)
    parity = getattr(outcome, "parity", None)
    return {
        "path": text(outcome.path),
        "outcome": OUTCOME_NAMES[type(outcome)],
        "source": text(outcome.source),
        "destination": text(outcome.destination),
        "seconds": finite(outcome.seconds),
        "attempts": count(outcome.attempts),
        "started": finite(outcome.started),
        "finished": finite(entry.time),
        "run": text(entry.run),
        "worker": text(outcome.worker),
        "converter": text(entry.converter),
        "source_digest": optional(text, outcome.source_digest),
        "source_bytes": optional(count, outcome.source_bytes),
        "destination_bytes": optional(count, getattr(outcome, "destination_bytes", None)),
        "warnings": texts(outcome.warnings),
        "explanation": text(getattr(outcome, "explanation", "")),
        "limit_secs": optional(finite, getattr(outcome, "limit_secs", None)),
        "memory_bytes": optional(count, getattr(outcome, "memory_bytes", None)),
        "error": optional(_describe_error, error),
        "parity": optional(_describe_parity, parity),
    }


def describe_damaged(path: str, outcome: str) -> Json:
    """The facts of a module of which no more can be told than its path and outcome."""
    return {
        "path": text(path),
        "outcome": outcome,
        **dict.fromkeys(("source", "destination", "run", "worker", "converter", "explanation"), ""),
        **dict.fromkeys(("seconds", "started", "finished"), 0.0),
        "attempts": 0,
        "warnings": [],
        **dict.fromkeys(("source_digest", "source_bytes", "destination_bytes")),
        **dict.fromkeys(("limit_secs", "memory_bytes", "error", "parity")),
    }


def _describe_error(error: ErrorInfo) -> Json:
    return {
        "kind": text(error.kind),
        "message": text(error.message),
        "node": optional(text, error.node),
        "remedy": text(error.remedy),
        "details": text(error.details),
    }


def _describe_parity(parity: Any) -> Json:
    return describe_summary({name: getattr(parity, name) for name in SUMMARY})


def describe_run(run: Run) -> Json:
    """A run.

    Raises:
      DamagedError: if a value is of another type than the journal gives it.
    """
    started, finished = run.started, run.finished
    end = "open" if finished is None else ""
    if finished is not None:
        end = "interrupted" if flag(finished.interrupted) else "finished"
    began = finite(started.time)
    return {
        "run": text(started.run),
        "started": began,
        "seconds": max(0.0, finite(run.last_time) - began),
        "converter": text(started.converter),
        "source_root": text(started.source_root),
        "options": _describe_options(started.options),
        "counts": {} if finished is None else _describe_counts(finished.counts),
        "end": end,
    }


def _describe_options(options: Mapping[str, Any]) -> list[str]:
    """The options that are set, as `name: value`."""
    told = {
        text(name): _format(value, _MAX_OPTION_DEPTH)
        for name, value in fields(options).items()
        if name not in _UNTOLD_OPTIONS and value is not False
    }
    return [
        cut(name if value == "True" else f"{name}: {value}", _MAX_OPTION_CHARACTERS)
        for name, value in told.items()
        if value
    ]


def _format(value: Any, depth: int) -> str:
    if value is None or depth == 0:
        return ""
    if isinstance(value, Mapping):
        parts = {name: _format(part, depth - 1) for name, part in value.items()}
        return ", ".join(f"{text(name)} {part}" for name, part in parts.items() if part)
    if isinstance(value, list | tuple):
        return " ".join(_format(part, depth - 1) for part in value)
    return text(str(value))


def _describe_counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {text(name): count(number) for name, number in fields(counts).items()}
