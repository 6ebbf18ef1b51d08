"""The order of findings, and how they are described."""

import pytest

from converter.safety.findings import Finding, describe_place, describe_runs, sort_findings


def _finding(severity="high", **fields):
    return Finding(severity=severity, kind="runs code", op="PyFunc", reason="x", **fields)


def test_the_most_severe_come_first_and_others_keep_their_order():
    findings = [
        _finding(severity, node=str(i))
        for i, severity in enumerate(["low", "high", "info", "medium", "high"])
    ]
    assert [f.node for f in sort_findings(findings)] == ["1", "4", "3", "0", "2"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"node": "x"}, "{} > node x"),
        ({"graph": ("a", "b"), "function": "f", "node": "x"}, "{a, b} > function f > node x"),
        (
            {"within": ("d", "e"), "node": "x"},
            "{} > graph in node d > graph in node e > node x",
        ),
        ({"file": "keras_metadata.pb", "node": "root.layer"}, "node root.layer"),
        ({}, "{}"),
    ],
)
def test_places(fields, expected):
    assert describe_place(_finding(**fields)) == expected


def test_occasions():
    assert describe_runs(_finding(runs=("load", "call"))) == "runs at load, call"
    assert describe_runs(_finding()) == "nothing runs it"
