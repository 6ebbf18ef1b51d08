"""The lines of Python that a card shows for Keras run as they stand."""

import re

import pytest

import converter
from converter.export import usage
from converter.export.record import read_record
from converter.files.paths import as_path


@pytest.mark.parametrize("name", ["image_bn_dropout", "text_embedding_oov", "bert_tiny"])
@pytest.mark.parametrize(
    ("lines", "package"), [(usage.keras_2_lines, "tf_keras"), (usage.keras_3_lines, "keras")]
)
def test_a_model_is_made(name, lines, package, converted):
    keras, path = pytest.importorskip(package), converted(name)
    values = {}
    exec("\n".join(lines(read_record(as_path(path)), path)), values)
    assert isinstance(values["model"], keras.Model)
    assert values["layer"] in values["model"].layers
    assert values["model"].trainable_weights


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
@pytest.mark.parametrize(
    "name", ["image_bn_variants", "text_embedding_oov", "bert_tiny", "elmo", "gan_truncation"]
)
def test_all_code_of_a_card_runs(name, converted, monkeypatch):
    for package in ("keras", "tf_keras"):
        pytest.importorskip(package)
    path = as_path(converted(name))
    monkeypatch.chdir(path.parent)
    blocks = re.findall("```python\n(.*?)```", converter.card(path), re.DOTALL)
    assert len(blocks) == 4  # A call, a step of training, Keras 3 and Keras 2.
    values = {}
    for block in blocks:
        exec(block, values)
        if "model" in values:
            outputs = values["model"](values["inputs"])
            assert outputs is not None
            assert values["model"].trainable_weights


def test_a_module_without_a_batch_is_no_layer(converted):
    path = converted("no_variables")
    record = read_record(as_path(path))
    inputs = [value.shape for part in record.callables.values() for value in part.inputs.values()]
    found = usage.keras_3_lines(record, path)
    assert (found is None) == any(not shape or shape[0] is not None for shape in inputs)
