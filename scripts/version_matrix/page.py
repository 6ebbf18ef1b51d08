"""Results as lines, as a table on a terminal, and as docs/versions.md."""

from __future__ import annotations

import pathlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from version_matrix.cells import CELLS, Beside, Cell
from version_matrix.results import Result
from version_matrix.selections import EXCHANGE, ROOT

# Why tests do not pass in a cell, where that is known, by a pattern of the failure's text.
REASONS: tuple[tuple[str, str], ...] = ()

_BESIDE = {
    Beside.TF_KERAS: "tf_keras",
    Beside.NOTHING: "without",
    Beside.HUB_API: "tf_keras, tensorflow_hub 0.15",
}
_KERAS_FILE = ".keras file"


def describe(result: Result) -> str:
    """A result in one line, and each failure in another."""
    first = f"{result.cell}: {result.selection}: {summarize(result)} in {result.seconds:.0f} s"
    return "\n".join([first, *(f"  {what}: {why}" for what, why in result.failures.items())])


def summarize(result: Result) -> str:
    """How many tests had each outcome, and how far weights differ."""
    if not result.counts:
        return "not run"
    counts = [f"{n} {what}" for what, n in sorted(result.counts.items()) if n]
    worst = max(result.differences.values(), default=None)
    return ", ".join(counts) + ("" if worst is None else f", weights within {worst:.1g}")


def format_table(results: Sequence[Result]) -> str:
    """A table of what was run, with a line for each cell and selection."""
    rows = [("cell", "tests", "", "result")]
    rows += [(r.cell, r.selection, "ok" if r.passed else "FAILED", summarize(r)) for r in results]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join(
        "  ".join(part.ljust(width) for part, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def write_page(path: pathlib.Path, results: Sequence[Result]) -> None:
    """Writes the page of all results."""
    path.write_text("\n".join(_lines(results)) + "\n")


def _lines(results: Sequence[Result]) -> Iterator[str]:
    tests = [r for r in results if not r.selection.startswith(EXCHANGE)]
    carried = [r for r in results if r.selection.startswith(EXCHANGE)]
    yield from _table_of_tests(tests)
    yield from _table_of_exchanges(carried)
    yield from _section_of_reasons(results)
    yield from _section_of_skips(tests)


INTRODUCTION = """\
# Versions

The converter supports TensorFlow 2.15 to 2.21 and Python 3.10 to 3.13, as far as they go together,
with and without tf_keras. `scripts/test_matrix --write` has run what stands here, and written this
page. Beside that, CI runs all tests in the newest TensorFlow, all fast ones in the oldest, and the
exchange between the two, for every change.

*core* and *quick* are selections of tests (`scripts/version_matrix/selections.py`). *core*: for 35
modules the values, gradients, update ops and losses of TensorFlow 1.15; the interface; the loaders
of Sessions and of C++; 50 steps of training in a loop, by `hub.KerasLayer` and by `ModuleLayer`,
which end with the weights of TensorFlow 1.15; `ModuleLayer` with its files; and what is private to
TensorFlow. *quick*: the same values for 13 modules, the training, files of `ModuleLayer`, and what
is private to TensorFlow. *fast*: all tests but the slow ones and those in a browser.

| TensorFlow | Python | tf_keras | Keras | NumPy | tests | passed | failed | skipped | date |
|---|---|---|---|---|---|---|---|---|---|"""

EXCHANGE_INTRODUCTION = """
## The exchange

Models that were converted in one environment are loaded in another: an image network with batch
norm, a text embedding with a table, BERT, ELMo, an LSTM, nested loops, a GAN, or some of these.
Every call and its gradients equal those of TensorFlow 1.15. Five steps of gradient descent end with
the same weights as where the model was converted: in a loop, by `hub.KerasLayer`, by `ModuleLayer`;
and `.keras` files, whose SavedModels are gone, train on there as here, with momentum. Differences
are the worst of a float32 weight, relative to the largest of its variable; 0 is equal to the bit.

| converted in | used in | models | comparisons | failed | worst weight | `.keras` files | date |
|---|---|---|---|---|---|---|---|"""


def _table_of_tests(results: Sequence[Result]) -> Iterator[str]:
    yield INTRODUCTION
    for cell, result in _in_order(results):
        installed = result.versions
        yield _row(
            installed.get("tensorflow", cell.tensorflow),
            installed.get("python", cell.python),
            _BESIDE[cell.beside],
            installed.get("keras", "-"),
            installed.get("numpy", "-"),
            result.selection,
            *(str(result.counts.get(outcome, 0)) for outcome in ("passed", "failed", "skipped")),
            result.date,
        )
    missing = [cell.name for cell in CELLS if not any(r.cell == cell.name for r in results)]
    if missing:
        yield from ("", "Not run: " + ", ".join(f"`{name}`" for name in missing) + ".")


def _table_of_exchanges(results: Sequence[Result]) -> Iterator[str]:
    yield EXCHANGE_INTRODUCTION
    for _, result in _in_order(results):
        files = [value for what, value in result.differences.items() if _KERAS_FILE in what]
        yield _row(
            f"`{result.selection.split()[-1]}`",
            f"`{result.cell}`",
            str(len({what.partition(",")[0] for what in (*result.differences, *result.failures)})),
            str(sum(result.counts.values())),
            str(result.counts.get("failed", 0)),
            _format_worst(list(result.differences.values())),
            _format_worst(files),
            result.date,
        )


def _format_worst(values: Sequence[float]) -> str:
    return f"{max(values):.1e}".replace("0.0e+00", "0") if values else "-"


def _section_of_reasons(results: Sequence[Result]) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for _, result in _in_order(results):
        for what, why in result.failures.items():
            reasons.setdefault(_find_reason(f"{what}: {why}"), []).append(result.cell)
    yield from ("", "## What fails, and why", "")
    if not reasons:
        yield "Nothing."
    for reason, cells in reasons.items():
        yield f"- {reason} ({', '.join(f'`{name}`' for name in dict.fromkeys(cells))})"


def _find_reason(failure: str) -> str:
    return next((why for what, why in REASONS if re.search(what, failure)), f"`{failure}`")


def _section_of_skips(results: Sequence[Result]) -> Iterator[str]:
    skips: dict[str, Counter[str]] = {}
    for _, result in _in_order(results):
        for reason, count in result.skips.items():
            reason = reason.removeprefix("Skipped: ")
            skips.setdefault(reason, Counter())[result.cell] += count
    yield from ("", "## What is skipped, and why", "")
    if not skips:
        yield "Nothing."
    for reason, counts in skips.items():
        cells = ", ".join(f"`{cell}` {count}" for cell, count in counts.items())
        yield f"- {reason.replace(str(ROOT), '…')}: {cells}"


def _in_order(results: Sequence[Result]) -> Iterator[tuple[Cell, Result]]:
    for cell in CELLS:
        for result in results:
            if result.cell == cell.name:
                yield cell, result


def _row(*parts: str) -> str:
    return f"| {' | '.join(parts)} |"
