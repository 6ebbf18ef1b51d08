"""The page's data for programs: `report.json` and `report.csv`.

`report.json` is one object: `report_version`, `converter`, `destination_root`, `problems`,
`totals`, `runs`, `causes` and `modules`. `report.csv` has a line for each module.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable
from typing import Any

from converter.page.collect import Migration
from converter.page.totals import Totals
from converter.page.untrusted import Json, to_json
from converter.page.wording import format_time
from converter.version import __version__

REPORT_VERSION = 1
# What a spreadsheet would take for the beginning of a formula, full-width signs included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

_Cell = str | int | float | None


def to_report_json(migration: Migration, totals: Totals) -> bytes:
    """The report as a JSON file."""
    report = {
        "report_version": REPORT_VERSION,
        "converter": __version__,
        "destination_root": migration.destination_root,
        "problems": list(migration.problems),
        "totals": {**dataclasses.asdict(totals), "worst_rel": to_json(totals.worst_rel)},
        "runs": list(migration.runs),
        "causes": [dataclasses.asdict(cause) for cause in migration.causes],
        "modules": [module.facts for module in migration.modules],
    }
    return (json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def to_report_csv(migration: Migration) -> bytes:
    """The report as a CSV file: one line for each module, texts quoted."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for module in migration.modules:
        writer.writerow([_cell(read(module.facts)) for read in _COLUMNS.values()])
    return stream.getvalue().encode()


def _cell(value: _Cell) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _fact(name: str) -> Callable[[Json], Any]:
    return lambda facts: facts[name]


def _part(whole: str, name: str) -> Callable[[Json], Any]:
    return lambda facts: None if facts[whole] is None else facts[whole][name]


def _time(name: str) -> Callable[[Json], str]:
    return lambda facts: format_time(facts[name])


_COLUMNS: dict[str, Callable[[Json], Any]] = {
    "path": _fact("path"),
    "outcome": _fact("outcome"),
    "error_kind": _part("error", "kind"),
    "error_message": _part("error", "message"),
    "error_node": _part("error", "node"),
    "remedy": _part("error", "remedy"),
    "explanation": _fact("explanation"),
    "seconds": _fact("seconds"),
    "attempts": _fact("attempts"),
    "started": _time("started"),
    "finished": _time("finished"),
    "worker": _fact("worker"),
    "source_bytes": _fact("source_bytes"),
    "destination_bytes": _fact("destination_bytes"),
    "variables": _fact("variable_count"),
    "variable_bytes": _fact("variable_bytes"),
    "equal": lambda facts: _yes(_part("parity", "passed")(facts)),
    "verdict": _part("parity", "verdict"),
    "tensors": _part("parity", "tensors"),
    "bit_equal": _part("parity", "bit_equal"),
    "worst_abs": _part("parity", "worst_abs"),
    "worst_rel": _part("parity", "worst_rel"),
    "warnings": lambda facts: len(facts["warnings"]),
    "dropped": _fact("dropped"),
    "problems": lambda facts: " ".join(facts["problems"]),
    "source": _fact("source"),
    "destination": _fact("destination"),
    "converter": _fact("converter"),
    "run": _fact("run"),
}


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"
