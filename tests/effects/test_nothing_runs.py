"""A conversion runs no op that is not allowed; `scripts/prove_nothing_runs` prints the table."""

import dataclasses
import re
import shutil
import subprocess
import sys

import pytest
from hostile_models import PLACES

from effects.jobs import Case, Outcome
from effects.proof import control, find_problem, list_unsafe_ops, make_job, prove, watch_cases
from effects.watch import ROOT, find_strace, watch

_NEEDS_STRACE = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is missing: apt-get install strace"
)
# TensorFlow evaluates the first two when it imports a graph.
_OPS = ("ReadFile", "DebugIdentity", "WriteFile")
_EVALUATED = {
    "DebugIdentity", "DebugNanCount", "DebugNumericSummary", "GenerateVocabRemapping",
    "MatchingFiles", "PyFuncStateless", "ReadFile",
}  # fmt: skip


def _seen(proof, mode):
    """The ops that had an effect."""
    return {e.case.op for e in proof.effects if e.case is not None and e.case.mode == mode}


@_NEEDS_STRACE
def test_some_ops_in_every_place_and_what_happens_if_they_are_let_through(tmp_path):
    cases = [Case(place, op) for place in PLACES for op in _OPS]
    let_through = [Case("signature", op, "allow") for op in ("ReadFile", "DebugIdentity")]
    proof = watch_cases(tmp_path, [[*cases, *let_through]], server=False)
    assert _seen(proof, "convert") == set()
    assert _seen(proof, "allow") == {"ReadFile", "DebugIdentity"}
    assert not proof.died
    outcomes = [outcome for outcome in proof.outcomes if outcome.case.mode == "convert"]
    assert len(outcomes) == len(cases)
    assert [problem for outcome in outcomes if (problem := find_problem(outcome))] == []
    # A conversion that lets an op through wrote this, so the watcher looked at a real file.
    assert (tmp_path / "outside" / "dump").is_dir()


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_every_op(place, tmp_path):
    find_strace()
    proof = prove(tmp_path, list_unsafe_ops(), [place])
    assert proof.find_failures() == []
    assert len(proof.outcomes) == len(list_unsafe_ops())


@pytest.mark.slow
def test_tensorflow_itself_runs_some_of_the_same_graphs(tmp_path):
    find_strace()
    proof = control(tmp_path, sorted(_EVALUATED))
    assert _seen(proof, "import") == _EVALUATED
    assert proof.find_failures()


@pytest.mark.slow
def test_tensorflow_itself_connects_to_a_server(tmp_path):
    find_strace()
    proof = watch_cases(
        tmp_path, [[Case("signature", "DebugIdentity", "import")]], patience_secs=10
    )
    assert {"socket", "connect"} <= {effect.call for effect in proof.effects}


@pytest.mark.slow
def test_a_process_that_does_nothing_proves_nothing(tmp_path):
    find_strace()
    job = dataclasses.replace(make_job(tmp_path, "inside", [_REFUSED.case]), module="/missing")
    with pytest.raises(RuntimeError, match="before the first case: 1"):
        watch(job)


@pytest.mark.slow
def test_the_script_prints_the_table():
    command = [sys.executable, ROOT / "scripts" / "prove_nothing_runs", "--ops", "ReadFile"]
    places = ["--places", "signature", "nowhere"]
    ran = subprocess.run([*command, *places], capture_output=True, text=True, check=True)
    assert "1 ops x 2 places = 2 modules, 0 effects, 0 crashes" in ran.stdout
    ran = subprocess.run([*command, "--control"], capture_output=True, text=True, check=True)
    assert re.search(r"^ReadFile: \d+ openat", ran.stdout, re.MULTILINE)
    ran = subprocess.run([*command, "Abs"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")


_REFUSED = Outcome(Case("signature", "ReadFile"), True, *["UnsafeModuleError"] * 2, node="f/evil")


@pytest.mark.parametrize(
    ("outcome", "problem"),
    [
        (_REFUSED, None),
        (Outcome(Case("nowhere", "ReadFile"), True), None),
        (Outcome(Case("nowhere", "ReadFile")), "the scan does not find the op"),
        (Outcome(Case("signature", "ReadFile"), True), "it is not refused"),
        (Outcome(Case("signature", "ReadFile"), True, "X", "Y"), "inspect says 'X', convert 'Y'"),
        (Outcome(Case("signature", "ReadFile"), True, "X", "X"), "it is not refused"),
        (
            Outcome(_REFUSED.case, True, *["UnsafeModuleError"] * 2, node="other"),
            "another node is refused",
        ),
    ],
)
def test_what_is_a_problem(outcome, problem):
    found = find_problem(outcome)
    assert found is None if problem is None else found.startswith(problem)
