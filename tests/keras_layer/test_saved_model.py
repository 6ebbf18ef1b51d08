"""The SavedModel is loaded into variables that exist, and XLA is judged by its graphs."""

import numpy as np
import pytest
import tensorflow as tf

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
