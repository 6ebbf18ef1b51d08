"""The command line of scripts/write_consumers."""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import importlib.metadata
import pathlib
from collections.abc import Sequence

from consumers.measure import available_consumers, measure
from consumers.names import CONSUMER_NAMES, FAMILIES
from consumers.registry import CONSUMERS
from consumers.table import (
    TABLE,
    YES,
    Table,
    format_table,
    read_reasons,
    read_table,
    to_cell,
)

from consumer_page.page import format_page

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "consumers.md"
_PACKAGES = (
    "tensorflow", "keras", "tf_keras", "tensorflow-hub", "tf2onnx", "onnxruntime", "ai-edge-litert",
)  # fmt: skip
_WORKERS = 2


def main(argv: Sequence[str] | None = None, description: str | None = None) -> int:
    """Runs the command line and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="write_consumers",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="only say what is out of date")
    parser.add_argument("--run", action="store_true", help="measure all cells anew")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    arguments = parser.parse_args(argv)
    if arguments.run and not _measure(arguments.families):
        return 1
    return _write(check=arguments.check)


def _measure(families: Sequence[str]) -> bool:
    """Writes table.toml; returns whether all cells could be."""
    missing = set(CONSUMER_NAMES) - set(available_consumers())
    if missing:
        raise SystemExit(f"packages or tools are missing for {', '.join(sorted(missing))}")
    reasons, unknown = read_reasons(), []
    cells: dict[str, dict[str, str]] = {}
    with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
        found = pool.map(lambda family: measure(family, CONSUMER_NAMES), families)
        for family, outcomes in zip(families, found, strict=True):
            cells[family] = {}
            for name, outcome in outcomes.items():
                try:
                    cells[family][name] = to_cell(name, outcome, reasons)
                except LookupError as error:
                    unknown.append(f"{family}: {error}")
            yes = sum(cell == YES for cell in cells[family].values())
            print(f"{family}: {yes} of {len(outcomes)} cells are yes", flush=True)
    print(*unknown, sep="\n")
    if not unknown:
        TABLE.write_text(format_table(_make_table(cells)))
    return not unknown


def _make_table(cells: dict[str, dict[str, str]]) -> Table:
    if set(cells) != set(FAMILIES):
        cells = {**read_table().cells, **cells}
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return Table(datetime.date.today().isoformat(), {**versions, "TF.js": "4.22.0"}, cells)


def _write(*, check: bool) -> int:
    content = format_page(read_table(), read_reasons(), _docstrings())
    if PAGE.is_file() and PAGE.read_text() == content:
        return 0
    if check:
        print(f"out of date: {PAGE}; run scripts/write_consumers")
        return 1
    PAGE.write_text(content)
    print(f"written: {PAGE}")
    return 0


def _docstrings() -> dict[str, str]:
    """The first line of what each consumer says of itself."""
    return {name: function.__doc__.splitlines()[0] for name, function in CONSUMERS.items()}
