"""A SavedModel with what its calls have to compute, and the comparisons with that."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf
from golden.test_golden import assert_equal

from converter.parity.compare import magnitude
from converter.parity.values import from_tensor, to_tensor


@dataclasses.dataclass(frozen=True)
class Call:
    """Inputs of the root call, and what they lead to.

    Attributes:
      inputs: The inputs that have to be given, by name.
      served: The inputs of the signature: also those that have a default in Python.
      outputs: All outputs, by name.
      gradients: Those of the sum of all float outputs, by variable.
      after: The variables that the call changes, with their values afterwards.
    """

    inputs: dict[str, Any]
    served: dict[str, Any]
    outputs: dict[str, Any]
    gradients: dict[str, Any]
    after: dict[str, Any]

    def argument(self):
        """What the root call takes: a tensor, or a dict of several."""
        tensors = {name: to_tensor(value) for name, value in self.inputs.items()}
        return tensors if len(tensors) > 1 else next(iter(tensors.values()))


@dataclasses.dataclass(frozen=True)
class Subject:
    """A SavedModel, converted or ordinary.

    Attributes:
      path: Where it is, with random ops replaced by ones whose numbers are always the same.
      as_exported: Where it is with the random ops that it was exported with.
      inference: A call for inference.
      training: A call of the training mode, or the one for inference if there is none.
      modes: Whether the root call takes `training`.
      endpoints: Whether it takes `return_endpoints`.
      variables: Their values as saved, by name.
      penalties: The gradients of the sum of the regularization losses, by variable.
    """

    path: str
    as_exported: str
    inference: Call
    training: Call
    modes: bool
    endpoints: bool
    variables: dict[str, Any]
    penalties: dict[str, Any]

    def keywords(self, *, training=False):
        """The keywords with which the root call returns all outputs."""
        return {
            **({"training": training} if self.modes else {}),
            **({"return_endpoints": True} if self.endpoints else {}),
        }

    def named(self, outputs):
        """All outputs by name, of what the root call returns."""
        return outputs if isinstance(outputs, dict) else {"default": outputs}

    def only(self, *names):
        """The same with some outputs, and the gradients that a plain loop has for these.

        TensorFlow 1.15 recorded the gradients of all outputs together; a cell of its own compares
        those of a plain loop with them.
        """
        if set(names) == set(self.inference.outputs):
            return self
        obj = tf.saved_model.load(self.path)
        return dataclasses.replace(
            self,
            inference=_restrict(self, obj, self.inference, names, training=False),
            training=_restrict(self, obj, self.training, names, training=self.modes),
            endpoints=False,
        )


def _restrict(subject, obj, call, names, *, training):
    variables = obj.trainable_variables
    reset(subject, obj.variables)
    with tf.GradientTape() as tape:
        outputs = subject.named(obj(call.argument(), **subject.keywords(training=training)))
        loss = total({name: outputs[name] for name in names})
    pairs = zip(variables, tape.gradient(loss, variables), strict=True)
    gradients = {
        variable.name.removesuffix(":0"): tf.convert_to_tensor(gradient).numpy()
        for variable, gradient in pairs
        if gradient is not None
    }
    kept = {name: call.outputs[name] for name in names}
    return dataclasses.replace(call, outputs=kept, gradients=gradients)


def plain_name(name):
    """The name of a variable as every consumer knows it: Keras replaces slashes."""
    return name.removesuffix(":0").replace("/", "_")


def values_by_name(variables):
    """The values of variables, by plain names."""
    return {plain_name(v.name): np.asarray(v.numpy()) for v in variables}


def total(outputs):
    """The sum of all elements of all float outputs: the loss of the recorded gradients."""
    floats = [o for o in outputs.values() if o.dtype.is_floating]
    return tf.add_n([tf.reduce_sum(tf.cast(output, tf.float32)) for output in floats])


def reset(subject, variables):
    """Gives variables the values that they were saved with."""
    saved = {plain_name(name): value for name, value in subject.variables.items()}
    for variable in variables:
        if plain_name(variable.name) in saved:
            variable.assign(saved[plain_name(variable.name)])


def check_outputs(call, outputs):
    """Compares outputs, by name, with all that the call has to return."""
    assert set(outputs) == set(call.outputs), f"outputs are {sorted(outputs)}"
    for name, expected in call.outputs.items():
        found = outputs[name]
        found = from_tensor(found) if tf.is_tensor(found) else np.asarray(found)
        assert_equal(expected, found, f"output {name}")


def check_gradients(call, gradients):
    """Compares gradients, by plain names, with the recorded ones."""
    scale = max([magnitude(g) for g in call.gradients.values()], default=0.0)
    expected = {plain_name(name): value for name, value in call.gradients.items()}
    for name, value in expected.items():
        found = gradients[name]
        assert found is not None, f"{name} has no gradient"
        assert_equal(value, tf.convert_to_tensor(found).numpy(), f"gradient of {name}", scale)


def check_step(subject, after, *, penalized, rate=1.0):
    """Checks variables after one step of gradient descent on the recorded loss.

    Args:
      subject: What was trained, in its training mode.
      after: Values of its variables, by plain names.
      penalized: Whether the regularization losses were a part of the loss.
      rate: The learning rate.
    """
    call, moved = subject.training, 0
    scale = max([magnitude(g) for g in call.gradients.values()], default=0.0)
    changed = {plain_name(name): value for name, value in call.after.items()}
    for name, before in subject.variables.items():
        found = after.get(plain_name(name))
        if found is None or before.dtype.kind != "f":
            assert found is not None or name not in call.gradients, f"{name} is missing"
            continue
        step = call.gradients.get(name, np.zeros_like(before))
        if penalized:
            step = step + subject.penalties.get(name, np.zeros_like(before))
        if plain_name(name) in changed:
            assert_equal(changed[plain_name(name)], found, f"{name} after a step")
        else:
            noise = max(scale, magnitude(before) / rate)
            assert_equal(step, (before - found) / rate, f"the step of {name}", noise)
        moved += not np.array_equal(before, found)
    assert moved > 0, "no variable moved"
