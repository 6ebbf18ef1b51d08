"""docs/consumers.md, from the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from consumers.names import CONSUMER_NAMES, EXTERNAL_TOOLS, FAMILIES
from consumers.table import OURS, YES, Reason, Table

_HEAD = """\
# Consumers

What other programs do with converted modules, measured for a small module of each family. For
every cell, the module runs in the consumer, and a program compares

- outputs with those that TensorFlow 1.15 recorded for the original,
- where the consumer trains, every variable after a step of gradient descent with the gradients, and
  the moving averages and states, that TensorFlow 1.15 recorded. A consumer that does not crash, but
  moves nothing, gets no yes. Where a model has one output of several, the gradients are those of a
  plain loop, which has a cell of its own.

A number leads to the reason below. To say whose limit it is, an ordinary TF2 model of the same
shape, written for this as a plain `tf.Module`, runs in the same consumer: if it fails as well, the
limit is not ours. The tests fail when a cell changes, also from no to yes.

"""
_TAIL = """
Measured on {date} by `scripts/write_consumers --run`, which also writes this page, with
{versions}.

`pytest -m slow tests/consumers` measures the cells anew, without those whose packages are missing;
{external}, whose tools need an environment of their own, is measured by the script only. In modules
that draw random numbers, these are replaced by ones that are always the same, as they were when
TensorFlow 1.15 recorded them.

## How each is used

{uses}
"""


def format_page(table: Table, reasons: Mapping[str, Reason], docstrings: Mapping[str, str]) -> str:
    """The page.

    Args:
      table: The cells.
      reasons: The reasons, by key.
      docstrings: What each consumer does, by its name.
    """
    used = [cell for name in CONSUMER_NAMES for cell in _row(table, name) if cell != YES]
    numbers = {key: i for i, key in enumerate(dict.fromkeys(used), 1)}
    versions = ", ".join(f"{name} {version}" for name, version in table.versions.items())
    uses = "\n".join(f"- {name}: {text}" for name, text in docstrings.items())
    return (
        _HEAD
        + "\n".join(_format_rows(table, numbers))
        + "\n\n## Why not\n\n| | whose limit | why |\n|---|---|---|\n"
        + "\n".join(_format_reason(number, reasons[key]) for key, number in numbers.items())
        + "\n"
        + _TAIL.format(
            date=table.date, versions=versions, external=" and ".join(EXTERNAL_TOOLS), uses=uses
        )
    )


def _row(table: Table, consumer: str) -> list[str]:
    return [table.cells[family][consumer] for family in FAMILIES]


def _format_rows(table: Table, numbers: Mapping[str, int]) -> Iterator[str]:
    yield f"| | {' | '.join(FAMILIES)} |"
    yield "|---" * (1 + len(FAMILIES)) + "|"
    for name in CONSUMER_NAMES:
        cells = [YES if cell == YES else f"no [{numbers[cell]}]" for cell in _row(table, name)]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    fixtures = ", ".join(f"{family}: `{name}`" for family, name in FAMILIES.items())
    yield f"The modules are fixtures of `legacy_fixtures`: {fixtures}."


def _format_reason(number: int, reason: Reason) -> str:
    limit = "ours" if reason.limit == OURS else reason.limit
    return f"| {number} | {limit} | {reason.text} |"
