"""Keras 3's own layer for SavedModels, by its default endpoint and one for training."""

import numpy as np
import pytest
import tensorflow as tf
from golden.converted_model import convert_to_disk
from golden.golden_values import read_golden

from interface.test_bert_conventions import NAMES, token_calls
from interface.test_keras_layer import TENSORFLOW

if TENSORFLOW < (2, 16):
    pytest.skip("this TensorFlow comes with Keras 2", allow_module_level=True)

# Of an endpoint's own weights, on which no loss depends here.
pytestmark = pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
MOVING = "moving_"


@pytest.fixture(scope="module")
def image_model():
    return str(convert_to_disk("image_bn_dropout").path)


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    return random.random((32, 16, 16, 3), dtype=np.float32), random.integers(0, 4, 32)


def make_model(layer):
    import keras

    model = keras.Sequential([keras.Input((16, 16, 3)), layer, keras.layers.Dense(4)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.05), loss)
    return model


def fit_and_find_moved(layer, data):
    """Trains for an epoch; returns the names of the weights that have other values then."""
    before = {weight.path: weight.numpy() for weight in layer.weights}
    make_model(layer).fit(*data, batch_size=8, epochs=1, verbose=0)
    return {w.path for w in layer.weights if not np.array_equal(w.numpy(), before[w.path])}


def test_the_default_endpoint_is_the_module_s_inference_call(image_model, data):
    import keras

    layer = keras.layers.TFSMLayer(image_model)
    expected = tf.saved_model.load(image_model)(data[0])
    np.testing.assert_array_equal(layer(data[0]), expected)
    np.testing.assert_array_equal(layer(data[0], training=True), expected)
    other = layer(data[0], batch_norm_epsilon=0.5)
    assert not np.array_equal(other, expected)


def test_with_the_endpoint_for_training_update_ops_run(image_model, data):
    import keras

    layer = keras.layers.TFSMLayer(image_model, call_training_endpoint="serve_training")
    moved = fit_and_find_moved(layer, data)
    assert sum(MOVING in path for path in moved) == 4
    loaded = tf.saved_model.load(image_model)
    assert len(layer.trainable_weights) == len(loaded.trainable_variables)
    assert len(layer.weights) == len(loaded.variables)


def test_without_it_none_does(image_model, data):
    """The limit of the layer: it has no other way to know how to train."""
    import keras

    layer = keras.layers.TFSMLayer(image_model)
    moved = fit_and_find_moved(layer, data)
    assert moved
    assert not any(MOVING in path for path in moved)


def test_a_training_step_changes_what_that_of_the_module_changes(image_model, data):
    import keras

    layer = keras.layers.TFSMLayer(image_model, call_training_endpoint="serve_training")
    loaded = tf.saved_model.load(image_model)
    arguments = {"batch_norm_momentum": 0.25}
    layer(data[0], training=True, **arguments)
    loaded(data[0], training=True, **arguments)
    expected = {v.name.removesuffix(":0").replace("/", "_"): v.numpy() for v in loaded.variables}
    moving = {weight.name: weight.numpy() for weight in layer.weights if MOVING in weight.name}
    assert len(moving) == 4
    for name, value in moving.items():
        np.testing.assert_allclose(value, expected[name.removesuffix(":0")], rtol=1e-6)


def test_a_layer_that_is_not_trainable_has_no_trainable_weights(image_model):
    import keras

    layer = keras.layers.TFSMLayer(
        image_model, call_training_endpoint="serve_training", trainable=False
    )
    assert layer.trainable_weights == []


def test_losses_are_left_to_the_caller(image_model, data):
    """The limit of the layer, and what the documentation says instead."""
    import keras

    class Regularized(keras.layers.TFSMLayer):
        def call(self, inputs, training=False, **kwargs):
            for loss in self._reloaded_obj.regularization_losses:
                self.add_loss(loss())
            return super().call(inputs, training=training, **kwargs)

    loaded = tf.saved_model.load(image_model)
    expected = [loss().numpy() for loss in loaded.regularization_losses]
    plain = keras.layers.TFSMLayer(image_model, call_training_endpoint="serve_training")
    plain(data[0], training=True)
    assert plain.losses == []
    layer = Regularized(image_model, call_training_endpoint="serve_training")
    layer(data[0], training=True)
    np.testing.assert_allclose([float(loss) for loss in layer.losses], expected, rtol=1e-6)


def test_bert_with_tf2_s_names():
    import keras

    path = str(convert_to_disk("bert_tiny").path)
    (call,) = [call for call in token_calls("bert_tiny") if not call.tags]
    layer = keras.layers.TFSMLayer(path, call_training_endpoint="serve_training")
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in NAMES.values()}
    outputs = layer(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(outputs["pooled_output"]))
    data = {NAMES[name]: call.inputs[name] for name in NAMES}
    found = layer({name: tf.constant(value) for name, value in data.items()})
    for name, expected in call.outputs.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5)
    model.compile("sgd", "mse")
    before = [weight.numpy() for weight in layer.trainable_weights]
    model.fit(data, np.float32([[0], [1], [2]]), epochs=1, verbose=0)
    after = [weight.numpy() for weight in layer.trainable_weights]
    assert any(np.any(one != other) for one, other in zip(before, after, strict=True))


def test_no_endpoint_for_training_because_there_is_no_training_graph():
    import keras

    path = str(convert_to_disk("half_plus_two").path)
    assert keras.layers.TFSMLayer(path)(tf.constant([2.0])).numpy() == [3.0]
    with pytest.raises(ValueError, match="'serve_training' is neither"):
        keras.layers.TFSMLayer(path, call_training_endpoint="serve_training")


def test_no_endpoint_because_the_module_cannot_be_called():
    import keras

    path = str(convert_to_disk("language_model").path)
    with pytest.raises(ValueError, match="'serve' is neither"):
        keras.layers.TFSMLayer(path)
    layer = keras.layers.TFSMLayer(path, call_endpoint="tokenization")
    (call,) = [c for c in read_golden("language_model").calls if c.signature == "tokenization"]
    found = layer(tf.constant(call.inputs["text"]))
    np.testing.assert_array_equal(found["token_ids"], call.outputs["token_ids"])
