"""The variables of a converted module as weights of Keras, under their TF1 names."""

from __future__ import annotations

import functools
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from converter import errors
from converter.export.record import VariableInfo


class ModuleVariable(keras.Variable):
    """A weight of Keras that is a variable of a converted module.

    Keras refuses names with slashes, and its optimizers build the names of their slots from
    `path`, in which they replace slashes; so both can have the TF1 name.

    Args:
      value: The variable.
      info: Its entry in the record.
      layer: The name of the layer.

    Attributes:
      frozen: Whether it stays as it is, even where its layer is trainable.
    """

    frozen = False

    def __init__(self, value: tf.Variable, info: VariableInfo, layer: str) -> None:
        super().__init__(
            value, dtype=info.dtype, trainable=info.trainable, autocast=False, name="variable"
        )
        self._name = info.name
        self._path = f"{layer}/{info.name}"

    @property
    def trainable(self) -> bool:
        """Whether optimizers change it."""
        return bool(self._trainable) and not self.frozen

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    @property
    def key(self) -> str:
        """Its key in files of weights, in which a slash would make a group."""
        return urllib.parse.quote(self.name, safe="")


def make_weights(infos: Iterable[VariableInfo], layer: str) -> list[ModuleVariable]:
    """Makes weights for variables, all zero, in the scope of the current `tf.distribute` strategy.

    Those that Keras cannot have as weights, which are strings, are left to the SavedModel.

    Raises:
      ConversionError: if one of those is trainable.
    """
    weights = []
    for info in infos:
        if _can_be_weight(info):
            weights.append(ModuleVariable(_make_variable(info), info, layer))
        elif info.trainable:
            raise errors.ConversionError(
                f"variable {info.name!r}, {info.dtype} of shape {info.shape}, cannot be a weight"
                " of Keras",
                remedy="Train the module without Keras, by tf.saved_model.load and a tape.",
            )
    return weights


def _can_be_weight(info: VariableInfo) -> bool:
    if info.shape is None or None in info.shape or info.dtype == "string":
        return False
    try:
        keras.backend.standardize_dtype(info.dtype)
    except ValueError:
        return False
    return True


def _make_variable(info: VariableInfo) -> tf.Variable:
    """Makes a variable; under a strategy, those that update ops change have a value per replica.

    As the moving averages of Keras 2: read and saved, they are the mean over the replicas, or the
    value of the first one for integers, which count steps.
    """
    is_float = tf.as_dtype(info.dtype).is_floating
    mean, first = tf.VariableAggregation.MEAN, tf.VariableAggregation.ONLY_FIRST_REPLICA
    by_replica = {
        "synchronization": tf.VariableSynchronization.ON_READ,
        "aggregation": mean if is_float else first,
    }
    return tf.Variable(
        functools.partial(tf.zeros, info.shape, info.dtype),
        trainable=info.trainable,
        dtype=info.dtype,
        shape=info.shape,
        name=info.name,
        **({} if info.trainable else by_replica),
    )


def attach_losses(losses: Iterable[Any], weights: Sequence[ModuleVariable]) -> None:
    """Makes each regularization loss the regularizer of its weights.

    So `losses` of a model has it from the beginning, once, however often the layer is called; and,
    as those of other layers, it does not count while all of its weights are frozen.
    """
    terms = [(loss, _owners(loss, weights)) for loss in losses]
    for weight in weights:
        own = [(loss, owners) for loss, owners in terms if any(o is weight for o in owners)]
        if own:
            weight.regularizer = functools.partial(_sum_losses, own, weight)


def _owners(loss: Any, weights: Sequence[ModuleVariable]) -> list[ModuleVariable]:
    variables = {id(variable) for variable in loss.get_concrete_function().variables}
    owners = [w for w in weights if id(w.value) in variables]
    return owners or list(weights)


def _sum_losses(
    terms: Sequence[tuple[Any, Sequence[ModuleVariable]]], weight: ModuleVariable, value: Any
) -> Any:
    """Returns the losses of which `weight` is the first that trains."""
    del value  # The losses read their variables.
    own = [
        loss()
        for loss, owners in terms
        if next((owner for owner in owners if owner.trainable), None) is weight
    ]
    return tf.add_n(own) if own else tf.zeros([])


def save_weights(weights: Iterable[ModuleVariable], store: Any) -> None:
    """Puts weights into the store of a file."""
    for weight in weights:
        store[weight.key] = weight


def load_weights(weights: Sequence[ModuleVariable], store: Mapping[str, Any]) -> None:
    """Assigns the weights of a file.

    Raises:
      WeightsError: if the file has others, or of other shapes.
    """
    expected, found = {weight.key for weight in weights}, set(store.keys())
    if expected != found:
        name = urllib.parse.unquote(min(expected ^ found))
        where = "lack" if min(expected ^ found) in expected else "have"
        raise errors.WeightsError(
            f"the saved weights are not those of this module: they {where} {name!r}",
            remedy="Make the layer from the module and signature that they were saved with.",
        )
    for weight in weights:
        weight.assign(store[weight.key])
