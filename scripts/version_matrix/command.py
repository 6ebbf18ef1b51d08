"""Runs tests in every TensorFlow and Python that is supported, with and without tf_keras.

    scripts/test_matrix                                # core tests and the exchange in all cells
    scripts/test_matrix --only tf2.15 --tests fast     # all fast tests in TensorFlow 2.15
    scripts/test_matrix --only tf2.16-py3.12 tf2.21-py3.13 --tests exchange
    scripts/test_matrix --list                         # the names of all cells

Environments are made where they are missing: by `uv`, if it is on the path (`pip install uv`), else
by pip. An environment takes some 2 GB on the disk, of which those that `uv` makes share most.

In the exchange, models that were converted in the oldest and in the newest of the chosen cells are
loaded in all others, compared with TensorFlow 1.15, and trained to the same weights, by
tf.saved_model.load, hub.load, hub.KerasLayer, ModuleLayer, and as `.keras` files.

Results of several runs add up in the file of `--json`; from it, `--write` writes docs/versions.md.
The exit status is 1 if something fails, and 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from version_matrix.cells import CELLS, Cell, choose_cells
from version_matrix.environments import EnvironmentMakingError, default_folder, make_environment
from version_matrix.exchanging import ExchangeError, choose_writers, use_models, write_models
from version_matrix.page import describe, format_table, write_page
from version_matrix.results import Result, merge_results, read_results, write_results
from version_matrix.running import make_failure, run_tests
from version_matrix.selections import EXCHANGE, NAMES, ROOT, arguments_of

PAGE = ROOT / "docs" / "versions.md"

Environments = dict[Cell, pathlib.Path]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the script."""
    parser = _make_parser()
    options = parser.parse_args(arguments)
    try:
        cells = choose_cells(options.only)
        sources = choose_cells(options.exchange_from) if options.exchange_from else ()
        existing = dict(_parse_use(text) for text in options.use)
        for selection in set(options.tests) - {EXCHANGE}:
            arguments_of(selection)
    except ValueError as error:
        parser.error(str(error))
    if options.list:
        print("\n".join(cell.name for cell in cells))
        return 0
    store = options.json or options.environments / "results.json"
    results = read_results(store)
    found = []
    for result in _run(options, cells, sources or choose_writers(cells), existing):
        print(describe(result), flush=True)
        found.append(result)
        write_results(store, merge_results(read_results(store), [result]))
    print("\n" + format_table(found))
    if options.write:
        write_page(PAGE, merge_results(results, found))
    return 0 if all(result.passed for result in found) else 1


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "test_matrix", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", nargs="+", default=[], metavar="CELL", help="cells, or parts of their names")
    add(
        "--tests",
        nargs="*",
        default=["core", EXCHANGE],
        metavar="NAME",
        help=f"{', '.join(NAMES)}, or a file of tests (default: core exchange; none: no tests)",
    )
    add(
        "--exchange-from",
        nargs="+",
        default=[],
        metavar="CELL",
        help="cells to convert in (default: the oldest and the newest of those chosen)",
    )
    add(
        "--models",
        nargs="+",
        default=[],
        metavar="FIXTURE",
        help="fixtures to exchange (default: all that exchange.py has)",
    )
    add(
        "--environments",
        type=pathlib.Path,
        default=default_folder(),
        metavar="DIR",
        help="where environments and results are kept (default: %(default)s)",
    )
    add(
        "--use",
        nargs="+",
        default=[],
        metavar="CELL=PYTHON",
        help="the Python of an environment that is there already",
    )
    add("--jobs", type=int, default=1, metavar="N", help="cells at a time (default: 1)")
    add("--workers", default="0", metavar="N", help="pytest's -n, in each cell (default: 0)")
    add(
        "--json",
        type=pathlib.Path,
        metavar="FILE",
        help="results, to which those of this run are added (default: DIR/results.json)",
    )
    add("--write", action="store_true", help="write docs/versions.md from the results")
    add("--list", action="store_true", help="print the names of the cells, and run nothing")
    return parser  # fmt: skip


def _parse_use(text: str) -> tuple[Cell, pathlib.Path]:
    name, found, python = text.partition("=")
    cell = next((cell for cell in CELLS if cell.name == name), None)
    if not found or cell is None:
        raise ValueError(f"--use takes CELL=PYTHON with the whole name of a cell, not {text!r}")
    if not pathlib.Path(python).exists():
        raise ValueError(f"--use {name}: {python} does not exist")
    # Not resolved: the link is what makes it the environment's Python.
    return cell, pathlib.Path(python).absolute()


def _run(
    options: argparse.Namespace,
    cells: Sequence[Cell],
    writers: Sequence[Cell],
    existing: Environments,
) -> Iterator[Result]:
    """Yields each result when it is there; failures to make an environment are results, too."""
    if not options.tests:
        return
    environments: Environments = {}
    exchanges = EXCHANGE in options.tests
    for cell in dict.fromkeys((*cells, *(writers if exchanges else ()))):
        try:
            _say(f"{cell.name}: environment")
            environments[cell] = existing.get(cell) or make_environment(cell, options.environments)
        except EnvironmentMakingError as error:
            yield make_failure(cell, "environment", str(error))
    able = [cell for cell in cells if cell in environments]
    with ThreadPoolExecutor(options.jobs) as pool:
        for selection in options.tests:
            if selection == EXCHANGE:
                yield from _exchange(pool, options, able, writers, environments)
                continue

            def test(cell: Cell, selection: str = selection) -> Result:
                _say(f"{cell.name}: {selection}")
                python, quiet = environments[cell], options.jobs > 1
                return run_tests(cell, python, selection, options.workers, quiet=quiet)

            yield from _as_they_end(pool, test, able)


def _exchange(
    pool: ThreadPoolExecutor,
    options: argparse.Namespace,
    cells: Sequence[Cell],
    writers: Sequence[Cell],
    environments: Environments,
) -> Iterator[Result]:
    place = options.environments / "exchange"

    def write(writer: Cell) -> Result | None:
        _say(f"{writer.name}: converts and trains")
        try:
            write_models(environments[writer], place / writer.name, options.models)
        except ExchangeError as error:
            return make_failure(writer, f"{EXCHANGE} from {writer.name}", str(error))
        return None

    def use(pair: tuple[Cell, Cell]) -> Result:
        writer, cell = pair
        _say(f"{cell.name}: uses what {writer.name} wrote")
        return use_models(writer, place / writer.name, cell, environments[cell])

    able = [writer for writer in writers if writer in environments]
    failures = dict(zip(able, pool.map(write, able), strict=True))
    yield from (failure for failure in failures.values() if failure)
    written = [writer for writer, failure in failures.items() if not failure]
    pairs = [(writer, cell) for writer in written for cell in cells if cell != writer]
    yield from _as_they_end(pool, use, pairs)


def _as_they_end(
    pool: ThreadPoolExecutor, run: Callable[[Any], Result], items: Sequence[Any]
) -> Iterator[Result]:
    for future in as_completed([pool.submit(run, item) for item in items]):
        yield future.result()


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)
