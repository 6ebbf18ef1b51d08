"""The facts that are collected from a record, sound or damaged."""

import copy
import json

import pytest
import report_data

import converter
from converter.files.json_values import to_json_values
from converter.migration.collect.record_facts import read_record_facts
from converter.migration.collect.untrusted import DamagedError
from converter.page.details import Value


@pytest.fixture
def read(tmp_path):
    def call(record):
        (tmp_path / "conversion.json").write_text(json.dumps(record))
        return read_record_facts(tmp_path / "conversion.json")

    return call


def test_a_record_of_the_converter_is_read(golden_module, tmp_path):
    conversion = converter.convert(golden_module("text_embedding_oov"), tmp_path / "out")
    facts = read_record_facts(tmp_path / "out" / "assets.extra" / "conversion.json")
    assert facts.digest == conversion.record.source.digest
    assert [part.name for part in facts.callables] == ["default"]
    assert facts.callables[0].inputs == [
        Value(name="default", kind="dense", dtype="string", shape=[None])
    ]
    assert facts.variable_count == 3
    assert facts.variable_bytes == 4 * 5 * 6 * 3
    assert facts.variables_without_size == 0
    assert facts.assets == ["words.txt"]
    assert len(facts.tables) == 1
    assert facts.dropped[0].what == "placement"


def test_the_archive_is_named_that_held_the_module(read):
    record = report_data.make_record()
    assert read(record).archive == ""
    origin = {"name": "m.tar.gz", "digest": "e" * 64, "size_bytes": 7}
    record["source"] = {**record["source"], "origin": origin}
    assert read(record).archive == "m.tar.gz"


def test_sizes_are_added_where_they_are_known(read):
    record = report_data.make_record(0)
    shapes = {
        "float64": [3, 2],
        "bfloat16": [],
        "string": [4],
        "int8": None,
        "bool": [2**40, 2**40],
    }
    record["variables"] = [
        {"name": dtype, "dtype": dtype, "shape": shape, "trainable": False}
        for dtype, shape in shapes.items()
    ]
    facts = read(record)
    assert [variable.bytes for variable in facts.variables] == [48, 2, None, None, None]
    assert facts.variable_bytes == 50
    assert facts.variables_without_size == 3
    assert facts.trainable_count == 0


def test_another_object_is_damaged(read):
    with pytest.raises(DamagedError, match="it is damaged: object missing required field"):
        read({})


def _spoilt(value):
    """Every way to put something else in the place of one value."""
    if isinstance(value, dict):
        for name in value:
            for other in (None, 7, [], {}, "x", [[]]):
                yield {**value, name: other}
            for part in _spoilt(value[name]):
                yield {**value, name: part}
    elif isinstance(value, list) and value:
        for part in _spoilt(value[0]):
            yield [part, *value[1:]]
        yield [None]


def test_a_record_that_is_spoilt_anywhere_is_read_or_damaged(read):
    damaged = 0
    record = report_data.make_record()
    for spoilt in _spoilt(copy.deepcopy(record)):
        try:
            json.dumps(to_json_values(read(spoilt)), allow_nan=False)
        except DamagedError:
            damaged += 1
    assert damaged > 100
