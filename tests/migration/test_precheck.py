"""Modules that need no converting."""

import json
import pathlib

import pytest
from msgspec.structs import replace

from converter.conversion.options import ConversionOptions
from converter.files.source_files import digest
from converter.migration import precheck as precheck_module
from converter.migration.convert_job import convert_job
from converter.migration.outcomes import Converted, Failed, NotLegacy, UpToDate
from converter.migration.precheck import Precheck
from converter.migration.written_output import digest_output
from converter.sources import source as source_module
from converter.sources.registry import open_source


def precheck(job):
    """Of a job that knows what is at its destination, as the journal would have it."""
    directory = pathlib.Path(job.destination)
    return check(replace(job, written=digest_output(directory)))


def check(job):
    with open_source(job.source) as source:
        return precheck_module.precheck(job, source)


@pytest.fixture
def job(tree, make_job):
    tree({"a": "golden:half_plus_two"})
    made = make_job("a")
    convert_job(made)
    return made


def change(job, **changes):
    path = pathlib.Path(job.destination, "assets.extra/conversion.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_was_converted_is_up_to_date(job):
    assert isinstance(precheck(job).outcome, UpToDate)


def test_what_was_changed_since_or_may_have_been_is_not(job):
    known = replace(job, written=digest_output(pathlib.Path(job.destination)))
    assert not check(known).is_unproven
    change(job, warnings=["none"])  # The record alone.
    assert (check(known).outcome, check(known).is_unproven) == (None, False)
    assert (check(job).outcome, check(job).is_unproven) == (None, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"converter": "0.0.1"},
        {"source": {"digest": "x"}},
        {"source": None},
        {"options": {"tags": ["train"]}},
        {"options": None},
        {"options": {}},
    ],
)
def test_what_was_made_otherwise_is_not(job, changes):
    change(job, **changes)
    assert precheck(job).outcome is None


@pytest.mark.parametrize(
    "changes", [{"tags": ()}, {"training_tags": ()}, {"call_signature": "default"}]
)
def test_what_was_made_with_other_options_is_not(job, changes):
    other = replace(job, options=ConversionOptions(**changes))
    assert precheck(other).outcome is None
    assert isinstance(convert_job(other), Converted)
    assert isinstance(precheck(other).outcome, UpToDate)
    assert precheck(job).outcome is None


def test_what_was_not_verified_is_not_up_to_date_for_verify(job):
    assert precheck(replace(job, options=ConversionOptions(verify=True))) == Precheck()
    change(job, parity={
        "verdict": "equal", "passed": True, "tensors": 1, "bit_equal": 1, "conditional": 0,
        "facts": 0, "worst_abs": 0.0, "worst_rel": 0.0, "random_ops": {}, "not_compared": [],
        "remedies": [],
    })  # fmt: skip
    assert isinstance(
        precheck(replace(job, options=ConversionOptions(verify=True))).outcome, UpToDate
    )


def test_a_torn_output_is_not_up_to_date(job):
    pathlib.Path(job.destination, "saved_model.pb").unlink()
    assert precheck(job).outcome is None


def test_an_output_without_record_is_not_up_to_date(job):
    pathlib.Path(job.destination, "assets.extra/conversion.json").unlink()
    assert precheck(job) == Precheck()


def test_the_source_is_read_only_where_its_digest_decides(job, monkeypatch):
    actual = digest(pathlib.Path(job.source))
    assert precheck(job).source_digest == actual
    pathlib.Path(job.source, "new").write_text("x")
    changed = precheck(job)
    assert changed.outcome is None
    assert changed.source_digest == digest(pathlib.Path(job.source)) != actual
    monkeypatch.setattr(source_module, "digest", None)
    assert precheck(replace(job, options=ConversionOptions(verify=True))) == Precheck()
    assert precheck(replace(job, destination=job.destination + "2")) == Precheck()


def test_a_source_that_is_not_there_is_not_the_module_s_fault(job):
    outcome = convert_job(replace(job, source="/nowhere/a"))
    assert isinstance(outcome, Failed)
    assert outcome.error.kind == "SourceMissing"
    assert "/nowhere/a does not exist" in outcome.error.text


def test_what_is_tf2_is_not_legacy(job):
    assert isinstance(precheck(replace(job, source=job.destination)).outcome, NotLegacy)


def test_what_was_not_compared_is_compared_again_if_one_asks(job):
    parity = {
        "passed": False, "tensors": 1, "bit_equal": 1, "conditional": 0, "facts": 0,
        "worst_abs": 0.0, "worst_rel": 0.0, "random_ops": {}, "not_compared": ["gradients"],
    }  # fmt: skip
    verifying = replace(job, options=ConversionOptions(verify=True))
    for verdict, is_again in (("not compared", True), ("equal", False)):
        change(job, parity={**parity, "verdict": verdict, "passed": verdict == "equal"})
        assert isinstance(precheck(verifying).outcome, UpToDate)
        again = replace(verifying, retries_open=True)
        assert (precheck(again).outcome is None) == is_again
        assert isinstance(precheck(replace(job, retries_open=True)).outcome, UpToDate)
