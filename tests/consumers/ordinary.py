"""Ordinary TF2 models in the place of converted ones: whether a limit is that of the consumer."""

import functools
import pathlib

import numpy as np
import tensorflow as tf

from consumers.ordinary_models import BUILDERS
from consumers.subject import Call, Subject, total


class _Model(tf.Module):
    """A reusable SavedModel, as its specification wants it.

    https://www.tensorflow.org/hub/reusable_saved_models
    """

    # tf.Module has properties of these names, which are not saved.
    variables = ()
    trainable_variables = ()
    regularization_losses = ()

    def __init__(self, compute, variables, table=None):
        super().__init__()
        self.compute, self._table = compute, table
        self.variables = variables
        self.trainable_variables = [v for v in variables if v.trainable]

    @tf.function
    def __call__(self, inputs, training=False, return_endpoints=False):
        outputs = self.compute(inputs, training)
        return outputs if return_endpoints else _default(outputs)


def _default(outputs):
    return outputs.get("default", outputs)


def ordinary_subject(family, like, folder):
    """Saves an ordinary model, which takes the inputs of the subject `like`."""
    model = _Model(*BUILDERS[family](np.random.default_rng(0)))
    saved = _values(model)
    calls = [_record(model, like.inference.inputs, training=False)]
    if like.modes:
        calls.append(_record(model, like.training.inputs, training=True))
    path = str(pathlib.Path(folder) / "ordinary")
    _save(model, like, path)
    return Subject(path, path, calls[0], calls[-1], like.modes, like.endpoints, saved, {})


def _values(model):
    return {v.name.removesuffix(":0"): v.numpy() for v in model.variables}


def _record(model, inputs, *, training):
    """What a call of the model computes, before it is saved."""
    before, given = _values(model), Call(inputs, inputs, {}, {}, {}).argument()
    with tf.GradientTape() as tape:
        outputs = model.compute(given, training)
        loss = total(outputs)
    gradients = tape.gradient(loss, model.trainable_variables)
    after = _values(model)
    for variable in model.variables:
        variable.assign(before[variable.name.removesuffix(":0")])
    pairs = zip(model.trainable_variables, gradients, strict=True)
    return Call(
        inputs=inputs,
        served=inputs,
        outputs={name: output.numpy() for name, output in outputs.items()},
        gradients={
            v.name.removesuffix(":0"): tf.convert_to_tensor(g).numpy()
            for v, g in pairs
            if g is not None
        },
        after={key: v for key, v in after.items() if not np.array_equal(v, before[key])},
    )


def _save(model, like, path):
    argument = like.inference.argument()
    if isinstance(argument, dict):
        spec = {name: _spec(tensor, name) for name, tensor in argument.items()}
    else:
        spec = _spec(argument, next(iter(like.inference.inputs)))
    for training in (False, True) if like.modes else (False,):
        for endpoints in (False, True) if like.endpoints else (False,):
            model.__call__.get_concrete_function(
                spec, training=training, return_endpoints=endpoints
            )
    for training, suffix in ((False, ""), (True, "_training")):
        compute = functools.partial(model.compute, training=training)
        _add_endpoint(model, f"serve{suffix}", lambda x, f=compute: _default(f(x)), spec)
        _add_endpoint(model, f"endpoints{suffix}", compute, spec)
    tf.saved_model.save(model, path, signatures={"serving_default": _signature(model, like)})


def _add_endpoint(model, name, compute, spec):
    """Adds a function for Keras's `TFSMLayer`."""
    setattr(model, name, tf.function(lambda x: compute(x), input_signature=[spec]))


def _spec(tensor, name):
    """The spec of an input of any batch size; ids and strings may be of any length, too."""
    if isinstance(tensor, tf.SparseTensor):
        return tf.SparseTensorSpec([None] * tensor.shape.rank, tensor.dtype)
    sizes = tensor.shape[1:] if tensor.dtype == tf.float32 else [None] * (tensor.shape.rank - 1)
    return tf.TensorSpec([None, *sizes], tensor.dtype, name)


def _signature(model, like):
    """The signature with all outputs; a sparse input is three, as in converted modules."""
    argument = like.inference.argument()
    if isinstance(argument, tf.SparseTensor):
        (name,) = like.inference.inputs
        specs = {
            f"{name}_indices": tf.TensorSpec([None, 2], tf.int64),
            f"{name}_values": tf.TensorSpec([None], tf.float32),
            f"{name}_dense_shape": tf.TensorSpec([2], tf.int64),
        }

        @tf.function
        def serve(**parts):
            return model.compute(tf.SparseTensor(*(parts[key] for key in specs)), False)

        return serve.get_concrete_function(**specs)
    tensors = (
        argument if isinstance(argument, dict) else {next(iter(like.inference.inputs)): argument}
    )

    @tf.function
    def serve(**given):
        return model.compute(given if len(given) > 1 else next(iter(given.values())), False)

    return serve.get_concrete_function(**{k: _spec(t, k) for k, t in tensors.items()})
