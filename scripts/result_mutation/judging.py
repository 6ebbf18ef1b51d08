"""Judges wrong results by verify, in worker processes that remember what originals show."""

from __future__ import annotations

import functools
import pathlib
import shutil
import tempfile

from result_mutation.files import Result, edit_copy
from result_mutation.mutants import find_mutants

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "legacy_fixtures" / "golden"


def convert(fixture: str, scratch: str) -> pathlib.Path:
    """The right result of a fixture, made once."""
    import converter

    destination = pathlib.Path(scratch, fixture)
    if not destination.exists():
        converter.convert(GOLDEN / fixture / "module", destination)
    return destination


@functools.cache
def _original(fixture: str, right: str):  # noqa: ANN202 - imports TensorFlow
    from converter.parity.verify import run_original

    return run_original(GOLDEN / fixture / "module", pathlib.Path(right))


@functools.cache
def _mutants(right: str):  # noqa: ANN202
    return list(find_mutants(Result(pathlib.Path(right))))


def judge_right(fixture: str, right: str) -> str:
    """The answer of verify to the right result."""
    return _judge(fixture, right, pathlib.Path(right))


def judge_mutant(fixture: str, right: str, number: int) -> str:
    """The answer of verify to a wrong result: how it is found, or `equal`."""
    mutant = _mutants(right)[number]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mutant_"))
    try:
        try:
            edit_copy(pathlib.Path(right), folder / "module", mutant.edit)
        except Exception as error:  # The edit does not suit the file.
            return f"unmakeable: {type(error).__name__}: {error}"
        return _judge(fixture, right, folder / "module")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _judge(fixture: str, right: str, target: pathlib.Path) -> str:
    from converter.export.saved_model import quiet_tensorflow
    from converter.parity.evidence import Tolerances
    from converter.parity.verify import judge, read_plan

    with quiet_tensorflow():
        original = _original(fixture, right)
        try:
            if read_plan(original.legacy, target) != original.plan:
                return "differs: options"
            report = judge(original, target, tolerances=Tolerances(), fresh_process=False)
        except Exception as error:  # It does not load: nobody takes it for equal.
            return f"refused: {type(error).__name__}"
    if report.verdict != "differs":
        worst = float(report.summary().worst_rel)
        bits = all(row.comparison.bit_equal for row in report.rows if row.check != "session")
        return report.verdict if bits else f"{report.verdict} within tolerance ({worst:.1e})"
    return "differs: " + ", ".join(dict.fromkeys(row.check for row in report.failures))
