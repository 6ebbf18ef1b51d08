"""Renders `report.csv`: a line for each module."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable

from converter.page.document import Module, ModuleError, ParityNumbers, Report
from converter.page.formatting import format_time
from converter.printable import printable

# A spreadsheet takes a cell that begins with one of these for a formula; some are full-width.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")

_Cell = str | int | float | None


def to_csv(report: Report) -> bytes:
    """Renders the report as a CSV file: one line for each module, texts quoted."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for module in report.modules:
        writer.writerow([_format(read(module)) for read in _COLUMNS.values()])
    return stream.getvalue().encode()


def _format(value: _Cell) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, str):
        text = printable(value)
        return f"'{text}" if text.startswith(_FORMULA) else text
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _error(read: Callable[[ModuleError], _Cell]) -> Callable[[Module], _Cell]:
    return lambda module: None if module.error is None else read(module.error)


def _parity(read: Callable[[ParityNumbers], _Cell]) -> Callable[[Module], _Cell]:
    return lambda module: None if module.parity is None else read(module.parity)


_COLUMNS: dict[str, Callable[[Module], _Cell]] = {
    "path": lambda module: module.path,
    "outcome": lambda module: module.outcome,
    "error_kind": _error(lambda error: error.kind),
    "error_message": _error(lambda error: error.message),
    "error_node": _error(lambda error: error.node),
    "remedy": _error(lambda error: error.remedy),
    "explanation": lambda module: module.explanation,
    "seconds": lambda module: module.seconds,
    "attempts": lambda module: module.attempts,
    "started": lambda module: format_time(module.started),
    "finished": lambda module: format_time(module.finished),
    "worker": lambda module: module.worker,
    "source_bytes": lambda module: module.source_bytes,
    "destination_bytes": lambda module: module.destination_bytes,
    "variables": lambda module: module.variable_count,
    "variable_bytes": lambda module: module.variable_bytes,
    "equal": _parity(lambda parity: "yes" if parity.passed else "no"),
    "verdict": _parity(lambda parity: parity.verdict),
    "tensors": _parity(lambda parity: parity.tensors),
    "bit_equal": _parity(lambda parity: parity.bit_equal),
    "worst_abs": _parity(lambda parity: parity.worst_abs),
    "worst_rel": _parity(lambda parity: parity.worst_rel),
    "not_compared": lambda module: "; ".join(entry.text for entry in module.not_compared),
    "warnings": lambda module: len(module.warnings),
    "dropped": lambda module: module.dropped,
    "problems": lambda module: " ".join(module.problems),
    "source": lambda module: module.source,
    "destination": lambda module: module.destination,
    "format": lambda module: module.format,
    "archive": lambda module: module.archive,
    "converter": lambda module: module.converter,
    "run": lambda module: module.run,
}
