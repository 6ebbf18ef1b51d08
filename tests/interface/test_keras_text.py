"""A converted ELMo in Keras: gradients lead through its loops, into every trainable variable."""

import numpy as np
import pytest
import tensorflow as tf
from golden.golden_values import GOLDEN

import converter
from interface.test_keras_layer import keras_2

_BATCH = 4  # As many rows of state as the fixture carries from call to call.
_WORDS = ("the", "cat", "sat", "down", "zebras", "one", "more")


@pytest.fixture(scope="module")
def elmo(tmp_path_factory):
    path = tmp_path_factory.mktemp("elmo") / "model"
    converter.convert(GOLDEN / "elmo" / "module", path)
    return str(path)


def _make_data(count):
    """Sentences of three words, and whether the first of them is longer than three letters."""
    random = np.random.default_rng(3)
    words = random.choice(_WORDS, (count, 3))
    labels = np.array([len(first) > 3 for first, _, _ in words], np.float32)
    return tf.constant([" ".join(row) for row in words]), labels[:, np.newaxis]


def _make_model(elmo):
    import tensorflow_hub as hub

    keras_2().utils.set_random_seed(1)  # For the Dense layer.
    layer = hub.KerasLayer(elmo, trainable=True, input_shape=[], dtype=tf.string)
    return keras_2().Sequential([layer, keras_2().layers.Dense(1)]), layer


def test_the_loss_falls_and_every_trainable_variable_moves(elmo):
    sentences, labels = _make_data(_BATCH * 5)
    model, layer = _make_model(elmo)
    model.compile(
        keras_2().optimizers.Adam(0.02), keras_2().losses.BinaryCrossentropy(from_logits=True)
    )
    before = {v.name: v.numpy() for v in layer.trainable_weights}
    # Each epoch is five steps.
    losses = model.fit(sentences, labels, _BATCH, epochs=4, shuffle=False, verbose=0).history[
        "loss"
    ]
    assert losses[-1] < 0.95 * losses[0]
    assert len(before) == 25
    for variable in layer.trainable_weights:
        assert not np.array_equal(before[variable.name], variable.numpy()), variable.name


def test_every_trainable_variable_has_a_gradient(elmo):
    sentences, labels = _make_data(_BATCH)
    model, layer = _make_model(elmo)
    with tf.GradientTape() as tape:
        logits = model(sentences, training=True)
        loss = keras_2().losses.BinaryCrossentropy(from_logits=True)(labels, logits)
        loss += tf.add_n(layer.losses)
    assert len(layer.trainable_weights) == 25
    for variable, gradient in zip(
        layer.trainable_weights, tape.gradient(loss, layer.trainable_weights), strict=True
    ):
        assert gradient is not None, variable.name
        assert np.any(tf.convert_to_tensor(gradient).numpy()), variable.name


def test_state_moves_on_from_call_to_call(elmo):
    loaded = tf.saved_model.load(elmo)
    first = loaded(tf.constant(["the cat sat"] * _BATCH)).numpy()
    second = loaded(tf.constant(["the cat sat"] * _BATCH)).numpy()
    assert not np.allclose(first, second)
