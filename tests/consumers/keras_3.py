"""`ModuleLayer` and `TFSMLayer` in Keras 3.

`ModuleLayer` takes converted modules only; an ordinary model has Keras's own `TFSMLayer` there.
"""

import os
import pathlib
import shutil

import ml_dtypes
import numpy as np

from consumers.keras_models import (
    check_fit,
    check_predictions,
    main_output,
    make_functional,
    make_sequential,
    predict,
    returned,
)
from consumers.subject import reset


def make_layer(subject, path=None, **options):
    """A layer that returns all outputs of the subject."""
    import keras

    from converter.keras import ModuleLayer

    path = path or subject.path
    if not os.path.exists(os.path.join(path, "assets.extra", "conversion.json")):
        options.pop("output_key", None)
        kind = "endpoints" if subject.endpoints else "serve"
        training = {"call_training_endpoint": f"{kind}_training"} if subject.modes else {}
        return keras.layers.TFSMLayer(path, kind, **training, **options)
    endpoints = {"return_endpoints": True} if subject.endpoints else {}
    return ModuleLayer(path, **endpoints, **options)


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
    name = main_output(subject)
    key = {} if name == "default" else {"output_key": name}
    subject = subject.only(name)
    model = make_sequential(keras, subject, make_layer(subject, **key))
    check_predictions(subject, model)
    check_fit(keras, subject, model)


def _save_and_reload(subject, folder):
    """A functional model, saved as a `.keras` file and loaded where the original is gone."""
    import keras

    own = shutil.copytree(subject.path, pathlib.Path(folder) / "own")
    model = make_functional(keras, subject, make_layer(subject, str(own)))
    model.save(pathlib.Path(folder) / "model.keras")
    shutil.rmtree(own)
    return keras.models.load_model(pathlib.Path(folder) / "model.keras")


def saved(subject, folder):
    """The reloaded model computes the same."""
    check_predictions(subject, _save_and_reload(subject, folder))


def reloaded(subject, folder):
    """The reloaded model trains."""
    import keras

    check_fit(keras, subject, _save_and_reload(subject, folder))


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
    """`TFSMLayer` with its default endpoint: `predict`."""
    import keras

    del folder
    subject = returned(subject)
    check_predictions(
        subject, make_functional(keras, subject, keras.layers.TFSMLayer(subject.path))
    )


def tfsm_training(subject, folder):
    """`TFSMLayer` with the endpoint for training, where there is one: `fit`."""
    import keras

    del folder
    subject = returned(subject)
    training = {"call_training_endpoint": "serve_training"} if subject.modes else {}
    layer = keras.layers.TFSMLayer(subject.path, **training)
    model = make_functional(keras, subject, layer)
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
