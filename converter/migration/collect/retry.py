"""Writes the command that retries some modules of a migration, and no others."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from converter import errors
from converter.conversion.options import ConversionOptions, describe_options
from converter.migration.journal import History, RunStarted
from converter.printable import printable

_BREAK = " \\\n  "
_GLOB = re.compile(r"[*?[]")
# Options of a run that another one needs, with the values that need no mention.
_CONDUCT: Mapping[str, tuple[str, Any]] = {
    "from_list": ("--from-list", None),
    "rules_file": ("--options", None),
    "workers": ("--workers", None),
    "timeout_secs": ("--timeout-secs", 3600.0),
    "memory_limit_gib": ("--memory-limit-gib", None),
    "engine": ("--engine", "local"),
    "scheduler": ("--scheduler", None),
}


def write_retry(history: History, paths: Sequence[str], destination_root: str) -> str:
    """Writes the command, with the options of the last run that tried one of the modules.

    Args:
      history: The migration's journal.
      paths: The modules.
      destination_root: Where the SavedModels are now.

    Returns:
      A command for a POSIX shell; empty if the journal does not tell how they were converted.
    """
    runs = {history.entries[path].run for path in paths if path in history.entries}
    started = next((r.started for r in reversed(history.runs) if r.started.run in runs), None)
    if started is None:
        return ""
    try:
        options = _format_options(started)
    except (errors.UsageError, ValueError, TypeError):  # The journal may be damaged.
        return ""
    parts = [
        "tf1hub migrate --retry-failed" + "".join(f" {option}" for option in options),
        *(f"--include={shlex.quote(match_exactly(path))}" for path in paths),
        f"{shlex.quote(started.source_root)} {shlex.quote(destination_root)}",
    ]
    # Whoever copies what they see has to get what runs.
    return _BREAK.join(parts) if all(printable(part) == part for part in parts) else ""


def match_exactly(path: str) -> str:
    """Returns a glob that matches a path; `?` stands for characters that cannot be typed."""
    escaped = _GLOB.sub(lambda found: f"[{found[0]}]", path)
    return "".join("?" if printable(letter) != letter else letter for letter in escaped)


def _format_options(started: RunStarted) -> list[str]:
    given = started.options
    known = {a.name for a in describe_options()} - {"inputs"}
    conversion = ConversionOptions(**{n: v for n, v in given.items() if n in known})
    conduct = [
        f"{flag} {shlex.quote(_format(given[name]))}"
        for name, (flag, default) in _CONDUCT.items()
        if given.get(name, default) not in (default, None)
    ]
    if given.get("rules") and not given.get("rules_file"):
        conduct.append("--options FILE")
    return [text for text in (conversion.format(), *conduct) if text]


def _format(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
