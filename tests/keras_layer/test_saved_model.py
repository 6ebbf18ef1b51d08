"""The SavedModel is loaded into variables that exist, and XLA is judged by its graphs."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

import converter
from converter.keras import ModuleLayer
from converter.keras.saved_model import can_compile, load_into


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("image_bn_dropout", True),
        ("text_embedding_oov", False),
        ("elmo", False),
        ("flow_iterated_inverse", False),
    ],
)
def test_xla_takes_neither_strings_nor_loops(converted, name, expected):
    loaded = tf.saved_model.load(converted(name))
    assert can_compile(loaded.__call__) == expected


def test_variables_are_those_that_exist(converted):
    path = converted("half_plus_two")
    values = {v.name.removesuffix(":0"): v.numpy() for v in tf.saved_model.load(path).variables}
    own = {name: tf.Variable(tf.zeros_like(value)) for name, value in values.items()}
    loaded = load_into(path, own)
    assert {id(variable) for variable in loaded.variables} == {id(v) for v in own.values()}
    for name, variable in own.items():
        np.testing.assert_array_equal(variable, values[name])
    before = loaded(tf.constant([2.0])).numpy()
    for variable in own.values():
        variable.assign(variable + 1.0)
    assert loaded(tf.constant([2.0])).numpy() != before


@pytest.mark.parametrize(
    "change", [lambda content: bytes([content[0] ^ 1]) + content[1:], lambda content: content[:-1]]
)
def test_damaged_weights_are_named(own, change):
    path = own("half_plus_two")
    (file,) = pathlib.Path(path, "variables").glob("*.data-00000-of-*")
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(converter.WeightsError, match="half_plus_two are damaged: ") as info:
        ModuleLayer(path)
    assert "function_node" not in info.value.message
    assert info.value.remedy == "Convert the module again."


@pytest.mark.parametrize(
    "name", ["saved_model.pb", "variables/variables.index", "variables/variables.data*"]
)
@pytest.mark.parametrize("is_gone", [True, False])
def test_damaged_files_are_named(own, name, is_gone):
    path = own("half_plus_two")
    for file in pathlib.Path(path).glob(name):
        content = file.read_bytes()
        file.unlink()
        if not is_gone:
            file.write_bytes(content[: len(content) // 2])
    with pytest.raises((converter.FormatError, converter.WeightsError)) as info:
        ModuleLayer(path)
    assert path in info.value.message
    assert "onvert the module again." in info.value.remedy
