"""Outcomes survive JSON and pickle, whichever they are."""

import json
import math
import pickle
import typing

import msgspec
import pytest

from converter import errors
from converter.files.json_values import to_json_values
from converter.migration import outcomes
from converter.migration.outcomes import (
    Converted,
    Crashed,
    ErrorInfo,
    Failed,
    NotLegacy,
    ParitySummary,
    Reason,
    Refused,
    TimedOut,
    UpToDate,
)

WHERE = {"path": "a/b", "source": "/src/a/b", "destination": "/dst/a/b"}
RAN = {
    **WHERE,
    "seconds": 1.5,
    "attempts": 2,
    "started": 1e9,
    "worker": "host:1",
    "source_digest": "ab",
    "source_bytes": 7,
    "warnings": ("Careful.", "Very."),
}
ERROR = ErrorInfo(kind="WeightsError", message="no é", node="n", remedy="Look.", details="tb\n")
PARITY = ParitySummary(
    verdict="not compared", passed=False, tensors=3, bit_equal=2, worst_abs=math.inf,
    worst_rel=1e-7, conditional=1, facts=4, not_compared=("all of x: it does not run",),
)  # fmt: skip
OUTPUT = {"destination_bytes": 9, "record": "/dst/a/b/assets.extra/conversion.json"}
EXAMPLES = [
    Converted(**RAN, **OUTPUT, parity=PARITY, parity_report="/dst/.tf1hub/parity/a/b.json"),
    Converted(**WHERE, **OUTPUT),
    UpToDate(**RAN, **OUTPUT, parity=PARITY),
    NotLegacy(**WHERE, reason=Reason.TF2, explanation="It is a TF2 SavedModel already."),
    Refused(**RAN, error=ERROR),
    Failed(**RAN, error=ErrorInfo(kind="KeyError", message="'x'")),
    TimedOut(**RAN, error=ERROR, limit_secs=2.0),
    Crashed(**RAN, error=ERROR, exit_status=-11),
    Crashed(**RAN, error=ERROR, memory_bytes=1 << 33),
]


@pytest.mark.parametrize("outcome", EXAMPLES, ids=lambda outcome: type(outcome).__name__)
def test_an_outcome_survives(outcome):
    assert pickle.loads(pickle.dumps(outcome)) == outcome
    text = json.dumps(to_json_values(outcome), allow_nan=False)
    assert msgspec.convert(json.loads(text), outcomes.Outcome) == outcome


def test_the_union_is_closed():
    union = set(typing.get_args(outcomes.Outcome))
    assert union == set(outcomes.OUTCOME_NAMES) == {type(example) for example in EXAMPLES}
    assert set(typing.get_args(outcomes.Unsuccessful)) == set(outcomes.UNSUCCESSFUL)


def test_fields_of_a_later_version_are_ignored():
    values = {**to_json_values(EXAMPLES[4]), "mood": "good"}
    assert msgspec.convert(values, outcomes.Outcome) == EXAMPLES[4]


@pytest.mark.parametrize("values", [{}, {"outcome": "won"}, {"outcome": "refused"}])
def test_what_is_no_outcome_is_an_error(values):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(values, outcomes.Outcome)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": "long"}, {"seconds": math.nan}, {"seconds": math.inf}, {"worker": 7},
        {"warnings": [1]}, {"attempts": -1}, {"attempts": 2**63}, {"source_bytes": 1.5},
        {"source": None}, {"started": [1]}, {"error": {"kind": "x"}},
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_an_error(wrong):
    values = {**to_json_values(EXAMPLES[4]), **wrong}
    with pytest.raises(msgspec.ValidationError, match=next(iter(wrong))):
        msgspec.convert(values, outcomes.Outcome)


def test_an_error_is_described():
    error = errors.UnsupportedOpError("no such op: 'X'", node="a/b", remedy="Import it.")
    info = ErrorInfo.of(error)
    assert info == ErrorInfo(
        kind="UnsupportedOpError", message="no such op: 'X'", node="a/b", remedy="Import it."
    )
    assert info.text == str(error)
    assert ErrorInfo.of(ValueError("two\nlines"), "tb").message == "two"


def test_a_comparison_of_an_earlier_version_knew_two_verdicts():
    values = {"passed": True, "tensors": 3, "bit_equal": 2, "worst_abs": 0.0, "worst_rel": "inf"}
    summary = msgspec.convert(values, ParitySummary)
    assert (summary.verdict, summary.worst_rel) == ("equal", math.inf)
    summary = msgspec.convert({**values, "passed": False}, ParitySummary)
    assert summary.verdict == "differs"
