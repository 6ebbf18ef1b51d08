"""`ModuleLayer` and `TFSMLayer` in Keras 3.

`ModuleLayer` takes converted modules only; an ordinary model has Keras's own `TFSMLayer` there.
"""

import os
import pathlib
import shutil
import tempfile

import ml_dtypes
import numpy as np

from consumers.keras_models import (
    check_fit,
    check_predictions,
    make_functional,
    make_sequential,
    predict,
    returned,
    with_one_output,
)
from consumers.subject import reset

# What is saved once for two cells, by the path of its SavedModel.
_SAVED = {}
_SCRATCH = tempfile.TemporaryDirectory(prefix="consumers_")


def make_layer(subject, path=None, output_key=None):
    """A layer that returns all outputs of the subject, or one."""
    from converter.keras import ModuleLayer

    path = path or subject.path
    if not os.path.exists(os.path.join(path, "assets.extra", "conversion.json")):
        return _ordinary_layer(subject, path, output_key)
    if output_key is not None:
        return ModuleLayer(path, output_key=output_key)
    return ModuleLayer(path, **({"return_endpoints": True} if subject.endpoints else {}))


def _ordinary_layer(subject, path, output_key):
    import keras

    class Layer(keras.layers.TFSMLayer):
        def call(self, inputs, training=False):
            outputs = super().call(inputs, training=training)
            return outputs if output_key is None else subject.named(outputs)[output_key]

    kind = "endpoints" if subject.endpoints else "serve"
    training = {"call_training_endpoint": f"{kind}_training"} if subject.modes else {}
    return Layer(path, kind, **training)


def functional(subject, folder):
    """A functional model: `predict` and `fit`."""
    import keras

    del folder
    model = make_functional(keras, subject, make_layer(subject))
    check_predictions(subject, model)
    check_fit(keras, subject, model)


def sequential(subject, folder):
    """A sequential model of one output: `predict` and `fit`."""
    import keras

    del folder
    one = with_one_output(subject)
    (name,) = one.inference.outputs
    model = make_sequential(keras, one, make_layer(subject, output_key=name))
    check_predictions(one, model)
    check_fit(keras, one, model)


def _reload(subject):
    """A functional model, saved as a `.keras` file and loaded where the original is gone."""
    import keras

    if subject.path not in _SAVED:
        folder = pathlib.Path(tempfile.mkdtemp(dir=_SCRATCH.name))
        own = shutil.copytree(subject.path, folder / "own")
        model = make_functional(keras, subject, make_layer(subject, str(own)))
        model.save(folder / "model.keras")
        shutil.rmtree(own)
        _SAVED[subject.path] = folder / "model.keras"
    return keras.models.load_model(_SAVED[subject.path])


def saved(subject, folder):
    """The reloaded model computes the same."""
    del folder
    check_predictions(subject, _reload(subject))


def reloaded(subject, folder):
    """The reloaded model trains."""
    import keras

    del folder
    check_fit(keras, subject, _reload(subject))


def mixed_precision(subject, folder):
    """Under the policy `mixed_bfloat16`: outputs are rounded at the border, steps are not."""
    import keras

    del folder
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make_functional(keras, subject, make_layer(subject))
        for name, found in predict(subject, model).items():
            expected = subject.inference.outputs[name]
            if expected.dtype.kind == "f":
                assert found.dtype == ml_dtypes.bfloat16
            np.testing.assert_allclose(
                found.astype(np.float32), expected, rtol=8e-3, atol=1e-5, err_msg=name
            )
        reset(subject, model.weights)
        check_fit(keras, subject, model)
    finally:
        keras.config.set_dtype_policy("float32")


def tfsm_inference(subject, folder):
    """The default endpoint, `serve`: `predict`."""
    import keras

    del folder
    subject = returned(subject)
    check_predictions(
        subject, make_functional(keras, subject, keras.layers.TFSMLayer(subject.path))
    )


def tfsm_training(subject, folder):
    """The endpoint `serve_training`, or the root call where there is no training graph: `fit`."""
    import keras

    del folder
    if subject.modes:
        subject, keywords = returned(subject), {}
        layer = keras.layers.TFSMLayer(subject.path, call_training_endpoint="serve_training")
    else:
        keywords = subject.keywords()
        layer = keras.layers.TFSMLayer(subject.path, call_endpoint="__call__")
    model = make_functional(keras, subject, layer, **keywords)
    check_fit(keras, subject, model, penalized=False)


KERAS_3 = {
    "`ModuleLayer`, functional model": functional,
    "`ModuleLayer`, sequential model": sequential,
    "`ModuleLayer`, model saved and loaded": saved,
    "`ModuleLayer`, loaded model trains": reloaded,
    "`ModuleLayer`, mixed precision": mixed_precision,
    "`TFSMLayer`, inference": tfsm_inference,
    "`TFSMLayer`, `fit`": tfsm_training,
}
