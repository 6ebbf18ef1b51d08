"""Measures how long bombs take until they are refused, and how much memory.

    scripts/measure_bombs
    scripts/measure_bombs --only strings

A bomb is a module of a few kilobytes that would take all memory or time: see
`tests/safety/bombs.py` for those of constants, and `function_bombs.py` for those of functions.
Files of 3 GiB are among them. Each is inspected and scanned in a new process, forked from one that
has imported TensorFlow; memory is what the process takes beyond that one. Exit status 1 if one is
not refused by inspect, or takes more than 2 seconds or 200 MiB.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

ROOT = pathlib.Path(__file__).parent.parent.parent
_MODULE = ROOT / "legacy_fixtures" / "golden" / "half_plus_two" / "module"
_MOST_SECS, _MOST_MIB = 2.0, 200
_LEVELS = (12, 60)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="measure_bombs", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--only", default="", metavar="TEXT", help="bombs with TEXT in the name")
    arguments = parser.parse_args(argv)
    print(f"{'bomb':40}{'inspect s':>10}{'MiB':>6}{'scan s':>8}{'MiB':>6}  refused")
    failed = count = 0
    for name, change in _list_bombs():
        if arguments.only in name:
            failed += _measure(name, change)
            count += 1
    print(f"{count} bombs, {failed} of them above {_MOST_SECS:g} s or {_MOST_MIB} MiB or accepted")
    return int(failed > 0)


def _list_bombs() -> Iterator[tuple[str, Callable[[pathlib.Path], None]]]:
    from safety.bombs import BOMBS

    from bombs.function_bombs import KINDS

    for name, text in BOMBS.items():
        yield f"constants: {name}", lambda module, text=text: _add_nodes(module, text)
    for kind in KINDS:
        for levels in _LEVELS:
            yield (
                f"functions: {kind}, {levels} levels",
                lambda module, kind=kind, levels=levels: _add_functions(module, kind, levels),
            )
    for name in ("saved_model.pb", "tfhub_module.pb", "variables/variables.index"):
        yield f"3 GiB: {name}", lambda module, name=name: os.truncate(module / name, 3 << 30)


def _add_nodes(module: pathlib.Path, text: str) -> None:
    from safety.modules import add_nodes

    with _edited(module) as saved_model:
        add_nodes(saved_model.meta_graphs[0], text)


def _add_functions(module: pathlib.Path, kind: str, levels: int) -> None:
    from bombs.function_bombs import add_bomb

    with _edited(module) as saved_model:
        add_bomb(saved_model.meta_graphs[0], kind, levels)


@contextlib.contextmanager
def _edited(module: pathlib.Path) -> Iterator[Any]:
    from tensorflow.core.protobuf import saved_model_pb2

    path = module / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    yield saved_model
    path.write_bytes(saved_model.SerializeToString())


def _measure(name: str, change: Callable[[pathlib.Path], None]) -> bool:
    """Prints a line about a bomb, and returns whether a goal is missed."""
    with tempfile.TemporaryDirectory(prefix="tf1hub_bombs_") as folder:
        module = pathlib.Path(folder) / "module"
        shutil.copytree(_MODULE, module)
        change(module)
        cells, refused, missed = "", "", False
        for command in ("inspect", "scan"):
            seconds, mib, answer = _run(command, module)
            cells += f"{seconds:>{10 if command == 'inspect' else 8}.2f}{mib:>6}"
            missed |= seconds > _MOST_SECS or mib > _MOST_MIB
            refused = refused or answer
    print(f"{name:40}{cells}  {refused[:90] or 'no'}", flush=True)
    return missed or not refused


def _run(command: str, module: pathlib.Path) -> tuple[float, int, str]:
    """Returns seconds, MiB, and why the module is refused; "" if it is not."""
    import converter

    reading, writing = os.pipe()
    start, pid = time.perf_counter(), os.fork()
    if pid == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            answer = getattr(converter, command)(module)
            text = (answer.refused or "") if command == "inspect" else ""
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        os.write(writing, f"{used} {text}"[:2000].encode(errors="replace"))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, errors="replace") as stream:
        used, _, text = stream.read().partition(" ")
    os.waitpid(pid, 0)
    return time.perf_counter() - start, int(used or 0) // 1024, text


def import_converter() -> None:
    """Imports what all bombs need, before the first is measured."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow  # noqa: F401

    import converter

    converter.inspect(_MODULE)
    converter.scan(_MODULE)
