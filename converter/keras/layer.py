"""A converted module as a layer of Keras 3."""

from __future__ import annotations

import contextvars
import os
import pathlib
import re
from typing import Any

import keras
import msgspec
import tensorflow as tf

from converter import errors
from converter.export.record import ValueInfo
from converter.files.json_values import to_json_values
from converter.files.paths import StrPath
from converter.keras import saved_model
from converter.keras.arguments import cast_inputs, check_arguments, check_input_names
from converter.keras.interface import Interface, read_interface
from converter.keras.origin import Origin, find_origin, has_module, unpack
from converter.keras.weights import (
    attach_losses,
    load_weights,
    make_weights,
    save_weights,
)

_FOLDER = "saved_model"
# The interface of the layer that `from_config` makes, which loads the SavedModel if it may.
_KNOWN: contextvars.ContextVar[Interface | None] = contextvars.ContextVar("_KNOWN", default=None)


@keras.saving.register_keras_serializable(package="tf1hub")
class ModuleLayer(keras.layers.Layer):
    """A module that `tf1hub convert` converted, as a layer.

    Its `weights` are the module's variables, under their TF1 names. In training it runs the
    module's training graph and its update ops, as long as it is `trainable`. The module's
    regularization losses are the regularizers of its weights: they are in `losses`.

    One input is a tensor (`tf.SparseTensor` and `tf.RaggedTensor` included), several are a dict by
    their TF1 names. The result is the output `default`, or a dict of all where there is none.

    The graph has the dtypes that it was exported with. Under another policy than float32, such as
    `mixed_float16`, the layer casts at its border only: inputs to the dtypes of the graph, outputs
    of floats to the policy's `compute_dtype`.

    A `.keras` file has the SavedModel in it. Import this class before `keras.models.load_model`.

    Args:
      path: The directory of the converted module, local or any that TensorFlow can read.
      signature: The TF1 signature to call; the module's own call if absent.
      trainable: Whether the module's trainable variables train.
      output_key: The output to return.
      return_endpoints: Whether to return a dict of all outputs rather than `default`.
      name: The name of the layer.
      dtype: Its dtype policy.
      **hparams: Hyperparameters of the signature, such as `batch_norm_momentum`.

    Raises:
      UsageError: if `path` is not a converted module, is not UTF-8, or cannot be called like that.
      ParityError: if its record is damaged.
      FormatError: if the SavedModel lacks a variable of its record, or cannot be loaded.
      WeightsError: if its weights are damaged.
      ConversionError: if a trainable variable cannot be a weight of Keras.

    Example:
      ```python
      import keras
      from converter.keras import ModuleLayer

      layer = ModuleLayer("saved_model", batch_norm_momentum=0.9)
      layer.freeze("Conv2d_1a")
      model = keras.Sequential([keras.Input((16, 16, 3)), layer, keras.layers.Dense(4)])
      ```
    """

    def __init__(
        self,
        path: StrPath,
        signature: str | None = None,
        *,
        trainable: bool = True,
        output_key: str | None = None,
        return_endpoints: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **hparams: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, dtype=dtype, autocast=False)
        self._given_path = os.fspath(path)
        origin, known = Origin(path), _KNOWN.get()
        self._interface = known or read_interface(origin.directory, signature)
        self._calling = check_arguments(
            self._interface.function,
            signature,
            output_key,
            hparams,
            return_endpoints=return_endpoints,
        )
        for weight in make_weights(self._interface.variables, self.name):
            self._track_variable(weight)
        self._module: Any = None
        self._origin: Origin | None = None
        self._refusal: errors.ConversionError | None = None
        if known is None:
            self._load(origin)
        self.built = True

    def _load(self, origin: Origin) -> None:
        """Loads the SavedModel into the weights."""
        variables = {weight.name: weight.value for weight in self.weights}
        self._module = saved_model.load_into(origin.directory, variables)
        self._origin, self._given_path = origin, origin.given
        origin.remember()
        function = getattr(self._module, self._interface.attribute)
        attach_losses(function.regularization_losses, self.weights)
        self.supports_jit = saved_model.can_compile(function.__call__)

    def _load_configured(self) -> None:
        """Loads the SavedModel that a configuration names, if it is there and does no harm.

        What stands against it is an error of the first call: a `.keras` file has its own copy.
        """
        try:
            origin = find_origin(self._given_path, self._interface)
            if origin is not None:
                self._load(origin)
        except OSError:  # The path is one of another machine.
            return
        except errors.ConversionError as error:
            self._refusal = error

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Runs the signature.

        Args:
          inputs: A tensor, or a dict of tensors by the TF1 names of the inputs.
          training: Whether to run the training graph, if the layer is trainable.

        Returns:
          A tensor, or a dict of all outputs.

        Raises:
          UsageError: if the inputs have other names, or the SavedModel is missing.
          UnsafeModuleError: if only a configuration names the SavedModel, and it could do harm.
        """
        if self._module is None:
            raise self._refusal or errors.UsageError(
                f"{self._given_path} is not the module that the layer was made from",
                remedy="Load the model from its .keras file, which has the SavedModel in it.",
            )
        interface = self._interface
        outputs = getattr(self._module, interface.attribute)(
            cast_inputs(inputs, interface.function),
            **self._calling.keywords(
                interface.function, training=bool(training) and self.trainable
            ),
        )
        return tf.nest.map_structure(self._cast_output, self._calling.select(outputs))

    def _cast_output(self, output: Any) -> Any:
        return tf.cast(output, self._output_dtype(output.dtype.name))

    def _output_dtype(self, dtype: str) -> str:
        """Returns the dtype of an output of the graph after the layer's border."""
        is_changed = self.compute_dtype != "float32" and tf.as_dtype(dtype).is_floating
        return self.compute_dtype if is_changed else dtype

    def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        """Returns the symbolic outputs, which the record describes: nothing runs.

        Raises:
          UsageError: if an output has an unknown rank, or the inputs have other names.
        """
        del training
        check_input_names(inputs, self._interface.function)
        return self._symbols()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shapes of the outputs, for which wrappers such as `TimeDistributed` ask.

        Raises:
          UsageError: if an output has an unknown rank.
        """
        del input_shape
        return keras.tree.map_structure(lambda symbol: symbol.shape, self._symbols())

    def _symbols(self) -> Any:
        outputs = self._calling.outputs(self._interface.function)
        if isinstance(outputs, ValueInfo):
            return self._symbol("default", outputs)
        return {name: self._symbol(name, info) for name, info in outputs.items()}

    def freeze(self, pattern: str) -> list[str]:
        """Stops the training of weights; compile the model afterwards.

        Args:
          pattern: A regular expression that is found in their TF1 names.

        Returns:
          Their names.

        Raises:
          UsageError: if it is not a regular expression, or is found in no name.
        """
        return self._set_frozen(pattern, frozen=True)

    def unfreeze(self, pattern: str = "") -> list[str]:
        """Lets frozen weights train again: those whose names `pattern` is found in, or all."""
        return self._set_frozen(pattern, frozen=False)

    def _set_frozen(self, pattern: str, *, frozen: bool) -> list[str]:
        try:
            regex = re.compile(pattern)
        except re.error as error:
            raise errors.UsageError(
                f"{pattern!r} is not a regular expression: {error}", remedy="Correct the pattern."
            ) from error
        found = [weight for weight in self.weights if regex.search(weight.name)]
        if not found:
            examples = ", ".join(repr(weight.name) for weight in self.weights[:3])
            raise errors.UsageError(
                f"{pattern!r} matches the name of no weight",
                remedy=f"Names of weights are {examples or 'missing: there are no weights'}.",
            )
        for weight in found:
            weight.frozen = frozen
        return [weight.name for weight in found]

    def _symbol(self, name: str, info: ValueInfo) -> Any:
        if info.shape is None:
            raise errors.UsageError(
                f"output {name!r} has an unknown rank, for which Keras has no symbolic tensor",
                remedy="Call the layer in the call method of a model of your own.",
            )
        kind = {} if info.kind == "dense" else {info.kind: True}
        return keras.KerasTensor(info.shape, self._output_dtype(info.dtype), **kind)

    def get_config(self) -> dict[str, Any]:
        """Returns JSON values from which `from_config` makes an equal layer."""
        return {
            **super().get_config(),
            "path": self._given_path,
            "signature": self._calling.signature,
            "output_key": self._calling.output_key,
            "return_endpoints": self._calling.return_endpoints,
            "hparams": dict(self._calling.hparams),
            "frozen": [weight.name for weight in self.weights if weight.frozen],
            "supports_jit": self.supports_jit,
            "interface": to_json_values(self._interface),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ModuleLayer:
        """Makes a layer, without the SavedModel where its path has another, an unsafe one, or none.

        A `.keras` file brings the SavedModel along; without it, the layer has its symbolic outputs
        and can load weights, but cannot be called. A SavedModel that no layer of this process has
        loaded is scanned first, and has to be a local one.

        Raises:
          UsageError: if the configuration is not one of `get_config`.
        """
        given = dict(config)
        try:
            interface = msgspec.convert(given.pop("interface"), Interface)
            frozen, hparams = set(given.pop("frozen")), given.pop("hparams")
            supports_jit = given.pop("supports_jit")
        except (KeyError, msgspec.ValidationError) as error:
            raise errors.UsageError(
                f"the configuration is not one of a ModuleLayer: {error}",
                remedy="Save the model again with this version.",
            ) from error
        token = _KNOWN.set(interface)
        try:
            layer = cls(**given, **hparams)
        finally:
            _KNOWN.reset(token)
        layer._load_configured()
        layer.supports_jit = supports_jit  # Models are compiled before the SavedModel is loaded.
        for weight in layer.weights:
            weight.frozen = weight.name in frozen
        return layer

    def save_own_variables(self, store: Any) -> None:
        """Saves the weights, under their TF1 names, where a slash is `%2F`."""
        save_weights(self.weights, store)

    def load_own_variables(self, store: Any) -> None:
        """Loads what `save_own_variables` saved.

        Raises:
          WeightsError: if these are the weights of another module.
        """
        load_weights(self.weights, store)

    def save_assets(self, dir_path: str) -> None:
        """Copies the SavedModel, with the weights that it was converted with, into a `.keras` file.

        Raises:
          UsageError: if it is not there any more, or was replaced.
        """
        directory = self._origin.directory if self._origin else None
        if directory is None or not has_module(directory, self._interface):
            raise errors.UsageError(
                f"{directory or self._given_path} is gone or was replaced since the layer"
                " loaded it",
                remedy="Save the weights, make the layer again, and load them.",
            )
        saved_model.copy_files(directory, pathlib.Path(dir_path) / _FOLDER)

    def load_assets(self, dir_path: str) -> None:
        """Loads the SavedModel of a `.keras` file, after its weights, unless it is loaded already.

        Raises:
          UnsafeModuleError: if the SavedModel could do harm to this machine.
          UsageError: if the file has another SavedModel, or none.
        """
        if self._module is not None:
            return
        source = pathlib.Path(dir_path) / _FOLDER
        if not has_module(source, self._interface):
            raise errors.UsageError(
                "the file lacks the SavedModel of the layer", remedy="Save the model again."
            )
        origin = unpack(source)
        values = [weight.numpy() for weight in self.weights]
        self._load(origin)
        for weight, value in zip(self.weights, values, strict=True):
            weight.assign(value)
