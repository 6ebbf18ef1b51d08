"""SavedModels that somebody changed after a migration had written them."""

import os
import pathlib
import shutil

import pytest
from msgspec.structs import replace

from converter import errors
from converter.conversion.options import ConversionOptions
from converter.files.snapshot import take_snapshot
from converter.migration.convert_job import convert_job, inspect_job
from converter.migration.outcomes import Converted, Failed, UpToDate
from converter.migration.output_digests import OutputDigests
from converter.migration.written_output import check_unchanged, digest_output


@pytest.fixture
def job(tree, make_job):
    """A job whose module is converted, and which knows what was written."""
    tree({"a": "golden:half_plus_two"})
    made = make_job("a")
    return replace(made, written=convert_job(made).written)


def change_weights(directory):
    *_, path = sorted(directory.glob("variables/*.data-*"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def add_asset(directory):
    (directory / "assets").mkdir(exist_ok=True)
    (directory / "assets/new").write_text("x")


@pytest.mark.parametrize("change", [change_weights, add_asset])
@pytest.mark.parametrize("is_known", [True, False])
def test_what_was_changed_is_neither_up_to_date_nor_replaced(job, change, is_known):
    destination = pathlib.Path(job.destination)
    change(destination)
    changed = take_snapshot(destination)
    outcome = convert_job(job if is_known else replace(job, written=None))
    assert isinstance(outcome, Failed)
    assert outcome.error.kind == "DestinationError"
    words = "was changed after it was converted" if is_known else "not what its module converts to"
    assert words in outcome.error.text
    assert take_snapshot(destination) == changed
    if is_known:
        assert inspect_job(job).error == outcome.error


def test_what_was_changed_outlasts_a_change_of_the_module_and_of_options(job):
    change_weights(pathlib.Path(job.destination))
    verifying = replace(job, options=ConversionOptions(verify=True))
    assert isinstance(convert_job(verifying), Failed)
    pathlib.Path(job.source, "new").write_text("x")
    assert isinstance(convert_job(job), Failed)
    shutil.rmtree(job.destination)
    assert isinstance(convert_job(job), Converted)


def test_what_was_touched_or_copied_is_up_to_date_without_a_conversion(job, monkeypatch):
    for path in pathlib.Path(job.destination).rglob("*"):
        os.utime(path, (1, 1))
    pathlib.Path(job.destination, "assets.extra/README.md").write_text("A card.")
    monkeypatch.setattr("converter.migration.convert_job.convert_digested", None)
    outcome = convert_job(job)
    assert isinstance(outcome, UpToDate)
    assert outcome.written == job.written


def test_what_no_journal_knows_is_compared_with_a_new_conversion(job):
    unknown, destination = replace(job, written=None), pathlib.Path(job.destination)
    before = take_snapshot(destination)
    assert isinstance(convert_job(unknown), UpToDate)
    assert take_snapshot(destination) == before


def test_a_changed_record_is_written_anew(job):
    record = pathlib.Path(job.destination, "assets.extra/conversion.json")
    content = record.read_text()
    record.write_text(content.replace('"warnings": []', '"warnings": ["x"]'))
    assert record.read_text() != content
    assert isinstance(convert_job(job), Converted)
    assert record.read_text() == content


def test_what_is_damaged_beyond_use_is_made_anew(job):
    path = pathlib.Path(job.destination, "saved_model.pb")
    path.write_bytes(path.read_bytes()[:-1])
    outcome = convert_job(job)
    assert isinstance(outcome, Converted)
    assert outcome.written == job.written


def test_another_attempt_knows_nothing_of_what_the_first_has_written(job):
    assert job.again().written is None


def test_the_digests_say_which_of_them_changed(job):
    destination = pathlib.Path(job.destination)
    before = digest_output(destination)
    assert before == job.written
    (destination / "assets.extra/conversion.json").write_text("{}")
    assert digest_output(destination).model == before.model
    assert digest_output(destination).record != before.record
    add_asset(destination)
    assert digest_output(destination).model != before.model
    with pytest.raises(errors.DestinationError, match="was changed after it was converted"):
        check_unchanged(destination, before)
    check_unchanged(destination, None)
    check_unchanged(destination / "nowhere", OutputDigests(model="x", record="y"))
