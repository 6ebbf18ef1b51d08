"""Converts a program's module, and holds the result to a V1 Session."""

from __future__ import annotations

import dataclasses
import enum
import pathlib
import re
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

import converter
from converter.assemble.plan import ModulePlan, make_plan
from converter.export.saved_model import quiet_tensorflow
from converter.formats.legacy_module import LegacyModule
from converter.formats.registry import read_module
from converter.parity.cases import Case, CaseMaker, plan_cases
from converter.parity.checks import Evidence, Row, Tolerances, run_checks
from converter.parity.converted_process import run_deterministic
from converter.parity.converted_runner import Request
from converter.parity.generate import ATTEMPTS
from converter.parity.legacy_runner import LegacyFailure, LegacyRunner
from converter.parity.observation import Observation
from converter.parity.report import ParityReport
from fuzz.build import build
from fuzz.program import Inputs, Program
from fuzz.v1 import v1_graph, write_module

# What the converter may refuse, as TensorFlow 2 has no exact counterpart.
REFUSALS = (
    re.compile("trainable variable .* is changed by the call, and read in a loop or branch"),
)


class Kind(enum.Enum):
    """What became of a program that did not fail."""

    EQUAL = "equal"
    FORWARD_ONLY = "equal, and V1 has no gradients"
    REFUSED = "refused"
    INVALID = "V1 cannot run it"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a program, and V1's or the converter's reason."""

    kind: Kind
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Original:
    """The V1 side: the module, and what a Session computed."""

    legacy: LegacyModule
    plan: ModulePlan
    cases: tuple[Case, ...]
    runner: LegacyRunner
    observations: tuple[Observation, ...]


def write_program(program: Program, directory: pathlib.Path) -> None:
    """Writes a program as a TF1 Hub module."""
    with quiet_tensorflow(), v1_graph() as graph:
        signature = build(program)
        write_module(directory, graph, signature.inputs, signature.outputs)


def run_original(program: Program, module: pathlib.Path) -> Original:
    """Runs all calls of a program's module in a Session.

    Raises:
      LegacyFailure: if V1 cannot.
    """
    legacy = read_module(module)
    plan = make_plan(legacy, None, None, None)
    cases = tuple(_make_cases(program, legacy, plan))
    runner = LegacyRunner(legacy)
    with quiet_tensorflow():
        return Original(legacy, plan, cases, runner, tuple(map(runner.observe, cases)))


def _make_cases(program: Program, legacy: LegacyModule, plan: ModulePlan) -> Iterator[Case]:
    for inputs in program.calls:
        maker = CaseMaker(legacy, _arrays(inputs))
        yield from (maker.make(planned, ATTEMPTS[0]) for planned in plan_cases(plan))


def _arrays(inputs: Inputs) -> dict[str, np.ndarray]:
    return {
        "x": np.array(inputs.x, np.float32),
        "n": np.array(inputs.n, np.int32),
        "flag": np.array(inputs.flag, np.bool_),
    }


def check_program(
    program: Program, *, fresh_process: bool = False, keep: pathlib.Path | None = None
) -> Outcome:
    """Holds the conversion of a program to V1.

    Args:
      program: The program.
      fresh_process: Whether the converted module runs in a process of its own.
      keep: Where to leave `module` and `converted`; nothing is left without it.

    Raises:
      AssertionError: if the two differ.
      Exception: whatever the converter raises that is no refusal of `REFUSALS`.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz_control_flow_") as scratch:
        directory = keep or pathlib.Path(scratch)
        write_program(program, directory / "module")
        try:
            original = run_original(program, directory / "module")
        except LegacyFailure as failure:
            return Outcome(Kind.INVALID, str(failure))
        try:
            with quiet_tensorflow():
                converter.convert(directory / "module", directory / "converted")
        except converter.UnsupportedOpError as error:
            if not any(refusal.search(str(error)) for refusal in REFUSALS):
                raise
            return Outcome(Kind.REFUSED, str(error))
        report = _compare(original, directory / "converted", fresh_process=fresh_process)
    assert report.passed, "\n".join(map(_describe, report.failures))
    return _outcome(original.observations)


def check_v1(program: Program) -> Outcome:
    """Holds V1 to itself: two runs of one program must be equal to the bit.

    Raises:
      AssertionError: if they differ; the program has a race then.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz_control_flow_") as scratch:
        module = pathlib.Path(scratch) / "module"
        write_program(program, module)
        try:
            one, other = (run_original(program, module).observations for _ in range(2))
        except LegacyFailure as failure:
            return Outcome(Kind.INVALID, str(failure))
    assert repr(one) == repr(other)
    return _outcome(one)


def _outcome(observations: Sequence[Observation]) -> Outcome:
    reasons = [seen.gradient_error for seen in observations if seen.gradient_error]
    return Outcome(Kind.FORWARD_ONLY, reasons[0]) if reasons else Outcome(Kind.EQUAL)


def _compare(original: Original, target: pathlib.Path, *, fresh_process: bool) -> ParityReport:
    request = Request(
        directory=target, cases=original.cases, attributes=tuple(original.plan.callables)
    )
    with quiet_tensorflow():
        seen = run_deterministic(request, fresh_process=fresh_process)
    evidence = Evidence(
        plan=original.plan,
        cases=original.cases,
        expected=original.observations,
        actual=seen.cases,
        variables=original.runner.variables(frozenset()),
        losses=(),
        facts=seen.facts,
        tolerances=Tolerances(),
    )
    return ParityReport(rows=run_checks(evidence))


def _describe(row: Row) -> str:
    found = row.comparison
    what = found.problem or f"{found.actual} at {found.where}, expected {found.expected}"
    return f"{row.check} of {row.tensor} in {row.case}: {what}"
