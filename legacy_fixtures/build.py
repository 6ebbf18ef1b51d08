"""Builds the fixtures: `scripts/build_fixtures` runs this in a TensorFlow 1.15 environment."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
from typing import Callable, Dict, List, Sequence

import tensorflow.compat.v1 as tf

from legacy_fixtures.comparison import find_differences
from legacy_fixtures.exporting import export_module
from legacy_fixtures.fixture import Fixture
from legacy_fixtures.golden_values import record
from legacy_fixtures.registry import FIXTURES

_HERE = os.path.dirname(os.path.abspath(__file__))
_BY_NAME: Dict[str, Fixture] = {fixture.name: fixture for fixture in FIXTURES}


def main(argv: Sequence[str]) -> int:
    """Runs the command line and returns the exit status."""
    arguments = _parse_arguments(argv)
    if arguments.list:
        print("\n".join(_BY_NAME))
        return 0
    unknown = sorted(set(arguments.names) - set(_BY_NAME))
    if unknown:
        print(f"build_fixtures: not in --list: {', '.join(unknown)}", file=sys.stderr)
        return 2
    names = arguments.names or [name for name in _BY_NAME if _is_installed(name)]
    finish = _report_differences if arguments.check else _publish
    with tempfile.TemporaryDirectory() as scratch:
        os.symlink(os.path.join(_HERE, "vocabularies"), os.path.join(scratch, "vocabularies"))
        failed = _build(names, scratch, arguments.jobs)
        failed += [name for name in names if name not in failed and not finish(name, scratch)]
    if failed:
        print(f"build_fixtures: failed: {', '.join(failed)}", file=sys.stderr)
    elif arguments.check:
        print(f"no difference to what is committed: {len(names)} fixtures")
    return 1 if failed else 0


def _is_installed(name) -> bool:
    """Whether the packages are there that a fixture needs; says so if they are not."""
    missing = [p for p in _BY_NAME[name].import_ops if importlib.util.find_spec(p) is None]
    if missing:
        print(f"build_fixtures: without {name}, which needs {', '.join(missing)}", file=sys.stderr)
    return not missing


def _parse_arguments(argv):
    parser = argparse.ArgumentParser(prog="build_fixtures", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help="fixtures to build (default: all)")
    parser.add_argument("--check", action="store_true", help="compare with what is committed")
    parser.add_argument("--list", action="store_true", help="print the names of all fixtures")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default: 2)")
    return parser.parse_args(argv)


def _build(names, scratch, jobs) -> List[str]:
    """Builds fixtures and what they need in a scratch directory; returns those that failed."""
    failed = []
    for wave in _waves(names):
        failed += _run_all("export", export_module, wave, scratch, jobs)
        built = [name for name in wave if name not in failed]
        failed += _run_all("record", record, built, scratch, jobs)
    return failed


def _waves(names) -> List[List[str]]:
    """Orders fixtures and those they need so that each wave needs only the ones before it."""
    depths: Dict[str, int] = {}

    def visit(name):
        if name not in depths:
            depths[name] = max([visit(needed) + 1 for needed in _BY_NAME[name].needs], default=0)
        return depths[name]

    deepest = max(visit(name) for name in names)
    return [[name for name in depths if depths[name] == depth] for depth in range(deepest + 1)]


def _run_all(verb, step: Callable, names, scratch, jobs) -> List[str]:
    """Runs a step for each fixture in a process of its own; returns those that failed.

    TensorFlow counts custom gradients and functions per process, and the counts go into the
    graphs: a fixture must not depend on what was built before it.
    """
    tasks = [(step, name, scratch) for name in names]
    failed = []
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        results = pool.imap_unordered(_run_step, tasks, chunksize=1)
        for count, (name, seconds, error) in enumerate(results, start=1):
            print(f"[{count}/{len(tasks)}] {verb} {name} ({seconds:.1f} s)", flush=True)
            if error:
                failed.append(name)
                print(error, file=sys.stderr, flush=True)
    return failed


def _run_step(task):
    step, name, scratch = task
    start = time.time()
    error = None
    try:
        os.chdir(scratch)
        for package in _BY_NAME[name].import_ops:
            importlib.import_module(package)
        step(_BY_NAME[name])
    except Exception:  # One fixture's failure must not hide the state of the others.
        error = traceback.format_exc()
    return name, time.time() - start, error


def _publish(name, scratch) -> bool:
    """Puts a fixture in the place of the committed one, unless they are equal."""
    built, committed = os.path.join(scratch, "golden", name), _committed(name)
    if os.path.exists(committed):
        if not _differences(name, scratch):
            return True
        shutil.rmtree(committed)
    shutil.copytree(built, committed)
    print(f"wrote {os.path.relpath(committed)}", flush=True)
    return True


def _committed(name) -> str:
    folder = "golden_custom_ops" if _BY_NAME[name].import_ops else "golden"
    return os.path.join(_HERE, folder, name)


def _report_differences(name, scratch) -> bool:
    """Prints how a fixture differs from the committed one; returns whether it does not."""
    differences = _differences(name, scratch)
    for difference in differences:
        print(f"{name}: {difference}", file=sys.stderr)
    return not differences


def _differences(name, scratch) -> List[str]:
    committed, built = _committed(name), os.path.join(scratch, "golden", name)
    return list(find_differences(committed, built, exact_weights=not _BY_NAME[name].trained))


if __name__ == "__main__":
    tf.logging.set_verbosity(tf.logging.ERROR)
    sys.exit(main(sys.argv[1:]))
