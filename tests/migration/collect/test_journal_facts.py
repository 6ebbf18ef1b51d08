"""The facts that are collected from the journal's entries and runs, whatever they hold."""

import dataclasses
import json

import msgspec
import pytest
import report_data

from converter.migration.collect.journal_facts import (
    describe_entry,
    describe_run,
    describe_unfinished,
)
from converter.migration.journal import read_journal
from converter.migration.outcomes import OUTCOME_NAMES, UpToDate
from converter.page.document import ModuleFacts


@pytest.fixture
def history(root):
    return read_journal(root)


def test_every_outcome_is_described(history):
    described = [describe_entry(entry) for entry in history.entries.values()]
    assert {facts.outcome for facts in described} == {*OUTCOME_NAMES.values()} - {"up_to_date"}


def test_facts_of_an_outcome(history):
    facts = describe_entry(history.entries["text/queue"])
    assert facts.error.node == "queue/dequeue"
    assert facts.error.remedy == "Import its package."
    assert (facts.seconds, facts.attempts, facts.worker) == (2.5, 1, "host:7")
    assert facts.finished == report_data.BEGAN + 60
    assert facts.parity is None
    facts = describe_entry(history.entries["image/resnet"])
    assert facts.destination_bytes == 4096
    assert facts.parity.passed is True
    assert facts.error is None
    assert describe_entry(history.entries["new/tf2"]).explanation == "It is TF2."
    assert describe_entry(history.entries["image/slow"]).limit_secs == 3600.0


def test_up_to_date_is_described_as_converted_is(history):
    entry = history.entries["image/resnet"]
    outcome = UpToDate(**msgspec.structs.asdict(entry.outcome))
    other = msgspec.structs.replace(entry, outcome=outcome)
    assert describe_entry(other) == msgspec.structs.replace(
        describe_entry(entry), outcome="up_to_date"
    )


def test_a_module_without_outcome_is_unfinished():
    assert describe_unfinished("a") == ModuleFacts(path="a", outcome="unfinished")


def test_a_run_tells_what_the_user_asked_for(history):
    run = describe_run(history.runs[0])
    assert run.options == [
        "verify", "workers: 2", "globs: include a*", "timeout_secs: 3600.0"
    ]  # fmt: skip
    assert (run.started, run.seconds, run.end) == (report_data.BEGAN, 90, "interrupted")
    assert run.counts == {"converted": 8}


def test_a_run_that_did_not_end_by_itself_is_open(history):
    run = dataclasses.replace(history.runs[0], finished=None)
    assert describe_run(run).end == "open"
    assert describe_run(run).counts == {}


def test_options_are_short_however_deep_they_are(history):
    run = history.runs[0]
    deep = json.loads("[" * 300 + "]" * 300)
    options = {"deep": deep, "long": "x" * 1000, "list": ["a", {"b": [1]}]}
    started = msgspec.structs.replace(run.started, options=options)
    found = describe_run(dataclasses.replace(run, started=started)).options
    assert found == ["long: " + "x" * 94 + "…", "list: a b 1"]
