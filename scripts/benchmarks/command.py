"""Measures the converter: weights, archives, graphs, and models in use, with peers in the same run.

    scripts/bench                                        # everything; an hour or so
    scripts/bench --only weights --sizes 10,100          # MiB of weights
    scripts/bench --only archives --archive-size 1024
    scripts/bench --only graphs --nodes 100,1000 --repetitions 1
    scripts/bench --only use --models LSTM --json bench.json
    scripts/bench --quick --compare bench.json           # under 3 minutes, beside an earlier run

A machine that does anything else meanwhile gives other ratios from run to run. Progress goes to
the standard error, results to the standard output. A goal that noise may decide has a dash.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import tempfile
from collections.abc import Sequence
from typing import Any

from benchmarks import (
    archives,
    compare,
    graphs,
    legacy_toolchain,
    machine,
    start,
    tables,
    use,
    weights,
)

LADDERS = ("start", "weights", "archives", "graphs", "use")
# What `--quick` measures, unless other options say more.
_QUICK: dict[str, Any] = {
    "only": ("start", "weights", "graphs"),
    "sizes": (10, 512),
    "nodes": (1_000,),
    "repetitions": 1,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    arguments = _parse_arguments(argv)
    described = machine.describe()
    print(machine.one_line(described), flush=True)
    baseline = _read_baseline(arguments.compare, described)
    results: dict[str, Any] = {"machine": described, "threads": arguments.threads}
    with tempfile.TemporaryDirectory(prefix="tf1hub_bench_", dir=arguments.scratch) as scratch:
        for ladder in arguments.only:
            rows, shown = _MEASURES[ladder](arguments, pathlib.Path(scratch))
            results[ladder] = [row.to_json() for row in rows]
            if ladder in baseline:
                shown = [*shown, compare.compare(results, baseline, ladder)]
            # After each ladder: the next one may take an hour.
            _report(results, shown, arguments)
    return 0


def _read_baseline(path: pathlib.Path | None, described: dict[str, Any]) -> dict[str, Any]:
    """Reads the results of an earlier run; nothing if there is none of this kind of machine."""
    if path is None:
        return {}
    baseline: dict[str, Any] = json.loads(path.read_text())
    different = compare.differs(described, baseline["machine"])
    if different:
        print(f"{path}: not compared, of another {' and '.join(different)}", flush=True)
        return {}
    return baseline


def _report(
    results: dict[str, Any], shown: Sequence[tables.Table], arguments: argparse.Namespace
) -> None:
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    if arguments.markdown:
        print("\n" + "\n\n".join(table.to_markdown() for table in shown), flush=True)
    else:
        tables.print_tables(shown)


Found = tuple[Sequence[Any], list[tables.Table]]


def _measure_start(arguments: argparse.Namespace, scratch: pathlib.Path) -> Found:
    rows = start.measure(arguments.repetitions or start.REPETITIONS, scratch)
    return rows, [tables.start_table(rows)]


def _measure_weights(arguments: argparse.Namespace, scratch: pathlib.Path) -> Found:
    rows = weights.measure(arguments.sizes, arguments.repetitions or weights.REPETITIONS, scratch)
    return rows, [tables.weights_table(rows)]


def _measure_archives(arguments: argparse.Namespace, scratch: pathlib.Path) -> Found:
    repetitions = arguments.repetitions or archives.REPETITIONS
    rows = archives.measure(arguments.archive_size, repetitions, scratch)
    return rows, [tables.archives_table(rows)]


def _measure_graphs(arguments: argparse.Namespace, scratch: pathlib.Path) -> Found:
    rows = graphs.measure(arguments.nodes, arguments.repetitions or graphs.REPETITIONS, scratch)
    return rows, tables.graph_tables(rows)


def _measure_use(arguments: argparse.Namespace, scratch: pathlib.Path) -> Found:
    wanted = arguments.models.lower()
    options = use.Options(
        repetitions=arguments.repetitions or use.REPETITIONS,
        threads=arguments.threads,
        python=legacy_toolchain.find_python(arguments.legacy_python),
        cache=arguments.cache,
    )
    models = [model for model in use.MODELS if wanted in model.title.lower()]
    rows = use.measure(models, options, scratch)
    return rows, [tables.use_table(rows)]


_MEASURES = {
    "start": _measure_start,
    "weights": _measure_weights,
    "archives": _measure_archives,
    "graphs": _measure_graphs,
    "use": _measure_use,
}


def _parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", type=_parse_ladders, default=LADDERS, metavar="LADDER,…",
        help=f"of {', '.join(LADDERS)} (default: all)")  # fmt: skip
    add("--sizes", type=_parse_numbers, default=weights.SIZES_MIB, metavar="MIB,…",
        help="weights, in MiB; the smallest is what the others are compared with"
        f" (default: {_join(weights.SIZES_MIB)})")  # fmt: skip
    add("--archive-size", type=_parse_count, default=archives.SIZE_MIB, metavar="MIB",
        help="weights in archives, in MiB (default: %(default)s)")  # fmt: skip
    add("--nodes", type=_parse_numbers, default=graphs.NODES, metavar="N,…",
        help=f"nodes of graphs (default: {_join(graphs.NODES)})")  # fmt: skip
    add("--models", default="", metavar="TEXT", help="models in use with TEXT in the name")
    add("--repetitions", type=_parse_count, metavar="N",
        help=f"how often each is measured (default: weights {weights.REPETITIONS},"
        f" archives {archives.REPETITIONS},"
        f" graphs {graphs.REPETITIONS}, use {use.REPETITIONS})")  # fmt: skip
    add("--threads", type=_parse_count, default=os.cpu_count() or 1, metavar="N",
        help="threads of models in use (default: all cores)")  # fmt: skip
    add("--quick", action="store_true",
        help="start, small weights and small graphs, once each, in under 3 minutes")  # fmt: skip
    add("--compare", type=pathlib.Path, metavar="BASELINE.json",
        help="print ratios to what --json wrote earlier, on the same kind of machine")  # fmt: skip
    add("--json", type=pathlib.Path, metavar="FILE", help="write results there, too")
    add("--markdown", action="store_true", help="print Markdown tables")
    add("--legacy-python", metavar="PATH",
        help="a Python with TensorFlow 1.15, tensorflow_hub and tf_slim (default: that of the"
        " environment variable LEGACY_ENV, else of .venv-legacy)")  # fmt: skip
    add("--cache", type=pathlib.Path, default=legacy_toolchain.default_cache(), metavar="DIR",
        help="where the modules that it builds are kept (default: %(default)s)")  # fmt: skip
    add("--scratch", type=pathlib.Path, metavar="DIR",
        help="where modules are written and removed (default: the system's)")  # fmt: skip
    if parser.parse_args(argv).quick:
        parser.set_defaults(**_QUICK)
    return parser.parse_args(argv)


def _parse_ladders(text: str) -> tuple[str, ...]:
    wanted = text.split(",")
    unknown = sorted(set(wanted) - set(LADDERS))
    if unknown:
        raise argparse.ArgumentTypeError(f"expected some of {LADDERS}, found {unknown[0]!r}")
    return tuple(ladder for ladder in LADDERS if ladder in wanted)


def _parse_numbers(text: str) -> tuple[int, ...]:
    return tuple(_parse_count(part) for part in text.split(","))


def _parse_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, found {text!r}")
    return int(text)


def _join(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))
