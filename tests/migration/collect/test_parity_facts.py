"""The facts that are collected from a comparison, sound or damaged."""

import json
import math

import msgspec
import numpy as np
import pytest
import report_data

from converter.migration.collect.parity_facts import add_histograms, read_parity_facts
from converter.migration.collect.untrusted import DamagedError
from converter.page.details import NotCompared
from converter.page.document import ParityNumbers
from converter.parity.checks import Row
from converter.parity.compare import EXACT, compare, missing
from converter.parity.report import ParityReport


@pytest.fixture
def read(tmp_path):
    def call(values):
        (tmp_path / "parity.json").write_text(json.dumps(values))
        return read_parity_facts(tmp_path / "parity.json")

    return call


def test_a_comparison_of_the_converter_is_read(read):
    report = report_data.make_report(4)
    facts = read(report.to_json())
    summary = msgspec.to_builtins(report.summary())
    names = ParityNumbers.__struct_fields__
    assert {name: getattr(facts, name) for name in names} == {name: summary[name] for name in names}
    (entry,) = facts.not_compared
    assert entry == NotCompared(text="gradients of default: it has none", leaves_open=False)
    assert facts.notes == ["a note"]
    by_name = {row.tensor: row for row in facts.rows}
    for row in report.rows:
        told, compared = by_name[row.tensor], row.comparison
        histogram = compared.ulps_histogram
        assert told.ulps_histogram == (None if histogram is None else list(histogram))
        assert (told.max_ulps, told.dtype) == (compared.max_ulps, compared.dtype)
        assert told.shape == list(compared.shape)
    assert sum(facts.histogram) == 4 * 8 * 16


def test_the_worst_tensors_come_first(read):
    ones = np.ones(2, np.float32)
    near, far = (compare(ones, ones + np.float32(step), EXACT) for step in (1e-6, 1e-3))
    passed = compare(ones, ones, EXACT)
    rows = {"same": passed, "near": near, "far": far, "gone": missing(ones)}
    report = ParityReport(tuple(Row("c", "outputs", name, one) for name, one in rows.items()))
    facts = read(report.to_json())
    assert [row.tensor for row in facts.rows] == ["gone", "far", "near", "same"]
    assert facts.rows[0].max_abs == math.inf
    assert not facts.passed


def test_a_comparison_without_histograms_is_read(read):
    values = report_data.make_report().to_json()
    for row in values["rows"]:
        del row["ulps_histogram"]
    facts = read(values)
    assert facts.histogram is None
    assert facts.rows[0].ulps_histogram is None


def test_a_comparison_of_an_earlier_version_is_read(read):
    values = report_data.make_report().to_json()
    for name in ("verdict", "conditional", "facts"):
        del values[name]
    for row in values["rows"]:
        del row["is_fact"], row["conditions"]
    values["not_compared"] = [{"case": "default", "reason": "it does not run"}]
    facts = read(values)
    assert facts.verdict == ("equal" if facts.passed else "differs")
    assert facts.not_compared == [NotCompared(text="default: it does not run", leaves_open=False)]


def test_histograms_of_different_lengths_are_added():
    assert add_histograms([[1, 2], None, [3], [0, 0, 5]]) == [4, 2, 5]
    assert add_histograms([None]) is None
    assert add_histograms([[]]) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shape", [-1]),
        ("max_ulps", 2**64),
        ("max_ulps", True),
        ("ulps_histogram", [1] * 66),
        ("ulps_histogram", [1.5]),
        ("max_rel", None),
        ("passed", "yes"),
        ("tensor", ["x"]),
        ("where", 3),
    ],
)
def test_a_row_with_another_type_is_damaged(read, name, value):
    values = report_data.make_report().to_json()
    values["rows"][1][name] = value
    with pytest.raises(DamagedError, match="it is damaged"):
        read(values)


@pytest.mark.parametrize("name", ["rows", "passed", "notes", "not_compared"])
def test_a_comparison_that_lacks_something_is_damaged(read, name):
    values = report_data.make_report().to_json()
    del values[name]
    with pytest.raises(DamagedError, match=f"object missing required field `{name}`"):
        read(values)
