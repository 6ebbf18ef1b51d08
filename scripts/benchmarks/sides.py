"""One model, three ways to use it: a V1 Session, the converted model, `hub.load` on the original.

Each side has `forward`, which returns the outputs, and `step`, which makes one step of gradient
descent on the mean square of the outputs, with the moving averages, and returns the loss. All
take and return NumPy arrays. Each calls the same kernels: gradient descent is TensorFlow's op.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from converter.formats.legacy_module import LegacyModule

RATE = 0.01
TRAIN = frozenset({"train"})
Arrays = Mapping[str, np.ndarray]


class Side(Protocol):
    """A way to use a model."""

    def forward(self, inputs: Arrays) -> dict[str, np.ndarray]:
        """The outputs, by name."""
        ...

    def step(self, inputs: Arrays) -> float:
        """Trains once; returns the loss before."""
        ...

    def weights(self) -> dict[str, np.ndarray]:
        """The trainable variables, by TF1 name."""
        ...


def main_outputs(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a plain call: `default`, else all."""
    return {"default": outputs["default"]} if "default" in outputs else dict(outputs)


def loss_of(outputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """The mean square of all outputs."""
    return tf.add_n([tf.reduce_mean(tf.square(outputs[name])) for name in sorted(outputs)])


def training_tags(legacy: LegacyModule) -> frozenset[str]:
    """The tag set to train."""
    return TRAIN if TRAIN in legacy.variants else frozenset()


def descend(handle: tf.Tensor, gradient: tf.Tensor | tf.IndexedSlices) -> Any:
    """Subtracts the gradient, in those rows alone that it has, as TensorFlow's optimizers do."""
    if isinstance(gradient, tf.IndexedSlices):
        return tf.raw_ops.ResourceScatterSub(
            resource=handle, indices=gradient.indices, updates=RATE * gradient.values
        )
    rate = tf.constant(RATE, gradient.dtype)
    return tf.raw_ops.ResourceApplyGradientDescent(var=handle, alpha=rate, delta=gradient)


class _TensorFlow2Side:
    """The base of the two TF2 sides: a step is a `tf.function`, as in Keras `fit`."""

    def __init__(self, trainable: Sequence[tf.Variable]) -> None:
        self._trainable = list(trainable)

    def forward(self, inputs: Arrays) -> dict[str, np.ndarray]:
        """The outputs, by name."""
        outputs = self.call({name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    def step(self, inputs: Arrays) -> float:
        """Trains once; returns the loss before."""
        return float(self._step({name: tf.constant(value) for name, value in inputs.items()}))

    def weights(self) -> dict[str, np.ndarray]:
        """The trainable variables, by TF1 name."""
        return {variable.name.removesuffix(":0"): variable.numpy() for variable in self._trainable}

    @functools.cached_property
    def _step(self) -> Any:
        @tf.function(autograph=False)
        def step(inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
            with tf.GradientTape() as tape:
                loss = loss_of(self.call_training(inputs))
            gradients = tape.gradient(loss, self._trainable)
            for variable, gradient in zip(self._trainable, gradients, strict=True):
                if gradient is not None:
                    descend(variable.handle, gradient)
            return loss

        return step

    def call(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The outputs for inference, by name."""
        raise NotImplementedError

    def call_training(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The outputs for training, by name."""
        raise NotImplementedError


class ConvertedSide(_TensorFlow2Side):
    """The converted model, loaded.

    Args:
      directory: What `convert` wrote.
      trains: Whether the original has a graph variant for training.
    """

    def __init__(self, directory: pathlib.Path, *, trains: bool) -> None:
        self._module = tf.saved_model.load(str(directory))
        self._training = {"training": True} if trains else {}
        super().__init__(self._module.trainable_variables)

    def call(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The outputs for inference, by name."""
        return self._call(inputs)

    def call_training(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The outputs for training, by name."""
        return self._call(inputs, **self._training)

    def _call(self, inputs: Mapping[str, tf.Tensor], **options: bool) -> dict[str, tf.Tensor]:
        argument = dict(inputs) if len(inputs) > 1 else next(iter(inputs.values()))
        outputs = self._module(argument, **options)
        return outputs if isinstance(outputs, dict) else {"default": outputs}


class HubSide(_TensorFlow2Side):
    """`hub.load` on the original, which knows neither update ops nor what is trainable.

    Args:
      module: The TF1 module.
      signature: The signature to call.
      trainable: The names of the variables to train.
      tags: The tag set to train.
    """

    def __init__(
        self,
        module: pathlib.Path,
        signature: str,
        trainable: Sequence[str],
        tags: frozenset[str],
    ) -> None:
        import tensorflow_hub as hub

        self._inference = hub.load(str(module))
        self._training = hub.load(str(module), tags=sorted(tags)) if tags else self._inference
        self._signature = signature
        variables = {v.name.removesuffix(":0"): v for v in self._training.variables}
        super().__init__([variables[name] for name in trainable])

    def call(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The outputs for inference, by name."""
        return main_outputs(self._inference.signatures[self._signature](**inputs))

    def call_training(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The outputs for training, by name."""
        return main_outputs(self._training.signatures[self._signature](**inputs))
