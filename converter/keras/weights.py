"""The variables of a converted module as weights of Keras, under their TF1 names."""

from __future__ import annotations

import functools
import inspect
import re
import types
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from converter import errors
from converter.export.record import VariableInfo

# What `tf.name_scope` does not take.
_NOT_IN_SCOPES = re.compile(r"[^A-Za-z0-9_.\\/>-]")


class ModuleVariable(keras.Variable):
    """A weight of Keras that is a variable of a converted module.

    Keras refuses names with slashes in its constructor only. Its optimizers build the names of
    their slots from `path`, in which they replace slashes; other characters, such as the colon of
    `weights:0`, TensorFlow refuses there, so that `path` is without them. Adafactor alone gives its
    slots the `name` (Keras 3.5 to 3.15), so that an optimizer's `build` sees one without slashes.

    Args:
      value: The variable.
      info: Its entry in the record.
      layer: The name of the layer.

    Attributes:
      frozen: Whether it stays as it is, even where its layer is trainable.
    """

    frozen = False

    def __init__(self, value: tf.Variable, info: VariableInfo, layer: str) -> None:
        self._tf1_name = info.name
        self._tf1_path = f"{layer}/{_NOT_IN_SCOPES.sub('_', info.name)}"
        super().__init__(
            value, dtype=info.dtype, trainable=info.trainable, autocast=False, name="variable"
        )

    @property
    def name(self) -> str:
        """The TF1 name; in the `build` of an optimizer, a name that its slots can have."""
        if _is_optimizer_build(inspect.currentframe()):
            return _NOT_IN_SCOPES.sub("_", self._tf1_name).replace("/", "_")
        return self._tf1_name

    @name.setter
    def name(self, value: str) -> None:
        """Does nothing: in some versions of Keras (3.5), the constructor sets it."""

    @property
    def path(self) -> str:
        """The TF1 name, after that of the layer."""
        return self._tf1_path

    @path.setter
    def path(self, value: str) -> None:
        """Does nothing, as that of `name`."""

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


def _is_optimizer_build(frame: types.FrameType | None) -> bool:
    """Whether the function of a frame was called by the method `build` of an optimizer."""
    caller = frame.f_back if frame else None
    return (
        caller is not None
        and caller.f_code.co_name == "build"
        and isinstance(caller.f_locals.get("self"), keras.optimizers.Optimizer)
    )


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
                remedy="Train the module without Keras, with tf.saved_model.load and"
                " tf.GradientTape.",
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


class ModuleLosses(keras.regularizers.Regularizer):
    """The regularization losses of a module that count with one of its weights.

    A loss counts with the first of its weights that trains: once, whatever is frozen.

    Args:
      weight: The weight.
      terms: The losses that read it, each with all weights that it reads.
    """

    def __init__(
        self, weight: ModuleVariable, terms: Sequence[tuple[Any, Sequence[ModuleVariable]]]
    ) -> None:
        self._weight = weight
        self._terms = tuple(terms)

    def __call__(self, value: Any) -> Any:
        """Returns the sum of the losses, which read their variables themselves.

        It has the dtype in which Keras adds losses up, whatever that of the graph is.
        """
        del value
        dtype = keras.config.floatx()
        own = [
            tf.cast(loss(), dtype)
            for loss, owners in self._terms
            if _first_that_trains(owners) is self._weight
        ]
        return tf.add_n(own) if own else tf.zeros([], dtype)


def _first_that_trains(weights: Iterable[ModuleVariable]) -> ModuleVariable | None:
    return next((weight for weight in weights if weight.trainable), None)


def attach_losses(losses: Iterable[Any], weights: Sequence[ModuleVariable]) -> None:
    """Makes each regularization loss a regularizer of its weights.

    So `losses` of a model has it from the beginning, once, however often the layer is called; and,
    as those of other layers, it does not count while all of its weights are frozen.
    """
    terms = [(loss, _find_owners(loss, weights)) for loss in losses]
    for weight in weights:
        own = [(loss, owners) for loss, owners in terms if any(o is weight for o in owners)]
        if own:
            weight.regularizer = ModuleLosses(weight, own)


def _find_owners(loss: Any, weights: Sequence[ModuleVariable]) -> Sequence[ModuleVariable]:
    """Returns the weights that a loss reads; all, where it is a constant."""
    variables = {id(variable) for variable in loss.get_concrete_function().variables}
    return [weight for weight in weights if id(weight.value) in variables] or weights


def save_weights(weights: Iterable[ModuleVariable], store: Any) -> None:
    """Puts weights into the store of a file."""
    for weight in weights:
        store[weight.key] = weight


def load_weights(weights: Sequence[ModuleVariable], store: Mapping[str, Any]) -> None:
    """Assigns the weights of a file.

    Raises:
      WeightsError: if the file has others.
      ValueError: from Keras, if one has another shape.
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
