"""What is told of the journal's entries and runs, whatever they hold."""

import dataclasses
import json

import pytest
import report_data

from converter.migration.journal import read_journal
from converter.migration.outcomes import OUTCOME_NAMES, UpToDate
from converter.page.journal_facts import (
    UNFINISHED,
    describe_damaged,
    describe_entry,
    describe_run,
)
from converter.page.untrusted import DamagedError


@pytest.fixture
def history(root):
    return read_journal(root)


def test_every_outcome_has_the_same_facts(history):
    described = [describe_entry(entry) for entry in history.entries.values()]
    assert {facts["outcome"] for facts in described} == {*OUTCOME_NAMES.values()} - {"up_to_date"}
    for facts in described:
        assert list(facts) == list(described[0])
        json.dumps(facts, allow_nan=False)


def test_facts_of_an_outcome(history):
    facts = describe_entry(history.entries["text/queue"])
    assert facts["error"]["node"] == "queue/dequeue"
    assert facts["error"]["remedy"] == "Import its package."
    assert (facts["seconds"], facts["attempts"], facts["worker"]) == (2.5, 1, "host:7")
    assert facts["finished"] == report_data.BEGAN + 60
    assert facts["parity"] is None
    facts = describe_entry(history.entries["image/resnet"])
    assert facts["destination_bytes"] == 4096
    assert facts["parity"]["passed"] is True
    assert facts["error"] is None
    assert describe_entry(history.entries["new/tf2"])["explanation"] == "It is TF2."
    assert describe_entry(history.entries["image/slow"])["limit_secs"] == 3600.0


def test_up_to_date_is_told_as_converted_is(history):
    entry = history.entries["image/resnet"]
    values = {f.name: getattr(entry.outcome, f.name) for f in dataclasses.fields(UpToDate)}
    other = dataclasses.replace(entry, outcome=UpToDate(**values))
    assert describe_entry(other) == {**describe_entry(entry), "outcome": "up_to_date"}


def test_a_damaged_entry_has_the_same_names(history):
    assert set(describe_damaged("a", UNFINISHED)) == set(
        describe_entry(history.entries["text/queue"])
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": "long"}, {"seconds": float("nan")}, {"worker": 7}, {"warnings": (1,)},
        {"attempts": -1}, {"source_bytes": 1.5}, {"source": None}, {"started": [1]},
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_damaged(history, wrong):
    entry = history.entries["text/queue"]
    broken = dataclasses.replace(entry, outcome=dataclasses.replace(entry.outcome, **wrong))
    with pytest.raises(DamagedError):
        describe_entry(broken)


def test_a_run_tells_what_the_user_asked_for(history):
    run = describe_run(history.runs[0])
    assert run["options"] == [
        "verify", "workers: 2", "globs: include a*", "timeout_secs: 3600.0"
    ]  # fmt: skip
    assert (run["started"], run["seconds"], run["end"]) == (report_data.BEGAN, 90, "interrupted")
    assert run["counts"] == {"converted": 8}


def test_a_run_that_did_not_end_by_itself_is_open(history):
    run = dataclasses.replace(history.runs[0], finished=None)
    assert describe_run(run)["end"] == "open"
    assert describe_run(run)["counts"] == {}


@pytest.mark.parametrize(
    "wrong", [{"time": "now"}, {"options": []}, {"converter": None}, {"source_root": 3}]
)
def test_a_run_with_a_value_of_another_type_is_damaged(history, wrong):
    run = history.runs[0]
    with pytest.raises(DamagedError):
        describe_run(dataclasses.replace(run, started=dataclasses.replace(run.started, **wrong)))


def test_options_are_short_however_deep_they_are(history):
    run = history.runs[0]
    deep = json.loads("[" * 300 + "]" * 300)
    options = {"deep": deep, "long": "x" * 1000, "list": ["a", {"b": [1]}]}
    started = dataclasses.replace(run.started, options=options)
    found = describe_run(dataclasses.replace(run, started=started))["options"]
    assert found == ["long: " + "x" * 94 + "…", "list: a b 1"]
