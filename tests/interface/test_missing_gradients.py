"""Ops without a gradient leave alone what can be trained, through the doors that users use."""

import json

import numpy as np
import pytest
import tensorflow as tf
from golden.golden_values import GOLDEN

import converter

_FIXTURE = GOLDEN / "gradient_missing"


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = tmp_path_factory.mktemp("missing") / "result"
    converter.convert(_FIXTURE / "module", path)
    return path


@pytest.fixture(scope="module")
def call():
    """An input of signature `default`, and its gradients in TensorFlow 1.15."""
    golden = json.loads((_FIXTURE / "golden.json").read_text())
    (found,) = [call for call in golden["calls"] if call["signature"] == "default"]
    arrays = np.load(_FIXTURE / "golden.npz")
    gradients = {name: arrays[value["npz"]] for name, value in found["gradients"].items()}
    return arrays[found["inputs"]["default"]["npz"]], gradients


def _gradients(module, call, loss):
    def run():
        with tf.GradientTape() as tape:
            total = loss(call)
        found = tape.gradient(total, module.trainable_variables)
        return {v.name: g for v, g in zip(module.trainable_variables, found, strict=True)}

    return tf.function(run, autograph=False)()


@pytest.mark.parametrize("saved_again", [False, True])
def test_features_train_although_a_preview_of_them_cannot(result, call, saved_again, tmp_path):
    module = tf.saved_model.load(str(result))
    if saved_again:
        tf.saved_model.save(module, str(tmp_path / "again"))
        module = tf.saved_model.load(str(tmp_path / "again"))
    images, expected = call
    found = {
        key: _gradients(module, of, lambda of: tf.reduce_sum(of(images)))
        if key == "default"
        else _gradients(module, of, lambda of: tf.reduce_sum(of(images)["features"]))
        for key, of in (("default", module), ("both", module.both))
    }
    for name, gradient in found["default"].items():
        np.testing.assert_array_equal(gradient, found["both"][name])
    assert len(expected) == 4
    assert {name.removesuffix(":0") for name in found["default"]} == set(expected)


def test_the_preview_itself_cannot(result, call):
    module = tf.saved_model.load(str(result))
    problem = r"No gradient defined .*AdjustSaturation"
    with pytest.raises(tf.errors.InvalidArgumentError, match=problem):
        _gradients(module, module.both, lambda of: tf.reduce_sum(of(call[0])["preview"]))


def test_keras_3_trains_what_it_preprocesses(result, call):
    keras = pytest.importorskip("keras", "3")
    from converter.keras import ModuleLayer

    layer = ModuleLayer(result, trainable=True)
    model = keras.Sequential([keras.Input((6, 6, 3)), layer])
    before = {w.path: np.array(w) for w in layer.trainable_weights}
    model.compile("sgd", "mse")
    model.fit(call[0], np.ones((8, 4), np.float32), verbose=0)
    changed = {w.path for w in layer.trainable_weights if np.any(np.array(w) != before[w.path])}
    assert len(before) == 4
    assert changed == set(before)
