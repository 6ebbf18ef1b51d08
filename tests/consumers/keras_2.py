"""`hub.KerasLayer` in Keras 2: `tf_keras`, or `tf.keras` of TensorFlow 2.15."""

import pathlib
import shutil
import tempfile

from interface.test_keras_layer import keras_2

from consumers.keras_models import (
    check_fit,
    check_predictions,
    make_functional,
    make_sequential,
    predict,
    with_one_output,
)
from consumers.subject import check_outputs, reset

# What is saved once for two cells, by the path of its SavedModel.
_SAVED = {}
_SCRATCH = tempfile.TemporaryDirectory(prefix="consumers_")


def make_layer(subject, path=None, output_key=None, **options):
    """The layer, which returns all outputs of the subject, or one."""
    import tensorflow_hub as hub

    if subject.endpoints:
        options["arguments"] = {"return_endpoints": True}
    if len(subject.inference.outputs) > 1:
        options["output_key"] = output_key
    return hub.KerasLayer(path or subject.path, trainable=True, **options)


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
    keras = keras_2()
    one = with_one_output(subject)
    (name,) = one.inference.outputs
    model = make_sequential(keras, one, make_layer(subject, output_key=name))
    check_predictions(one, model)
    check_fit(keras, one, model)


def _reload(subject):
    """A functional model, saved as a SavedModel and loaded where the original is gone."""
    keras = keras_2()
    if subject.path not in _SAVED:
        folder = pathlib.Path(tempfile.mkdtemp(dir=_SCRATCH.name))
        own = shutil.copytree(subject.path, folder / "own")
        model = make_functional(keras, subject, make_layer(subject, str(own)))
        model.save(str(folder / "saved"), save_format="tf")
        shutil.rmtree(own)
        _SAVED[subject.path] = str(folder / "saved")
    keras.backend.clear_session()
    return keras.models.load_model(_SAVED[subject.path])


def saved(subject, folder):
    """The reloaded model computes the same."""
    del folder
    check_predictions(subject, _reload(subject))


def reloaded(subject, folder):
    """The reloaded model trains."""
    del folder
    check_fit(keras_2(), subject, _reload(subject))


def mixed_precision_32(subject, folder):
    """The same, where the layer is told not to cast."""
    mixed_precision(subject, folder, dtype="float32")


def mixed_precision(subject, folder, **options):
    """Under the policy `mixed_bfloat16`: `predict` and `fit`."""
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
