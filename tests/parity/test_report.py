import io
import json
import pickle

import numpy as np
import pytest
import rich.console

from converter.parity.checks import Row
from converter.parity.compare import EXACT, compare, missing
from converter.parity.report import NotCompared, ParityReport, print_report

_ONES = np.ones(2, np.float32)
_CLOSE = compare(_ONES, np.array([1, 1 + 1e-6], np.float32), EXACT)
_NAN = compare(_ONES, np.array([1, np.nan], np.float32), EXACT)
_SAME = Row("default", "outputs", "default", compare(_ONES, _ONES, EXACT))
_PASSED = ParityReport((_SAME,), notes=("random ops were replaced",))
_FAILED = ParityReport(
    (
        _SAME,
        Row("default, training", "effects", "scope/[bold]w", _NAN),
        Row("default, training", "effects", "gone", missing(_ONES)),
        Row("default, training", "gradients", "w", _CLOSE),
    ),
    not_compared=(NotCompared("gradients of other", "TF1 has none"),),
    rtol=0.1,
)


def _print(report, width=100):
    stream = io.StringIO()
    print_report(report, rich.console.Console(file=stream, width=width))
    return stream.getvalue()


def test_passed():
    assert _PASSED.passed
    assert _PASSED.first_failure() == ""
    assert _PASSED.summary() == {
        "passed": True, "tensors": 1, "bit_equal": 1, "worst_abs": 0.0, "worst_rel": 0.0
    }  # fmt: skip


def test_failed():
    assert not _FAILED.passed
    assert [row.tensor for row in _FAILED.failures] == ["scope/[bold]w", "gone", "w"]
    assert _FAILED.first_failure().startswith("default, training / effects / scope/[bold]w: ")
    assert "expected 1.0, actual nan at [1]" in _FAILED.first_failure()


def test_a_callable_that_could_not_be_compared_fails():
    report = ParityReport((_SAME,), uncovered=("other",))
    assert not report.passed
    assert "--inputs" in _print(report)
    assert "'other'" in report.first_failure()


@pytest.mark.parametrize("report", [_PASSED, _FAILED])
def test_json_and_back(report):
    text = json.dumps(report.to_json(), allow_nan=False)
    assert ParityReport.from_json(json.loads(text)) == report


def test_json_of_an_earlier_version_is_read():
    values = _FAILED.to_json()
    assert [row.pop("ulps_histogram") for row in values["rows"]] == [
        [2],
        [1],
        None,
        [1, 0, 0, 0, 1],
    ]
    rows = ParityReport.from_json(values).rows
    assert [row.comparison.ulps_histogram for row in rows] == [None] * 4


@pytest.mark.parametrize("report", [_PASSED, _FAILED])
def test_survives_pickling(report):
    assert pickle.loads(pickle.dumps(report)) == report


def test_the_table_fits_in_100_columns():
    text = _print(_FAILED)
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("DIFFERS") == 2
    assert "scope/[bold]w" in text
    assert "Not compared: gradients of other: TF1 has none" in text
    assert "missing" in text
    assert "Not equal" in text


def test_a_passed_report_says_so():
    text = _print(_PASSED)
    assert "Equal: 1 tensors, 1 bit-equal" in text
    assert "Note: random ops were replaced" in text


def test_long_lists_of_failures_are_cut():
    rows = tuple(Row("c", "outputs", f"t{i}", missing(_ONES)) for i in range(30))
    assert "… and 10 more." in _print(ParityReport(rows))


def test_nothing_at_all():
    assert ParityReport(()).summary()["worst_abs"] == 0.0
    assert "Equal: 0 tensors" in _print(ParityReport(()))
