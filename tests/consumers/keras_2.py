"""`hub.KerasLayer` in Keras 2: `tf_keras`, or `tf.keras` of TensorFlow 2.15."""

import pathlib
import shutil

from interface.test_keras_layer import keras_2

from consumers.keras_models import (
    check_fit,
    check_predictions,
    main_output,
    make_functional,
    make_sequential,
    predict,
)
from consumers.subject import check_outputs, reset


def make_layer(subject, path=None, **options):
    """The layer, which returns all outputs of the subject."""
    import tensorflow_hub as hub

    arguments = {"arguments": {"return_endpoints": True}} if subject.endpoints else {}
    return hub.KerasLayer(path or subject.path, trainable=True, **arguments, **options)


def functional(subject, folder):
    """A functional model: `predict` and `fit`."""
    del folder
    keras = keras_2()
    model = make_functional(keras, subject, make_layer(subject))
    check_predictions(subject, model)
    check_fit(keras, subject, model)


def sequential(subject, folder):
    """A sequential model of one output: `predict` and `fit`."""
    del folder
    keras, name = keras_2(), main_output(subject)
    key = {} if name == "default" else {"output_key": name}
    subject = subject.only(name)
    model = make_sequential(keras, subject, make_layer(subject, **key))
    check_predictions(subject, model)
    check_fit(keras, subject, model)


def _save_and_reload(subject, folder):
    """A functional model, saved as a SavedModel and loaded where the original is gone."""
    keras = keras_2()
    own = shutil.copytree(subject.path, pathlib.Path(folder) / "own")
    model = make_functional(keras, subject, make_layer(subject, str(own)))
    model.save(str(pathlib.Path(folder) / "saved"), save_format="tf")
    shutil.rmtree(own)
    keras.backend.clear_session()
    return keras.models.load_model(str(pathlib.Path(folder) / "saved"))


def saved(subject, folder):
    """The reloaded model computes the same."""
    model = _save_and_reload(subject, folder)
    check_predictions(subject, model)


def reloaded(subject, folder):
    """The reloaded model trains."""
    model = _save_and_reload(subject, folder)
    check_fit(keras_2(), subject, model)


def mixed_precision_32(subject, folder):
    """The same where the layer is told not to cast."""
    mixed_precision(subject, folder, dtype="float32")


def mixed_precision(subject, folder, **options):
    """Under the policy `mixed_bfloat16`."""
    del folder
    keras = keras_2()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = make_functional(keras, subject, make_layer(subject, **options))
        check_outputs(subject.inference, predict(subject, model))
        reset(subject, model.weights)
        check_fit(keras, subject, model)
    finally:
        keras.mixed_precision.set_global_policy("float32")


KERAS_2 = {
    "`hub.KerasLayer`, functional model": functional,
    "`hub.KerasLayer`, sequential model": sequential,
    "`hub.KerasLayer`, model saved and loaded": saved,
    "`hub.KerasLayer`, loaded model trains": reloaded,
    "`hub.KerasLayer`, mixed precision": mixed_precision,
    '`hub.KerasLayer(dtype="float32")`, mixed precision': mixed_precision_32,
}
