"""`tf.distribute.MirroredStrategy` over two logical CPUs, each of which has the same inputs."""

import keras
import tensorflow as tf

from consumers import keras_2, keras_3
from consumers.keras_models import check_fit, make_functional
from consumers.subject import check_gradients, check_outputs, plain_name, reset, total

_REPLICAS = ("CPU:0", "CPU:1")


def run(subject, folder):
    """Outputs and gradients of each of two replicas, which are logical CPUs."""
    del folder
    strategy = tf.distribute.MirroredStrategy(_REPLICAS)
    with strategy.scope():
        obj = tf.saved_model.load(subject.path)

    @tf.function
    def infer(inputs):
        return strategy.run(lambda: subject.named(obj(inputs, **subject.keywords())))

    for outputs in _results(strategy, infer(subject.inference.argument())):
        check_outputs(subject.inference, outputs)
    reset(subject, obj.variables)

    def differentiate(inputs):
        with tf.GradientTape() as tape:
            outputs = obj(inputs, **subject.keywords(training=True))
            loss = total(subject.named(outputs))
        variables = obj.trainable_variables
        pairs = zip(variables, tape.gradient(loss, variables), strict=True)
        return {plain_name(v.name): tf.convert_to_tensor(g) for v, g in pairs if g is not None}

    train = tf.function(lambda inputs: strategy.run(differentiate, (inputs,)))
    for gradients in _results(strategy, train(subject.training.argument())):
        check_gradients(subject.training, gradients)


def _results(strategy, outputs):
    """What each replica returned, by name."""
    parts = {name: strategy.experimental_local_results(v) for name, v in outputs.items()}
    return [{name: v[i] for name, v in parts.items()} for i in range(len(_REPLICAS))]


def fit_keras_2(subject, folder):
    """A step of both replicas together, in Keras 2."""
    del folder
    package = keras_2.keras_2()
    with tf.distribute.MirroredStrategy(_REPLICAS).scope():
        model = make_functional(package, subject, keras_2.make_layer(subject))
        check_fit(package, subject, model, copies=len(_REPLICAS))


def fit_keras_3(subject, folder):
    """A step of both replicas together, in Keras 3."""
    del folder
    with tf.distribute.MirroredStrategy(_REPLICAS).scope():
        model = make_functional(keras, subject, keras_3.make_layer(subject))
        check_fit(keras, subject, model, copies=len(_REPLICAS))


DISTRIBUTION = {
    "`MirroredStrategy.run`": run,
    "`MirroredStrategy`, `fit` with `hub.KerasLayer`": fit_keras_2,
    "`MirroredStrategy`, `fit` with `ModuleLayer`": fit_keras_3,
}
