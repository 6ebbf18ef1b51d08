"""Judges mutants: in workers by `judge_job`, in tests by `judge`."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import resource
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

import converter
from converter.export.saved_model import quiet_tensorflow
from converter.migration.job import Job
from converter.parity.evidence import Tolerances
from converter.parity.verify import judge as compare
from converter.parity.verify import run_original
from converter.printable import printable
from module_fuzzing.drawing import draw
from module_fuzzing.editing import make
from module_fuzzing.judgement import EQUAL, FINDING, NOT_COMPARED, REFUSED, UNMADE, Judgement
from module_fuzzing.mutant import Mutant, write_json
from module_fuzzing.places import MisfitError

_PACKAGE = pathlib.Path(converter.__file__).parent
Tell = Callable[[Judgement], None]


def judge_job(job: Job) -> None:
    """Judges the mutant that the file `job.source` describes, and writes to `job.parity_report`.

    `job.destination` is a folder for it alone. The parent empties it if this process dies.
    """
    order = json.loads(pathlib.Path(job.source).read_text())
    mutant = _find_mutant(order)
    folder, answer = pathlib.Path(job.destination), pathlib.Path(job.parity_report)

    def tell(judgement: Judgement) -> None:
        judgement.peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        answer.write_text(write_json({"mutant": mutant.to_json(), **judgement.to_json()}))

    (folder / "tree").mkdir(parents=True)
    (folder / "temporary").mkdir()
    tempfile.tempdir = str(folder / "temporary")
    judge(mutant, folder / "tree", tell)
    shutil.rmtree(folder, ignore_errors=True)


def _find_mutant(order: dict[str, Any]) -> Mutant:
    if "number" in order:
        return draw(order["seed"], order["number"], order["fixtures"])
    return Mutant.from_json(order)


def judge(mutant: Mutant, folder: pathlib.Path, tell: Tell = lambda _: None) -> Judgement:
    """Makes a mutant in a folder, and holds the converter to its promises.

    Args:
      mutant: The mutant.
      folder: An empty folder.
      tell: Called with the judgement as each step begins, and when it is complete.
    """
    judgement, started = Judgement(), time.perf_counter()
    tell(judgement)
    try:
        make(mutant, folder / "module")
    except MisfitError as error:
        judgement.say(UNMADE, "unmade", str(error))
    else:
        with quiet_tensorflow():
            _Judge(judgement, folder, tell).run()
    judgement.seconds = time.perf_counter() - started
    tell(judgement)
    return judgement


class _FoundError(Exception):
    """The judgement is complete."""


class _Judge:
    def __init__(self, judgement: Judgement, folder: pathlib.Path, tell: Tell) -> None:
        self._judgement = judgement
        self._tell = tell
        self._module = folder / "module"
        self._converted = folder / "converted"

    def run(self) -> None:
        """Completes the judgement."""
        before = _contents(self._module)
        with contextlib.suppress(_FoundError):
            for name, look in (("scan", converter.scan), ("inspect", converter.inspect)):
                with self._step(name):
                    look(self._module)
            with self._step("convert") as refusals:
                converter.convert(self._module, self._converted)
            self._check_files(before, is_refused=bool(refusals))
            if refusals:
                self._judgement.say(REFUSED, type(refusals[0]).__name__, str(refusals[0]))
                return
            self._compare(self._find_load_error())

    @contextlib.contextmanager
    def _step(self, name: str, *, may_refuse: bool = True) -> Iterator[list[Exception]]:
        """Runs a step; the list that it gives is the error that has refused the module."""
        refusals: list[Exception] = []
        self._judgement.step = name
        self._tell(self._judgement)
        try:
            yield refusals
        except converter.ConversionError as error:
            fault = _find_fault(error)
            if fault or not may_refuse:
                self._found(fault or "fails", error)
            refusals.append(error)
        except Exception as error:
            self._found("raises", error)

    def _found(self, kind: str, error: BaseException) -> None:
        self._judgement.details = "".join(traceback.format_exception(error, limit=-12))[-6000:]
        name = type(error).__name__
        self._judgement.say(FINDING, kind, f"{name}: {str(error)[:500]}", f"{_place(error)} {name}")
        raise _FoundError

    def _check_files(self, before: dict[str, Any], *, is_refused: bool) -> None:
        if _contents(self._module) != before:
            self._judgement.say(FINDING, "source changed")
            raise _FoundError
        left = set(os.listdir(self._module.parent)) - {"module"}
        expected = set() if is_refused else {self._converted.name}
        if left != expected:
            self._judgement.say(FINDING, "leaves files", ", ".join(sorted(left - expected)))
            raise _FoundError

    def _find_load_error(self) -> Exception | None:
        """Loads the result; its error is none of the converter's where V1 has one, too."""
        self._judgement.step = "load"
        self._tell(self._judgement)
        try:
            tf.saved_model.load(str(self._converted))
        except Exception as error:
            return error
        return None

    def _compare(self, load_error: Exception | None) -> None:
        with self._step("compare") as refusals:
            original = run_original(self._module, self._converted)
        if refusals:
            self._judgement.say(NOT_COMPARED, "V1 does not import it", str(refusals[0]))
            return
        if not original.observations:
            why = "; ".join(entry.text for entry in original.not_compared)
            self._judgement.say(NOT_COMPARED, "V1 does not run it", why)
            return
        if load_error is not None:
            self._judgement.step = "load"
            self._found("raises", load_error)
        with self._step("run", may_refuse=False):
            report = compare(
                original, self._converted, tolerances=Tolerances(), fresh_process=False
            )
        if report.verdict == "differs":
            checks = sorted({row.check for row in report.failures})
            self._judgement.say(FINDING, "differs", report.sentence(), " ".join(checks))
        elif report.verdict == EQUAL:
            self._judgement.say(EQUAL, "equal")
        else:
            why = "; ".join(entry.text for entry in report.open) or "nothing was compared"
            self._judgement.say(NOT_COMPARED, "parts of it", why)


def _find_fault(error: converter.ConversionError) -> str:
    """What is wrong with a refusal; empty if nothing is."""
    text = str(error)
    if isinstance(error.__cause__, MemoryError | RecursionError):
        return f"refused by {type(error.__cause__).__name__}"
    if text != printable(text) or len(text.splitlines()) != 1:
        return "unprintable message"
    return "" if error.message.strip() else "no message"


def _place(error: BaseException) -> str:
    """The last line of the converter in the traceback of an error: its function, not its number."""
    frames: Sequence[Any] = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if pathlib.Path(f.filename).is_relative_to(_PACKAGE)]
    if not ours:
        return "outside"
    return f"{pathlib.Path(ours[-1].filename).relative_to(_PACKAGE)}:{ours[-1].name}"


def _contents(directory: pathlib.Path) -> dict[str, Any]:
    """The files of a module, with what is in those that are small and can be read."""
    found: dict[str, Any] = {}
    for folder, folders, files in os.walk(directory):
        for name in (*folders, *files):
            path = pathlib.Path(folder, name)
            is_small = path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 26
            found[str(path)] = path.read_bytes() if is_small else path.lstat().st_mode
    return found
