"""Runs tests against a fault, in a process forked from one that has imported TensorFlow.

So a fault costs the tests' time and not TensorFlow's import. Processes that tests start import the
converter as it is on the disk, without the fault.
"""

from __future__ import annotations

import ast
import contextlib
import enum
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pathlib
import signal
import sys
import time
import traceback
import types
from collections.abc import Sequence

from mutation.mutants import Mutant, mutate

ROOT = pathlib.Path(__file__).resolve().parents[2]

_SECONDS_BETWEEN_LOOKS = 0.05


class Outcome(enum.Enum):
    """The tests' answer to a fault."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"


class BrokenTestsError(Exception):
    """Tests that cannot be run, or that fail without a fault."""


def import_what_all_tests_need() -> None:
    """Imports it, once for all faults; nothing of the converter."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    for name in ("hypothesis", "numpy", "pytest", "rich", "tensorflow"):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # Else the first collection of a child copies every page.


def run_tests(
    tests: Sequence[str], log: pathlib.Path, timeout_secs: float, mutant: Mutant | None = None
) -> Outcome:
    """Runs tests until one fails; what they print goes to `log`.

    Raises:
      BrokenTestsError: if pytest finds no tests.
    """
    sys.stdout.flush()
    child = os.fork()
    if not child:
        _be_child(tests, log, mutant)
    status = _wait(child, time.monotonic() + timeout_secs)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # What the tests may have left running.
    if status is None:
        os.waitpid(child, 0)
        return Outcome.TIMED_OUT
    code = os.waitstatus_to_exitcode(status)
    if code in (4, 5):  # Wrong use, and no tests.
        raise BrokenTestsError(f"pytest {' '.join(tests)}:\n{log.read_text()[-2000:]}")
    return Outcome.KILLED if code else Outcome.SURVIVED


def _wait(child: int, deadline: float) -> int | None:
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return None


def _be_child(tests: Sequence[str], log: pathlib.Path, mutant: Mutant | None) -> None:
    code = 1
    try:
        os.setsid()
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.chdir(ROOT)
        if mutant is not None:
            sys.meta_path.insert(0, _Finder(mutant))
        code = _run_pytest(tests)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # Without the parent's clean-up.


def _run_pytest(tests: Sequence[str]) -> int:
    import pytest

    options = ["-x", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist"]
    # It would rewrite the assertions of plugins, if the parent had not imported them.
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, *tests]))


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes the module with the fault."""

    def __init__(self, mutant: Mutant) -> None:
        self._path = ROOT / mutant.path
        parts = mutant.path.with_suffix("").parts
        self._is_package = parts[-1] == "__init__"
        self._name = ".".join(parts[:-1] if self._is_package else parts)
        self._tree: ast.Module = mutate(self._path, mutant.number)

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(
            fullname,
            self._path,
            loader=self,
            submodule_search_locations=[str(self._path.parent)] if self._is_package else None,
        )

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(self._tree, str(self._path), "exec"), module.__dict__)
