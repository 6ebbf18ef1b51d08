import dataclasses
import io
import json
import pickle

import msgspec
import numpy as np
import pytest
import rich.console

from converter.export.record import ParityInfo
from converter.parity.checks import Row
from converter.parity.compare import EXACT, Comparison, compare, compare_facts, missing
from converter.parity.report import ParityReport
from converter.parity.report_table import print_report
from converter.parity.verdict import NotCompared

_ONES = np.ones(2, np.float32)
_CLOSE = compare(_ONES, np.array([1, 1 + 1e-6], np.float32), EXACT)
_NAN = compare(_ONES, np.array([1, np.nan], np.float32), EXACT)
_SAME = Row("default", "outputs", "default", compare(_ONES, _ONES, EXACT))
_DRAWN = Row("default, training", "outputs", "x", _SAME.comparison, ("random ops replaced",))
_FACT = Row("module", "variables", "w", compare_facts("there", "there"))
_WRONG_FACT = Row("module", "variables", "b", compare_facts("there", "absent"))
_PASSED = ParityReport(
    (_SAME, _DRAWN, _FACT), random_ops={"RandomUniform": 2}, notes=("it was changed",)
)
_OPEN = ParityReport(
    (_SAME,), (NotCompared("other", "all", "it does not run", "Pass --inputs FILE.npz."),)
)
_FAILED = ParityReport(
    (
        _SAME,
        Row("default, training", "effects", "scope/[bold]w", _NAN),
        Row("default, training", "effects", "gone", missing(_ONES)),
        Row("default, training", "gradients", "w", _CLOSE),
    ),
    not_compared=(NotCompared("other", "gradients", "TF1 has none", leaves_open=False),),
    rtol=0.1,
)


def _print(report, width=100):
    stream = io.StringIO()
    print_report(report, rich.console.Console(file=stream, width=width))
    return stream.getvalue()


def test_passed():
    assert _PASSED.passed
    assert _PASSED.verdict == "equal"
    assert _PASSED.first_failure() == ""
    assert _PASSED.summary() == ParityInfo(
        verdict="equal", passed=True, tensors=1, bit_equal=1, conditional=1, facts=1,
        worst_abs=0.0, worst_rel=0.0, random_ops={"RandomUniform": 2}, not_compared=(),
        remedies=(),
    )  # fmt: skip
    assert _PASSED.sentence() == (
        "Equal: 1 tensor, 1 bit for bit; 1 more equal with random ops replaced"
        " (RandomUniform x 2); 1 fact."
    )


def test_failed():
    assert not _FAILED.passed
    assert _FAILED.verdict == "differs"
    assert _FAILED.sentence() == (
        "Differs: default, training / effects / scope/[bold]w, default, training / effects / gone,"
        " default, training / gradients / w (3 of 4 tensors)."
    )
    assert [row.tensor for row in _FAILED.failures] == ["scope/[bold]w", "gone", "w"]
    assert _FAILED.first_failure().startswith("default, training / effects / scope/[bold]w: ")
    assert "expected 1.0, actual nan at [1]" in _FAILED.first_failure()


def test_what_could_not_be_compared_leaves_the_verdict_open():
    assert _OPEN.verdict == "not compared"
    assert not _OPEN.passed
    assert _OPEN.first_failure() == ""
    assert _OPEN.summary().not_compared == ("all of other: it does not run",)
    assert _OPEN.summary().remedies == ("Pass --inputs FILE.npz.",)
    text = " ".join(_print(_OPEN).split())
    assert "Not compared: all of other: it does not run. Pass --inputs FILE.npz." in text
    assert "All else is equal: 1 tensor, 1 bit for bit; 0 facts." in text
    assert "Equal:" not in text


def test_what_differs_is_said_whatever_else_was_not_compared():
    assert ParityReport(_FAILED.rows, _OPEN.not_compared).verdict == "differs"


def test_what_the_original_lacks_does_not_leave_it_open():
    assert ParityReport((_SAME,), _FAILED.not_compared).verdict == "equal"


def test_facts_alone_can_differ():
    report = ParityReport((_SAME, _FACT, _WRONG_FACT))
    assert report.sentence() == "Differs: module / variables / b (1 of 2 facts)."


@pytest.mark.parametrize("report", [_PASSED, _FAILED, _OPEN])
def test_json_has_the_summary_and_every_row(report):
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    reasons = [entry["what"] for entry in found["not_compared"]]
    assert reasons == [entry.what for entry in report.not_compared]
    found["not_compared"] = [entry.text for entry in report.open]
    assert msgspec.convert(found, ParityInfo) == report.summary()
    for row, values in zip(report.rows, found["rows"], strict=True):
        assert (values["case"], values["check"], values["tensor"]) == (
            row.case, row.check, row.tensor
        )  # fmt: skip
        for field in dataclasses.fields(Comparison):
            written, value = values[field.name], getattr(row.comparison, field.name)
            if isinstance(value, float):
                assert float(written) == value
            else:
                assert written == (list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize("report", [_PASSED, _FAILED, _OPEN])
def test_survives_pickling(report):
    assert pickle.loads(pickle.dumps(report)) == report


def test_the_table_fits_in_100_columns():
    text = _print(_FAILED)
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("DIFFERS") == 2
    assert "scope/[bold]w" in text
    assert "Not compared: gradients of other: TF1 has none" in text
    assert "missing" in text
    assert "Differs: " in text


def test_a_passed_report_says_so():
    text = _print(_PASSED)
    assert "Equal: 1 tensor, 1 bit for bit" in text
    assert "* with random ops replaced on both sides" in text
    assert "ok*" in text
    assert "Note: it was changed" in text


def test_long_lists_of_failures_are_cut():
    rows = tuple(Row("c", "outputs", f"t{i}", missing(_ONES)) for i in range(30))
    assert "… and 10 more." in _print(ParityReport(rows))


def test_nothing_at_all():
    assert ParityReport(()).summary().worst_abs == 0.0
    assert ParityReport(()).verdict == "not compared"
    assert "Equal" not in _print(ParityReport(()))
