"""Converts a program's module, and holds the result to a V1 Session."""

from __future__ import annotations

import dataclasses
import enum
import pathlib
import re
import tempfile
from collections.abc import Sequence

import numpy as np

import converter
from converter.compile.plan import make_plan
from converter.export.saved_model import quiet_tensorflow
from converter.formats.registry import read_module
from converter.parity.cases import CaseMaker
from converter.parity.checks import OF_CALLS, Row, run_checks
from converter.parity.converted_runner import graphs_as_written
from converter.parity.evidence import Tolerances
from converter.parity.legacy_failure import LegacyFailure
from converter.parity.loaded_module import LoadedModule
from converter.parity.observation import Observation
from converter.parity.original import Original
from converter.parity.verify import gather_evidence
from fuzz.build import build
from fuzz.program import Inputs, Program
from fuzz.v1 import v1_graph, write_module

# What the converter may refuse, as TensorFlow 2 has no exact counterpart.
REFUSALS = (
    re.compile("trainable variable .* is changed by the call, and read in a loop or branch"),
)


class Kind(enum.Enum):
    """The outcomes of programs that do not fail."""

    EQUAL = "equal"
    FORWARD_ONLY = "equal, and V1 has no gradients"
    REFUSED = "refused"
    INVALID = "V1 cannot run it"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of a program, and V1's or the converter's reason."""

    kind: Kind
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Calls:
    """The V1 side: what a Session computed in each call of a program."""

    each: tuple[Original, ...]

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The observations, in the order of the calls."""
        return tuple(seen for original in self.each for seen in original.observations)


def write_program(program: Program, directory: pathlib.Path) -> None:
    """Writes a program as a TF1 Hub module."""
    with quiet_tensorflow(), v1_graph() as graph:
        signature = build(program)
        write_module(directory, graph, signature.inputs, signature.outputs)


def run_original(program: Program, module: pathlib.Path) -> Calls:
    """Runs all calls of a program's module in a Session.

    Raises:
      LegacyFailure: if V1 cannot.
    """
    legacy = read_module(module)
    plan = make_plan(legacy)
    made = []
    with quiet_tensorflow():
        for inputs in program.calls:
            original = Original(legacy, plan, CaseMaker(legacy, _arrays(inputs)))
            original.run(lambda _: None)
            if not original.observations:
                raise LegacyFailure(original.not_compared[0].why)
            made.append(original)
    return Calls(tuple(made))


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
        _compare(original, directory / "converted", fresh_process=fresh_process)
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


def _compare(calls: Calls, target: pathlib.Path, *, fresh_process: bool) -> None:
    """Compares the first call in every way that verifying has, and the others with the loaded one.

    Other inputs take other branches, which all ways of calling have in common.
    """
    first, *others = calls.each
    with quiet_tensorflow(), graphs_as_written():
        evidence = gather_evidence(
            first, target, tolerances=Tolerances(), fresh_process=fresh_process
        )
        rows = list(run_checks(evidence))
        loaded = LoadedModule(str(target))
        for each in others:
            again = dataclasses.replace(
                evidence,
                cases=tuple(each.cases),
                expected=tuple(each.observations),
                actual=tuple(map(loaded.observe, each.cases)),
            )
            rows += run_checks(again, OF_CALLS)
    failures = [row for row in rows if not row.comparison.passed]
    assert not failures, "\n".join(map(_describe, failures))
    not_compared = [entry for each in calls.each for entry in each.not_compared]
    assert not [entry for entry in not_compared if entry.leaves_open], not_compared


def _describe(row: Row) -> str:
    found = row.comparison
    what = found.problem or f"{found.actual} at {found.where}, expected {found.expected}"
    return f"{row.check} of {row.tensor} in {row.case}: {what}"
