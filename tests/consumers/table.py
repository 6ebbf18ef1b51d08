"""The table of docs/consumers.md as data: `table.toml`, and the reasons of cells that say no."""

import dataclasses
import pathlib
import re
import sys

from consumers.names import CONSUMER_NAMES, FAMILIES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FOLDER = pathlib.Path(__file__).parent
TABLE, REASONS = _FOLDER / "table.toml", _FOLDER / "reasons.toml"
YES, OURS = "yes", "ours"
_ADVICE = "run scripts/write_consumers --run, and read what it changes"


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why a consumer does not take a family.

    Attributes:
      text: What people read.
      limit: Whose limit it is; `ours` if an ordinary TF2 model works.
      error: A regular expression that is found in the error.
      consumers: A regular expression that is found in the names of the consumers.
    """

    text: str
    limit: str
    error: str
    consumers: str


@dataclasses.dataclass(frozen=True)
class Table:
    """The cells, by family and consumer: `yes`, or the key of a reason."""

    date: str
    versions: dict[str, str]
    cells: dict[str, dict[str, str]]


def read_reasons():
    """All reasons, by key."""
    return {key: Reason(**v) for key, v in tomllib.loads(REASONS.read_text()).items()}


def read_table():
    """The table as it is committed."""
    return Table(**tomllib.loads(TABLE.read_text()))


def format_table(table):
    """The table as TOML."""
    lines = [
        "# Written by scripts/write_consumers --run.",
        f'date = "{table.date}"',
        "",
        "[versions]",
        *(f'"{name}" = "{version}"' for name, version in table.versions.items()),
    ]
    for family in FAMILIES:
        lines += ["", f'[cells."{family}"]']
        cells = table.cells[family]
        lines += [f"'{name}' = \"{cells[name]}\"" for name in CONSUMER_NAMES if name in cells]
    return "\n".join(lines) + "\n"


def to_cell(consumer, outcome, reasons):
    """The cell of an outcome: `yes`, or the key of the reason for its error.

    Raises:
      LookupError: if no reason, or more than one, is known for the error.
    """
    if outcome.error is None:
        return YES
    found = [
        key
        for key, reason in reasons.items()
        if re.search(reason.consumers, consumer)
        and re.search(reason.error, outcome.error)
        and (reason.limit == OURS) == outcome.ordinary_works
    ]
    if len(found) != 1:
        works = "works" if outcome.ordinary_works else "fails, too"
        raise LookupError(
            f"{consumer}: reasons.toml has {len(found)} reasons for this error, with which an"
            f" ordinary model {works}: {outcome.error}"
        )
    return found[0]


def find_changes(family, expected, outcomes, reasons):
    """The lines that say which cells are others than those of the table."""
    for consumer, outcome in outcomes.items():
        try:
            found = to_cell(consumer, outcome, reasons)
        except LookupError as error:
            yield f"{family}: {error}"
            continue
        if found != expected.get(consumer):
            yield f"{family}: {consumer} is {found!r}, not {expected.get(consumer)!r}: {_ADVICE}"
