"""The converted module, loaded by TensorFlow's Python loader and called as users call it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converter import errors
from converter.compile.conventions import Spelling
from converter.parity.cases import Case
from converter.parity.observation import (
    Call,
    ListFacts,
    Loss,
    ModuleFacts,
    Observation,
    VariableFacts,
    digest,
    find_changed,
)
from converter.parity.values import (
    Value,
    as_array,
    from_tensor,
    loss_weights,
    name_assets,
    to_parts,
    to_tensor,
)


class LoadedModule:
    """A converted module, whose state is made what it was before each call.

    Args:
      directory: The SavedModel.

    Attributes:
      module: What `tf.saved_model.load` returned.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self.module = tf.saved_model.load(directory)
        self._variables: dict[str, tf.Variable] = {}
        callables = filter(callable, vars(self.module).values())
        for owner in (self.module, *callables):
            for variable in getattr(owner, "variables", ()):
                self._variables.setdefault(_tf1_name(variable), variable)
        self._initial = self._read_all()

    def reset(self) -> None:
        """Makes the variables what they were after loading."""
        for name, variable in self._variables.items():
            variable.assign(self._initial[name])

    def observe(self, case: Case) -> Observation:
        """The callable's outputs, gradients and effects."""
        result, tape, error = self._record(lambda: self._call(case, case.attribute, endpoints=True))
        changed = find_changed(self._initial, self._read_all())
        outputs = _name_outputs(result)
        gradients, error = self._differentiate(tape, list(outputs.values()), error)
        return Observation(
            outputs={name: self._value(tensor) for name, tensor in outputs.items()},
            gradients=gradients,
            gradient_error=error,
            changed=changed,
        )

    def call(self, case: Case) -> Call:
        """The callable's outputs and effects."""
        self.reset()
        result = self._call(case, case.attribute, endpoints=True)
        changed = find_changed(self._initial, self._read_all())
        outputs = {name: self._value(tensor) for name, tensor in _name_outputs(result).items()}
        return Call(to_parts(outputs), changed)

    def call_plainly(self, case: Case) -> Call:
        """The same without endpoints, through the root if the callable is the root."""
        attribute = None if case.is_root else case.attribute
        result, tape, error = self._record(lambda: self._call(case, attribute, endpoints=False))
        return self._describe_call(_name_outputs(result), tape, error)

    def call_by_convention(self, case: Case, name: str) -> Call:
        """The same by the name of an endpoint, or with the inputs spelled in another way."""
        spelling = case.conventions[name]
        if spelling is None:
            args, kwargs = _arguments(case)
            endpoint = getattr(self.module, name)
            result, tape, error = self._record(lambda: endpoint(*args, **kwargs))
            return self._describe_call(_name_outputs(result), tape, error)
        result, tape, error = self._record(
            lambda: self._call(case, None, endpoints=False, spelling=spelling)
        )
        if not isinstance(result, dict):
            result = dict(zip(spelling.outputs, result, strict=True))
        # An output that has two names counts once.
        by_tf1_name = {tf1_name: result[name] for name, tf1_name in spelling.outputs.items()}
        call = self._describe_call(by_tf1_name, tape, error)
        outputs = {name: self._value(tensor) for name, tensor in result.items()}
        return dataclasses.replace(call, outputs=to_parts(outputs))

    def serve(self, name: str, parts: Mapping[str, np.ndarray]) -> Call:
        """The outputs and effects of a serving signature."""
        inputs = {key: to_tensor(value) for key, value in parts.items()}
        results, tape, error = self._record(lambda: self.module.signatures[name](**inputs))
        return self._describe_call(results, tape, error)

    def _record(self, call: Callable[[], Any]) -> tuple[Any, tf.GradientTape, str]:
        """Calls under a tape; without one, and with the reason, where an op has no gradient.

        TensorFlow 2 looks for gradients as soon as a tape watches a call, a Session only when it is
        asked for them.
        """
        self.reset()
        tape = tf.GradientTape()
        try:
            with tape:
                return call(), tape, ""
        except LookupError as error:
            self.reset()
            return call(), tape, describe_error(error)

    def _describe_call(self, outputs: Mapping[str, Any], tape: tf.GradientTape, why: str) -> Call:
        changed = find_changed(self._initial, self._read_all())
        gradients, error = self._differentiate(tape, list(outputs.values()), why)
        values = {name: self._value(tensor) for name, tensor in outputs.items()}
        return Call(to_parts(values), changed, None if error else gradients)

    def facts(self, attributes: Sequence[str]) -> ModuleFacts:
        """Everything that it lists."""
        self.reset()
        return ModuleFacts(
            variables={name: _describe(variable) for name, variable in self._variables.items()},
            root=self._owner_facts(self.module),
            callables={
                name: self._owner_facts(getattr(self.module, name))
                for name in attributes
                if hasattr(self.module, name)
            },
            signatures=tuple(self.module.signatures),
        )

    def _call(
        self,
        case: Case,
        attribute: str | None,
        *,
        endpoints: bool,
        spelling: Spelling | None = None,
    ) -> Any:
        """Calls an attribute of the module, or the module itself."""
        args, kwargs = _arguments(case, spelling)
        if case.takes_training:
            kwargs["training"] = case.training
        if case.takes_endpoints:
            kwargs["return_endpoints"] = endpoints
        function = self.module if attribute is None else getattr(self.module, attribute)
        return function(*args, **kwargs)

    def _differentiate(
        self, tape: tf.GradientTape, outputs: Sequence[Any], error: str = ""
    ) -> tuple[dict[str, np.ndarray | None], str]:
        """Returns the gradients, or why there are none: `error`, if that is known already."""
        targets = [tensor for tensor in map(_values_tensor, outputs) if tensor.dtype.is_floating]
        sources = {
            name: variable
            for name, variable in self._variables.items()
            if variable.trainable and (variable.dtype.is_floating or variable.dtype.is_complex)
        }
        if not targets or not sources or error:
            return {}, error
        try:
            weights = list(map(loss_weights, targets))
            found = tape.gradient(targets, list(sources.values()), weights)
        except Exception as failure:  # Whatever it is, there are no gradients.
            return {}, describe_error(failure)
        return {
            name: None if gradient is None else as_array(tf.convert_to_tensor(gradient).numpy())
            for name, gradient in zip(sources, found, strict=True)
        }, ""

    def _owner_facts(self, owner: Any) -> ListFacts:
        return ListFacts(
            variables=tuple(map(_tf1_name, getattr(owner, "variables", ()))),
            trainable_variables=tuple(map(_tf1_name, getattr(owner, "trainable_variables", ()))),
            losses=tuple(map(self._loss, getattr(owner, "regularization_losses", ()))),
        )

    def _loss(self, function: Callable[[], tf.Tensor]) -> Loss:
        with tf.GradientTape() as tape:
            loss = function()
        gradients, error = self._differentiate(tape, [loss])
        return Loss(as_array(loss.numpy()), gradients=None if error else gradients)

    def _value(self, tensor: Any) -> Value:
        return name_assets(from_tensor(tensor), self._directory)

    def _read_all(self) -> dict[str, np.ndarray]:
        return {name: as_array(variable.numpy()) for name, variable in self._variables.items()}


def _arguments(case: Case, spelling: Spelling | None = None) -> tuple[list[Any], dict[str, Any]]:
    """The inputs of a case as an argument, if it has any, and its hparams as keyword arguments."""
    inputs = {name: to_tensor(case.inputs[name]) for name in case.positional}
    kwargs = {k: to_tensor(case.inputs[name]) for k, name in case.keywords.items()}
    if spelling is not None:
        return [spelling.write(inputs)], kwargs
    return [inputs if len(inputs) > 1 else next(iter(inputs.values()))] if inputs else [], kwargs


def describe_error(error: Exception) -> str:
    """The type of an error, and what it says in one line."""
    return f"{type(error).__name__}: {errors.summarize(error)}"


def _tf1_name(variable: tf.Variable) -> str:
    return str(variable.name).removesuffix(":0")


def _values_tensor(output: Any) -> tf.Tensor:
    if isinstance(output, tf.SparseTensor):
        return output.values
    return output.flat_values if isinstance(output, tf.RaggedTensor) else output


def _describe(variable: tf.Variable) -> VariableFacts:
    shape = None if variable.shape.rank is None else tuple(variable.shape.as_list())
    return VariableFacts(
        dtype=variable.dtype.name,
        shape=shape,
        trainable=bool(variable.trainable),
        digest=digest(as_array(variable.numpy())),
    )


def _name_outputs(result: Any) -> Mapping[str, Any]:
    """The outputs of a call by name; a call that returns one tensor returns `default`."""
    return result if isinstance(result, dict) else {"default": result}
