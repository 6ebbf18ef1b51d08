"""The converted image module in Keras, as users of TF Hub train it."""

import warnings

import numpy as np
import pytest
import tensorflow as tf
from golden.golden_values import GOLDEN

import converter

TENSORFLOW = tuple(int(part) for part in tf.__version__.split(".")[:2])


def keras_2():
    """Keras 2, from where tensorflow_hub takes it."""
    if TENSORFLOW < (2, 16):
        return tf.keras
    import tf_keras

    return tf_keras


@pytest.fixture(scope="module")
def image_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "model"
    converter.convert(GOLDEN / "image_bn_dropout" / "module", path)
    return str(path)


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    images = random.random((32, 16, 16, 3), dtype=np.float32)
    return images, random.integers(0, 4, 32)


def keras_model(layer):
    return keras_2().Sequential([keras_2().Input((16, 16, 3)), layer, keras_2().layers.Dense(4)])


def fit(model, data, epochs=2):
    model.compile(
        keras_2().optimizers.SGD(0.05),
        keras_2().losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model.fit(*data, batch_size=8, epochs=epochs, verbose=0)


def test_fit_moves_weights_and_moving_averages(image_model, data, caplog):
    import tensorflow_hub as hub

    layer = hub.KerasLayer(image_model, trainable=True)
    model = keras_model(layer)
    before = {v.name: v.numpy() for v in layer.weights}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = fit(model, data)
    after = {v.name: v.numpy() for v in layer.weights}
    assert len(layer.trainable_weights) == 8
    assert sum("moving" in name for name in before) == 4
    still = {name for name, value in before.items() if np.array_equal(value, after[name])}
    # An endpoint's own, of which no loss depends on these: Keras says so.
    assert still == {"TinyNet/Logits/biases:0", "TinyNet/Logits/weights:0"}
    assert history.history["loss"][1] < history.history["loss"][0]
    remarks = [str(w.message) for w in caught] + [r.getMessage() for r in caplog.records]
    (remark,) = {remark for remark in remarks if "Gradients do not exist" in remark}
    assert all(name in remark for name in still)
    assert "Conv2d" not in remark


def test_regularization_losses_count(image_model, data):
    import tensorflow_hub as hub

    layer = hub.KerasLayer(image_model, trainable=True)
    model = keras_model(layer)
    loaded = tf.saved_model.load(image_model)
    expected = [loss().numpy() for loss in loaded.regularization_losses]
    assert len(expected) > 0
    np.testing.assert_allclose([loss.numpy() for loss in layer.losses], expected, rtol=1e-6)
    model.compile("sgd", keras_2().losses.SparseCategoricalCrossentropy(from_logits=True))
    total = model.evaluate(*data, verbose=0)
    logits = model.predict(data[0], verbose=0)
    plain = keras_2().losses.SparseCategoricalCrossentropy(from_logits=True)(data[1], logits)
    assert total == pytest.approx(float(plain) + sum(expected), rel=1e-5)


def test_a_frozen_layer_trains_nothing(image_model, data):
    import tensorflow_hub as hub

    layer = hub.KerasLayer(image_model, trainable=False)
    model = keras_model(layer)
    before = [v.numpy() for v in layer.weights]
    fit(model, data, epochs=1)
    for value, variable in zip(before, layer.weights, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_arguments_set_the_momentum(image_model, data, momentum):
    import tensorflow_hub as hub

    layer = hub.KerasLayer(image_model, trainable=True, arguments={"batch_norm_momentum": momentum})
    reference = hub.KerasLayer(image_model, trainable=True, arguments={"batch_norm_momentum": 0.0})
    name = "TinyNet/Conv2d_1a_3x3/BatchNorm/moving_mean:0"

    def step(one):
        variable = next(v for v in one.weights if v.name == name)
        old = variable.numpy()
        one(tf.constant(data[0][:8]), training=True)
        return old, variable.numpy()

    old, new = step(layer)
    _, batch_mean = step(reference)
    np.testing.assert_allclose(new, momentum * old + (1 - momentum) * batch_mean, rtol=1e-5)


@pytest.mark.skipif(TENSORFLOW < (2, 16), reason="this TensorFlow comes with Keras 2")
def test_keras_3_takes_it_as_a_layer(image_model, data):
    import keras

    layer = keras.layers.TFSMLayer(image_model, call_endpoint="__call__")
    loaded = tf.saved_model.load(image_model)
    np.testing.assert_allclose(layer(data[0]), loaded(data[0]), rtol=1e-6)


def test_a_gradient_of_a_gradient_exists(image_model, data):
    loaded = tf.saved_model.load(image_model)
    images = tf.constant(data[0][:4])
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(images)
        with tf.GradientTape() as inner:
            inner.watch(images)
            total = tf.reduce_sum(loaded(images) ** 2)
        gradient = inner.gradient(total, images)
        norm = tf.reduce_sum(gradient**2)
    assert np.any(outer.gradient(norm, images).numpy())


def test_the_session_loader_computes_the_same(image_model, data):
    loaded = tf.saved_model.load(image_model)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], image_model)
        signature = meta_graph.signature_def["serving_default"]
        found = session.run(
            signature.outputs["default"].name, {signature.inputs["images"].name: data[0]}
        )
    np.testing.assert_allclose(found, loaded(data[0]), rtol=1e-5)
