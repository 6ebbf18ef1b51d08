"""The lines of Python that commands and cards show run as they stand, for every fixture."""

import os
import pathlib

import pytest
import tensorflow as tf

from converter.conversion.card import format_card
from converter.export import usage
from converter.export.record import read_record
from golden.converted_model import convert_golden

# Modules that no made-up input suits, and what TensorFlow says of it.
NO_SUCH_INPUT = {}


@pytest.fixture
def model(fixture_name, monkeypatch):
    """The path of a converted fixture, relative to the working directory; and its record."""
    path = convert_golden(fixture_name).path
    monkeypatch.chdir(path.parent)
    return path.name, read_record(pathlib.Path(path.name))


def run(*parts):
    values = {}
    exec("\n".join(line for lines in parts for line in lines), values)
    return values


@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
def test_examples_run(fixture_name, model):
    path, record = model
    if fixture_name in NO_SUCH_INPUT:
        with pytest.raises(tf.errors.OpError, match=NO_SUCH_INPUT[fixture_name]):
            for name in record.callables:
                run(usage.load_lines(path), usage.call_lines(record, name))
        return
    for name, part in record.callables.items():
        outputs = run(usage.load_lines(path), usage.call_lines(record, name))["outputs"]
        assert isinstance(outputs, dict) != usage.returns_tensor(part)
        if not usage.returns_tensor(part):
            assert set(outputs) == set(part.outputs)
        if usage.can_train(record, name):
            done = run(usage.load_lines(path), usage.training_lines(record, name))
            assert done["variables"]


def test_cards_have_lines_that_run(model):
    path, record = model
    text = format_card(record, path)
    blocks = text.split("```python\n")[1:]
    for block in blocks:
        compile(block.partition("```")[0], "card", "exec")
    assert ("## Use" in text) == bool(record.callables)
    assert os.path.exists(path)
