"""Runs mutants in worker processes that are used again and again, and replaced when they die."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shutil
import tempfile
import time
from typing import Any

from converter.migration.job import Job
from converter.migration.worker_process import (
    TooMuchMemoryError,
    TooSlowError,
    WorkerDiedError,
    WorkerProcess,
)
from module_fuzzing.judgement import FINDING, NOT_COMPARED, UNMADE, Judgement
from module_fuzzing.mutant import write_json

_JUDGE = "module_fuzzing.judging:judge_job"
# TensorFlow keeps some of every graph.
_JOBS_PER_WORKER = 80


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one mutant may take."""

    timeout_secs: float = 120.0
    memory_bytes: int = 4 << 30


class Trials:
    """One worker process at a time, for mutants one after the other.

    Args:
      limits: The limits of one mutant.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._worker: WorkerProcess | None = None
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="fuzz_modules_"))

    def run(self, order: dict[str, Any]) -> tuple[dict[str, Any], Judgement]:
        """Judges the mutant that a seed and a number, or the mutant itself, stand for.

        Returns:
          The mutant, as JSON values, and its judgement.
        """
        question, answer = self._folder / "order.json", self._folder / "answer.json"
        question.write_text(write_json(order))
        answer.unlink(missing_ok=True)
        scratch = self._folder / "scratch"
        job = Job(
            path="mutant", source=str(question), destination=str(scratch), staging="",
            parity_report=str(answer),
        )  # fmt: skip
        started = time.perf_counter()
        death = self._try(job)
        values = json.loads(answer.read_text()) if answer.exists() else {"mutant": order}
        mutant = values.pop("mutant")
        judgement = Judgement(**values)
        if death is not None:
            judgement.seconds = time.perf_counter() - started
            _explain(judgement, death)
        shutil.rmtree(scratch, ignore_errors=True)
        return mutant, judgement

    def _try(self, job: Job) -> Exception | None:
        """Runs a job; what killed the worker, if it died."""
        worker = self._start()
        try:
            worker.run(
                job,
                timeout_secs=self._limits.timeout_secs,
                memory_limit_bytes=self._limits.memory_bytes,
            )
        except (WorkerDiedError, TooSlowError, TooMuchMemoryError) as error:
            self._drop_worker()
            return error
        return None

    def _start(self) -> WorkerProcess:
        if self._worker is not None and self._worker.jobs_done >= _JOBS_PER_WORKER:
            self._drop_worker()
        if self._worker is None:
            self._worker = WorkerProcess(_JUDGE)
            self._worker.wait_until_ready()
        return self._worker

    def _drop_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def close(self) -> None:
        """Ends the worker, and removes its files."""
        self._drop_worker()
        shutil.rmtree(self._folder, ignore_errors=True)


def _explain(judgement: Judgement, death: Exception) -> None:
    """Says how a worker died; a module that kills V1's own Session is no fault of the converter."""
    kinds = {TooSlowError: "hangs", TooMuchMemoryError: "fills the memory"}
    kind = kinds.get(type(death), "crashes")
    judgement.details = getattr(death, "last_words", "")
    last = judgement.details.splitlines()[-1:] or [""]
    if isinstance(death, TooMuchMemoryError):
        judgement.peak_bytes = max(judgement.peak_bytes, death.memory_bytes)
    if judgement.step == "make":
        judgement.say(UNMADE, f"making it {kind}", f"{death} {last[0]}")
    elif judgement.step == "compare":
        judgement.say(NOT_COMPARED, f"{judgement.step} {kind}", f"{death} {last[0]}")
    else:
        judgement.say(FINDING, kind, f"{death} {last[0]}"[:500], _frame(judgement.details))


def _frame(words: str) -> str:
    """The innermost line of the converter in what `faulthandler` wrote."""
    package = f"{os.sep}converter{os.sep}"
    lines = [line.strip() for line in words.splitlines() if package in line]
    return lines[0].rpartition(package)[2] if lines else ""
