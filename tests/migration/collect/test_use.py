"""The lines of Python that use a SavedModel, from a record that anybody may have written."""

import ast
import json
import pathlib

import pytest
import report_data

from converter.migration.collect.record_facts import read_record_facts
from converter.migration.collect.use import describe_use


@pytest.fixture
def describe(tmp_path):
    def call(record):
        place = tmp_path / "conversion.json"
        place.write_text(json.dumps(record))
        return describe_use(read_record_facts(place), pathlib.Path("/models/it's"))

    return call


def test_the_root_is_called_with_its_inputs_by_name(describe):
    assert describe(report_data.make_record()) == [
        "import tensorflow as tf", "", 'module = tf.saved_model.load("/models/it\'s")',
        "outputs = module({",
        "    'images': tf.zeros([2, 3]),",
        "    'ids': tf.sparse.from_dense(tf.zeros([2, 8])),",
        "})",
    ]  # fmt: skip


def test_without_a_root_the_first_callable_is_called(describe):
    lines = describe(report_data.make_record(callables=("tokens", "mlm"), root=None))
    assert "outputs = module.tokens({" in lines
    assert describe(report_data.make_record(callables=())) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda record: {**record, "callables": {"x; import os": record["callables"]["default"]}},
        lambda record: json.loads(json.dumps(record).replace("float32", "float32); evil(")),
    ],
)
def test_a_record_that_would_make_other_code_makes_none(describe, change):
    assert describe(change(report_data.make_record())) == []


def test_names_of_inputs_stay_texts(describe):
    record = json.loads(json.dumps(report_data.make_record()).replace("images", "'}); evil({'"))
    lines = describe(record)
    tree = ast.parse("\n".join(lines))
    assert len(tree.body) == 3


def test_serialized_examples_have_their_features_and_no_code(describe):
    record = report_data.make_record()
    feature = {"dtype": "int64); evil(", "count": 2}
    record["callables"]["default"]["inputs"] = {
        "x": {"kind": "dense", "dtype": "string", "shape": [None], "features": {"'a'": feature}}
    }
    assert describe(record)[3:] == [
        "example = tf.train.Example()",
        """example.features.feature["'a'"].float_list.value.extend([0.0] * 2)""",
        "outputs = module(tf.fill([2], example.SerializeToString()))",
    ]
