"""Runs the process that fuzzes a target, and stores what it found."""

from __future__ import annotations

import hashlib
import os
import pathlib
import random
import re
import subprocess
import sys
import time

from fuzz_bytes.mutate import mutate
from fuzz_bytes.regressions import REGRESSIONS
from fuzz_bytes.target import Target, minimize

_PROGRAM = pathlib.Path(__file__).with_name("one_target.py")
_LONGEST = "longest"
# Of one input, of the clock; the machine may be busy.
_HANG_SECONDS = 30
_MOST_RESTARTS = 5
_MUTANTS = 200
# With TensorFlow, which takes some 600 MiB.
_MEMORY_MIB = 3000
_LONGEST_INPUT = 1 << 16


def fuzz(target: Target, seconds: float, seed: int, place: pathlib.Path) -> int:
    """Fuzzes a target; prints what was done and found, and returns the number of findings.

    Args:
      target: The target.
      seconds: How long.
      seed: Decides the random choices.
      place: A folder to make, for the corpus and the findings.
    """
    corpus, findings = place / "corpus", place / "findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True)
    for number, content in enumerate(_first_inputs(target, seed)):
        (corpus / f"seed_{number:03}").write_bytes(content)
    end, runs, peak = time.monotonic() + seconds, 0, 0
    for restart in range(_MOST_RESTARTS):
        left = int(end - time.monotonic())
        if left <= 0:
            break
        errors = _run(target.name, corpus, findings, left, seed + restart)
        runs += _stat(errors, "number_of_executed_units")
        peak = max(peak, _stat(errors, "peak_rss_mb"))
    count = _store(target, findings)
    longest = (findings / _LONGEST).read_text() if (findings / _LONGEST).exists() else "0.01"
    print(
        f"{target.name:20}{runs:>10,} inputs {runs / max(seconds, 1):>8,.0f}/s {peak:>6} MiB peak"
        f" {longest:>6} s longest {count:>3} findings",
        flush=True,
    )
    return count


def _first_inputs(target: Target, seed: int) -> list[bytes]:
    """The seeds, and changes of them that libFuzzer would not make, such as deep nesting."""
    seeds, rng = target.seeds(), random.Random(seed)
    return [*seeds, *(mutate(rng.choice(seeds), seeds, rng) for _ in range(_MUTANTS))]


def _run(name: str, corpus: pathlib.Path, findings: pathlib.Path, seconds: int, seed: int) -> str:
    """Runs until the time is over, or an input ends the process; returns what libFuzzer said."""
    command = [
        sys.executable, str(_PROGRAM), name, str(findings), str(corpus),
        f"-max_total_time={seconds}", f"-seed={seed}", f"-timeout={_HANG_SECONDS}",
        f"-rss_limit_mb={_MEMORY_MIB}", f"-artifact_prefix={findings}/",
        f"-max_len={_LONGEST_INPUT}", "-print_final_stats=1",
    ]  # fmt: skip
    environment = {**os.environ, "TMPDIR": str(findings.parent)}
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", env=environment
    )
    if done.returncode and not _artifacts(findings):
        raise RuntimeError(f"the process that fuzzes {name} failed:\n{done.stderr[-3000:]}")
    return done.stderr


def _stat(errors: str, name: str) -> int:
    found = re.search(rf"stat::{name}:\s+(\d+)", errors)
    return int(found[1]) if found else 0


def _artifacts(findings: pathlib.Path) -> list[pathlib.Path]:
    """What libFuzzer stored: inputs that hang, exhaust the memory or crash native code."""
    return sorted(
        path for path in findings.iterdir() if re.match("(timeout|oom|crash)-", path.name)
    )


def _store(target: Target, findings: pathlib.Path) -> int:
    """Stores what was found beside the tests; returns the number."""
    for path in _artifacts(findings):  # They cannot be made smaller in this process.
        _report(target, path.read_bytes(), path.name.partition("-")[0])
    failed = sorted(findings.glob("*.bytes"))
    for path in failed:
        text = path.with_suffix(".text").read_text()
        _report(target, minimize(target, path.read_bytes(), text.partition("\n")[0]), text)
    return len(_artifacts(findings)) + len(failed)


def _report(target: Target, data: bytes, text: str) -> None:
    path = REGRESSIONS / target.name / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    print(f"\n{path}: {text.rstrip()}\n", flush=True)
