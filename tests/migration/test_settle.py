"""What needs no converting."""

import dataclasses
import json
import pathlib

import pytest

from converter.migration.convert_job import convert_job
from converter.migration.outcomes import UpToDate
from converter.migration.settle import settle


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
    assert isinstance(settle(job), UpToDate)


@pytest.mark.parametrize(
    "changes",
    [
        {"converter": "0.0.1"},
        {"source": {"digest": "x"}},
        {"source": None},
        {"options": {"tags": ["train"]}},
        {"options": None},
    ],
)
def test_what_was_made_otherwise_is_not(job, changes):
    change(job, **changes)
    assert settle(job) is None


def test_what_was_not_verified_is_not_up_to_date_for_verify(job):
    assert settle(dataclasses.replace(job, verify=True)) is None
    change(job, parity={"passed": True, "tensors": 1, "bit_equal": 1, "worst_abs": 0.0,
                        "worst_rel": 0.0})  # fmt: skip
    assert isinstance(settle(dataclasses.replace(job, verify=True)), UpToDate)


def test_a_torn_output_is_not_up_to_date(job):
    pathlib.Path(job.destination, "saved_model.pb").unlink()
    assert settle(job) is None


def test_an_output_without_record_is_not_up_to_date(job):
    pathlib.Path(job.destination, "assets.extra/conversion.json").unlink()
    assert settle(job) is None
