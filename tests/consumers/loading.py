"""Consumers that call a loaded SavedModel from Python."""

import pathlib

import numpy as np
import tensorflow as tf

from consumers.subject import (
    check_gradients,
    check_outputs,
    check_step,
    plain_name,
    reset,
    total,
    values_by_name,
)


def _infer(subject, call, obj=None):
    """Runs `call`, which is the root call or wraps it, for inference; restores the variables."""
    outputs = call(subject.inference.argument(), **subject.keywords())
    check_outputs(subject.inference, subject.named(outputs))
    if obj is not None:
        reset(subject, obj.variables)


def descend(subject, call, variables):
    """One step of gradient descent, with the learning rate 1; returns the gradients by name."""
    with tf.GradientTape() as tape:
        outputs = call(subject.training.argument(), **subject.keywords(training=True))
        loss = total(subject.named(outputs))
    gradients = tape.gradient(loss, variables)
    for variable, gradient in zip(variables, gradients, strict=True):
        if gradient is not None:
            variable.assign_sub(tf.convert_to_tensor(gradient))
    return {plain_name(v.name): g for v, g in zip(variables, gradients, strict=True)}


def _check_training(subject, obj, call=None):
    gradients = descend(subject, call or obj, obj.trainable_variables)
    check_gradients(subject.training, gradients)
    check_step(subject, values_by_name(obj.variables), penalized=False)


def saved_model_load(subject, folder):
    """A call, and a step of training."""
    del folder
    obj = tf.saved_model.load(subject.path)
    _infer(subject, obj, obj)
    _check_training(subject, obj)


def hub_load(subject, folder):
    """A call, and a step of training."""
    import tensorflow_hub as hub

    del folder
    obj = hub.load(subject.path)
    _infer(subject, obj, obj)
    _check_training(subject, obj)


def load_twice(subject, folder):
    """Two copies in one process: one trains, the other stays."""
    del folder
    one, other = (tf.saved_model.load(subject.path) for _ in range(2))
    _check_training(subject, one)
    _infer(subject, other)
    reset(subject, one.variables)
    _infer(subject, one)


def save_again(subject, folder):
    """Saved by `tf.saved_model.save` and loaded: a call, a signature, a step of training."""
    again = str(pathlib.Path(folder) / "again")
    obj = tf.saved_model.load(subject.path)
    tf.saved_model.save(obj, again, signatures=dict(obj.signatures))
    obj = tf.saved_model.load(again)
    _infer(subject, obj, obj)
    parts = signature_inputs(subject.inference)
    check_outputs(subject.inference, obj.signatures["serving_default"](**parts))
    reset(subject, obj.variables)
    _check_training(subject, obj)


def signature_inputs(call):
    """The tensors that a signature takes: a sparse one is three."""
    from converter.parity.values import to_parts

    return {name: tf.constant(value) for name, value in to_parts(call.served).items()}


class _Wrapper(tf.Module):
    """A program's own module, with the loaded one in it."""

    def __init__(self, inner, keywords):
        super().__init__()
        self.inner, self.keywords = inner, keywords

    @tf.function
    def run(self, inputs):
        return self.inner(inputs, **self.keywords)


def wrap_and_save(subject, folder):
    """In a `tf.Module` of a program's own, saved and loaded: a call, and a step of training."""
    path = str(pathlib.Path(folder) / "wrapped")
    wrapper = _Wrapper(tf.saved_model.load(subject.path), subject.keywords())
    wrapper.run.get_concrete_function(subject.inference.argument())
    tf.saved_model.save(wrapper, path)
    again = tf.saved_model.load(path)
    check_outputs(subject.inference, subject.named(again.run(subject.inference.argument())))
    reset(subject, again.inner.variables)
    _check_training(subject, again.inner)


def checkpoint(subject, folder):
    """What was trained is saved, and restored into a fresh copy."""
    trained, fresh = (tf.saved_model.load(subject.path) for _ in range(2))
    _check_training(subject, trained)
    saved = tf.train.Checkpoint(module=trained).write(str(pathlib.Path(folder) / "checkpoint"))
    tf.train.Checkpoint(module=fresh).read(saved).assert_consumed()
    check_step(subject, values_by_name(fresh.variables), penalized=False)
    reset(subject, fresh.variables)
    _infer(subject, fresh)


def data_map(subject, folder):
    """The root call in the function that is mapped."""
    del folder
    obj = tf.saved_model.load(subject.path)
    dataset = tf.data.Dataset.from_tensors(subject.inference.argument())
    (outputs,) = dataset.map(lambda inputs: obj(inputs, **subject.keywords()))
    check_outputs(subject.inference, subject.named(outputs))


def persistent_tape(subject, folder):
    """The same gradients, asked for twice."""
    del folder
    obj = tf.saved_model.load(subject.path)
    variables = obj.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        outputs = obj(subject.training.argument(), **subject.keywords(training=True))
        loss = total(subject.named(outputs))
        twice = 2.0 * loss
    for factor, target in ((1.0, loss), (2.0, twice)):
        gradients = tape.gradient(target, variables)
        named = {
            plain_name(v.name): None if g is None else tf.convert_to_tensor(g) / factor
            for v, g in zip(variables, gradients, strict=True)
        }
        check_gradients(subject.training, named)


def xla(subject, folder):
    """`tf.function(jit_compile=True)` for inference."""
    del folder
    obj = tf.saved_model.load(subject.path)
    _infer(subject, tf.function(obj.__call__, jit_compile=True))


def xla_gradient(subject, folder):
    """Gradients in `tf.function(jit_compile=True)`: those for inference, and that training runs.

    XLA draws other random numbers than TensorFlow does, so dropout has no values to compare.
    """
    del folder
    gradients = _differentiate(subject.path, subject, training=False)
    check_gradients(subject.inference, gradients)
    if subject.modes:
        gradients = _differentiate(subject.as_exported, subject, training=True)
        for name, expected in subject.training.gradients.items():
            found = gradients[plain_name(name)]
            assert found.shape == expected.shape
            assert np.all(np.isfinite(found)), f"the gradient of {name} is not finite"


def _differentiate(path, subject, *, training):
    obj = tf.saved_model.load(path)

    @tf.function(jit_compile=True)
    def differentiate(inputs):
        with tf.GradientTape() as tape:
            outputs = obj(inputs, **subject.keywords(training=training))
            loss = total(subject.named(outputs))
        gradients = tape.gradient(loss, obj.trainable_variables)
        return [None if g is None else tf.convert_to_tensor(g) for g in gradients]

    call = subject.training if training else subject.inference
    gradients = differentiate(call.argument())
    names = (plain_name(v.name) for v in obj.trainable_variables)
    return dict(zip(names, gradients, strict=True))


LOADING = {
    "`tf.saved_model.load`": saved_model_load,
    "`hub.load`": hub_load,
    "loaded twice in one process": load_twice,
    "saved again": save_again,
    "wrapped in a `tf.Module` and saved": wrap_and_save,
    "`tf.train.Checkpoint`": checkpoint,
    "`tf.data.Dataset.map`": data_map,
    "persistent `tf.GradientTape`": persistent_tape,
    "XLA, inference": xla,
    "XLA, gradient": xla_gradient,
}
