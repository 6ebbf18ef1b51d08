"""The converted module, loaded by TensorFlow's Python loader and called as users call it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converter.compile.conventions import Spelling
from converter.parity.cases import Case
from converter.parity.converted_gradients import (
    Outputs,
    describe_error,
    differentiate,
    differentiate_in_function,
)
from converter.parity.converted_loading import load_converted
from converter.parity.observation import (
    Call,
    Gradients,
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
    name_assets,
    to_parts,
    to_tensor,
)


@dataclasses.dataclass(frozen=True, slots=True)
class _Recorded:
    """The outputs of a call, what it changed, and its gradients, or why there are none."""

    outputs: Outputs
    changed: Mapping[str, np.ndarray]
    gradients: Gradients
    error: str


class LoadedModule:
    """A converted module, whose state is made what it was before each call.

    Args:
      directory: The SavedModel.

    Attributes:
      module: What `tf.saved_model.load` returned.

    Raises:
      DamagedModelError: if its files are damaged.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self.module = load_converted(directory)
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
        recorded = self._record(
            lambda: _name_outputs(self._call(case, case.attribute, endpoints=True)),
            case.differentiated,
        )
        return Observation(
            outputs={name: self._value(tensor) for name, tensor in recorded.outputs.items()},
            gradients=recorded.gradients,
            gradient_error=recorded.error,
            changed=recorded.changed,
        )

    def call(self, case: Case) -> Call:
        """The callable's outputs and effects."""
        self.reset()
        result = self._call(case, case.attribute, endpoints=True)
        changed = self._find_changed()
        outputs = {name: self._value(tensor) for name, tensor in _name_outputs(result).items()}
        return Call(to_parts(outputs), changed)

    def call_plainly(self, case: Case) -> Call:
        """The same without endpoints, through the root if the callable is the root."""
        attribute = None if case.is_root else case.attribute
        return self._describe_call(
            lambda: _name_outputs(self._call(case, attribute, endpoints=False))
        )

    def call_by_convention(self, case: Case, name: str) -> Call:
        """The same by the name of an endpoint, or with the inputs spelled in another way."""
        spelling = case.conventions[name]
        if spelling is None:
            args, kwargs = _arguments(case)
            endpoint = getattr(self.module, name)
            return self._describe_call(lambda: _name_outputs(endpoint(*args, **kwargs)))

        def call() -> Outputs:
            result = self._call(case, None, endpoints=False, spelling=spelling)
            if isinstance(result, dict):
                return result
            return dict(zip(spelling.outputs, result, strict=True))

        # An output that has two names counts once.
        by_tf1_name = {tf1_name: name for name, tf1_name in spelling.outputs.items()}
        return self._describe_call(call, tuple(by_tf1_name.values()))

    def serve(self, name: str, parts: Mapping[str, np.ndarray]) -> Call:
        """The outputs and effects of a serving signature."""
        inputs = {key: to_tensor(value) for key, value in parts.items()}
        return self._describe_call(lambda: self.module.signatures[name](**inputs))

    def _describe_call(self, call: Callable[[], Outputs], of: Sequence[str] = ()) -> Call:
        recorded = self._record(call, of)
        values = {name: self._value(tensor) for name, tensor in recorded.outputs.items()}
        gradients = None if recorded.error else recorded.gradients
        return Call(to_parts(values), recorded.changed, gradients)

    def _record(self, call: Callable[[], Outputs], of: Sequence[str] = ()) -> _Recorded:
        """Calls under a tape; without one where TensorFlow cannot watch the call.

        TensorFlow 2 looks for gradients as soon as a tape watches a call, a Session only when it is
        asked for them.

        Args:
          call: Returns outputs by name.
          of: The outputs whose gradients are taken; all if there are none.
        """
        self.reset()
        try:
            with tf.GradientTape() as tape:
                outputs = call()
        except (LookupError, tf.errors.InvalidArgumentError) as error:
            return self._record_unwatched(call, of, error)
        changed = self._find_changed()
        found = differentiate(tape, _choose(outputs, of), self._variables)
        return _Recorded(outputs, changed, *found)

    def _record_unwatched(
        self, call: Callable[[], Outputs], of: Sequence[str], error: Exception
    ) -> _Recorded:
        self.reset()
        outputs = call()
        changed = self._find_changed()
        if isinstance(error, LookupError):  # An op has no gradient.
            return _Recorded(outputs, changed, {}, describe_error(error))
        self.reset()
        found = differentiate_in_function(lambda: _choose(call(), of), self._variables)
        return _Recorded(outputs, changed, *found)

    def _find_changed(self) -> dict[str, np.ndarray]:
        return find_changed(self._initial, self._read_all())

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

    def _owner_facts(self, owner: Any) -> ListFacts:
        return ListFacts(
            variables=tuple(map(_tf1_name, getattr(owner, "variables", ()))),
            trainable_variables=tuple(map(_tf1_name, getattr(owner, "trainable_variables", ()))),
            losses=tuple(map(self._loss, getattr(owner, "regularization_losses", ()))),
        )

    def _loss(self, function: Callable[[], tf.Tensor]) -> Loss:
        with tf.GradientTape() as tape:
            loss = function()
        gradients, error = differentiate(tape, [loss], self._variables)
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


def _tf1_name(variable: tf.Variable) -> str:
    return str(variable.name).removesuffix(":0")


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


def _choose(outputs: Outputs, names: Sequence[str]) -> list[Any]:
    return [outputs[name] for name in names or outputs]
