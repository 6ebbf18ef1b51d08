"""The lines of Python that commands and cards show run as they stand, for every fixture."""

import os
import pathlib

import pytest
import tensorflow as tf

from converter.conversion.card import format_card
from converter.export import usage
from converter.export.record import read_record
from golden.converted_model import convert_golden

# Modules with inputs of formats or sizes of which a signature says nothing, and what TensorFlow
# says of an example.
NO_SUCH_INPUT = {
    "guards": "Dimensions must be equal",
    "layers_image_bytes": "Unknown image file format",
    "map_fn_images": "Unknown image file format",
    "ragged_both": "Could not find matching concrete function",
    "saved_model_keras": "Dimensions must be equal",  # Of its signature `train`.
    "sizes_in_constants": "must be evenly divisible",
    "sparse_input": "inner dimension does not match",
    "sparse_mixed": "Dimension 1 does not equal",
    "sparse_triplet": "is invalid",
    "tensor_array_concat_equal": "incompatible shape",
    "tensor_array_unwritten": "out of bounds",
}


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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
def test_examples_run(fixture_name, model):
    path, record = model
    if fixture_name in NO_SUCH_INPUT:
        calls = [usage.call_lines(record, name) for name in record.callables]
        with pytest.raises((tf.errors.OpError, ValueError), match=NO_SUCH_INPUT[fixture_name]):
            run(usage.load_lines(path), *calls)
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


def test_serialized_examples_have_the_features_that_they_must_have():
    path = convert_golden("saved_model_classify").path
    record = read_record(path)
    lines = usage.call_lines(record, "serving_default")
    assert "example.features.feature['x'].float_list.value.extend([0.0] * 3)" in lines
    outputs = run(usage.load_lines(path), lines)["outputs"]
    assert outputs["scores"].shape == (2, 3)
