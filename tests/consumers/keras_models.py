"""Models of Keras 2 or 3 around a layer that runs a SavedModel, and a step of their `fit`."""

import numpy as np
import tensorflow as tf

from consumers.subject import check_outputs, check_step, reset, values_by_name


def symbols(keras, call):
    """Symbolic inputs of any batch size; ids and strings may be of any length, too."""
    argument = call.argument()
    if isinstance(argument, dict):
        return {name: _symbol(keras, name, tensor) for name, tensor in argument.items()}
    return _symbol(keras, next(iter(call.inputs)), argument)


def _symbol(keras, name, tensor):
    sparse = {"sparse": True} if isinstance(tensor, tf.SparseTensor) else {}
    sizes = tensor.shape[1:] if tensor.dtype == tf.float32 else [None] * (tensor.shape.rank - 1)
    return keras.Input(tuple(sizes), dtype=tensor.dtype.name, name=name, **sparse)


def make_functional(keras, subject, layer, **keywords):
    """A functional model of the layer alone."""
    inputs = symbols(keras, subject.inference)
    return keras.Model(inputs, layer(inputs, **keywords))


def make_sequential(keras, subject, layer):
    """A sequential model of the layer alone."""
    inputs = symbols(keras, subject.inference)
    return keras.Sequential([layer] if isinstance(inputs, dict) else [inputs, layer])


def with_one_output(subject):
    """The subject with the one output of a model: `default`, or the first, if it can train."""
    names = sorted(subject.inference.outputs, key=lambda name: name != "default")
    floats = [name for name in names if subject.inference.outputs[name].dtype.kind == "f"]
    candidates = (subject.only(name) for name in floats)
    return next(one for one in candidates if _trains(one.training.gradients))


def _trains(gradients):
    return any(np.any(gradient) for gradient in gradients.values())


def returned(subject):
    """The outputs that the root call returns where it is not asked for endpoints."""
    outputs = subject.inference.outputs
    return subject.only("default") if "default" in outputs else subject


def predict(subject, model):
    """What a model computes for inference, by name of output."""
    dataset = tf.data.Dataset.from_tensors((subject.inference.argument(),))
    outputs = model.predict(dataset, verbose=0)
    if isinstance(outputs, dict):
        return outputs
    (name,) = subject.inference.outputs
    return {name: outputs}


def check_predictions(subject, model):
    """Compares what a model computes for inference; restores the variables."""
    check_outputs(subject.inference, predict(subject, model))
    reset(subject, model.weights)


def _sum(_, outputs):
    """The sum of all elements, for each row: Keras takes the mean over rows, and over replicas."""
    rows = tf.shape(outputs)[0]
    flat = tf.reshape(tf.cast(outputs, tf.float32), [rows, -1])
    return tf.cast(rows, tf.float32) * tf.reduce_sum(flat, 1)


def fit_once(keras, subject, model, copies=1):
    """One step of `fit`, with the learning rate 1, on the sum of all float outputs.

    Args:
      keras: Keras 2 or 3.
      subject: What is trained.
      model: The model, which returns the outputs of the subject.
      copies: How often the batch has the recorded inputs: once for each replica.
    """
    outputs = subject.inference.outputs
    floats = [name for name, value in outputs.items() if value.dtype.kind == "f"]
    several = len(outputs) > 1
    model.compile(keras.optimizers.SGD(1.0), dict.fromkeys(floats, _sum) if several else _sum)
    dataset = _batch(subject.training.argument(), floats if several else None, copies)
    model.fit(dataset, epochs=1, verbose=0)


def _batch(argument, names, copies):
    """A dataset of one batch: the inputs `copies` times, and targets that do not matter."""
    repeated = tf.nest.map_structure(lambda tensor: _repeat(tensor, copies), argument)
    size = tf.nest.flatten(repeated)[0].shape[0]
    targets = {name: tf.zeros([size]) for name in names} if names else tf.zeros([size])
    return tf.data.Dataset.from_tensor_slices((repeated, targets)).batch(size)


def _repeat(tensor, copies):
    if isinstance(tensor, tf.SparseTensor):
        return tf.sparse.concat(0, [tensor] * copies)
    return tf.concat([tensor] * copies, 0)


def check_fit(keras, subject, model, *, penalized=True, copies=1):
    """Trains for a step, and compares all variables."""
    fit_once(keras, subject, model, copies)
    check_step(subject, values_by_name(model.weights), penalized=penalized)
