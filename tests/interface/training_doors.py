"""Ways of training a converted module on the batches of `legacy_fixtures/training.py`.

Each returns the values of all variables that it knows afterwards, by TF1 name.
"""

import numpy as np
import tensorflow as tf

from interface.test_keras_layer import keras_2


def _tensors(training):
    """All batches, one after the other: inputs by name, and targets."""
    inputs = {
        name: tf.constant(np.concatenate([batch[name] for batch, _ in training.batches]))
        for name in training.batches[0][0]
    }
    return inputs, np.concatenate([targets for _, targets in training.batches])


def train_in_a_loop(path, training):
    obj = tf.saved_model.load(path)
    piece = getattr(obj, training.signature)
    keywords = {"training": True} if training.tags else {}
    steps = [training.batches[i % len(training.batches)] for i in range(training.steps)]
    for inputs, targets in steps:
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        with tf.GradientTape() as tape:
            given = tensors if len(tensors) > 1 else next(iter(tensors.values()))
            outputs = piece(given, **keywords)
            output = outputs[training.output] if isinstance(outputs, dict) else outputs
            loss = tf.reduce_mean(tf.square(output - targets))
            loss = tf.add_n([loss, *(loss() for loss in piece.regularization_losses)])
        gradients = tape.gradient(loss, piece.trainable_variables)
        for variable, gradient in zip(piece.trainable_variables, gradients, strict=True):
            if isinstance(gradient, tf.IndexedSlices):
                variable.scatter_sub(
                    tf.IndexedSlices(training.learning_rate * gradient.values, gradient.indices)
                )
            elif gradient is not None:
                variable.assign_sub(training.learning_rate * gradient)
    return {v.name.removesuffix(":0"): v.numpy() for v in piece.variables}


def train_in_keras_2(path, training):
    import tensorflow_hub as hub

    key = {} if training.output == "default" else {"output_key": training.output}
    layer = hub.KerasLayer(path, trainable=True, **key)
    _fit(keras_2(), layer, training)
    return {v.name.removesuffix(":0"): v.numpy() for v in layer.weights}


def train_in_keras_3(path, training):
    import keras

    from converter.keras import ModuleLayer

    layer = ModuleLayer(path, output_key=training.output)
    _fit(keras, layer, training)
    return {v.name: v.numpy() for v in layer.weights}


def _fit(keras, layer, training):
    inputs, targets = _tensors(training)
    symbols = {
        name: keras.Input(value.shape[1:], dtype=value.dtype.name, name=name)
        for name, value in inputs.items()
    }
    several = len(inputs) > 1
    symbol = symbols if several else next(iter(symbols.values()))
    model = keras.Model(symbol, layer(symbol))
    model.compile(keras.optimizers.SGD(training.learning_rate), "mse")
    model.fit(
        inputs if several else next(iter(inputs.values())),
        targets,
        batch_size=len(training.batches[0][1]),
        epochs=training.steps // len(training.batches),
        shuffle=False,
        verbose=0,
    )


DOORS = {
    "loop": train_in_a_loop,
    "hub.KerasLayer": train_in_keras_2,
    "ModuleLayer": train_in_keras_3,
}


def worst_difference(found, expected):
    """The largest difference of a variable's values, relative to the largest of them.

    It is NaN if one of them is.
    """
    return np.max(
        [
            np.max(np.abs(value - expected[name])) / np.max(np.abs(expected[name]))
            for name, value in found.items()
        ]
    )
