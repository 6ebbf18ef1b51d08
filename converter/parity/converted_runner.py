"""Runs the converted model: `python -m converter.parity.converted_runner REQUEST RESPONSE`.

A process of its own sees what a user would: nothing of the TF1 module, and none of the
converter's objects. Both files are pickles, in a directory that only this user can read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import pathlib
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converter.formats.paths import Path
from converter.parity.cases import Case
from converter.parity.error_text import summarize
from converter.parity.observation import (
    Loss,
    ModuleFacts,
    Observation,
    Observations,
    PieceFacts,
    VariableFacts,
    digest,
    find_changed,
)
from converter.parity.parent_death import die_with_parent
from converter.parity.values import (
    Value,
    as_array,
    from_tensor,
    name_assets,
    part_names,
    to_components,
    to_tensor,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What to run.

    Attributes:
      directory: The SavedModel.
      cases: The calls.
      attributes: All callables that it should have.
      import_ops: Packages to import first, for the ops that they register.
      reload: Whether to load the model anew for each case: calls may change its tables.
    """

    directory: Path
    cases: tuple[Case, ...]
    attributes: tuple[str, ...]
    import_ops: tuple[str, ...] = ()
    reload: bool = False


def main(request: str, response: str) -> None:
    """Answers the request in one file with observations in the other."""
    # The parent process wrote it, into a directory that nobody else can write to.
    asked = pickle.loads(pathlib.Path(request).read_bytes())
    for package in asked.import_ops:
        importlib.import_module(package)
    pathlib.Path(response).write_bytes(pickle.dumps(run_converted(asked)))


def run_converted(request: Request) -> Observations:
    """Loads a converted model and runs cases in it."""
    with _graphs_as_written():
        runner = _Runner(request.directory, reload=request.reload)
        cases = tuple(runner.observe(case) for case in request.cases)
        runner.reset()
        return Observations(cases, runner.facts(request.attributes))


@contextlib.contextmanager
def _graphs_as_written() -> Iterator[None]:
    """Turns TensorFlow's graph rewrites off, as on the TF1 side.

    They fuse and reorder sums, which would hide the converter's differences behind their own.
    """
    option = "disable_meta_optimizer"
    before = tf.config.optimizer.get_experimental_options().get(option, False)
    tf.config.optimizer.set_experimental_options({option: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({option: before})


class _Runner:
    def __init__(self, directory: Path, *, reload: bool) -> None:
        self._directory = directory
        self._reload = reload
        self._load()

    def _load(self) -> None:
        self._module = tf.saved_model.load(str(self._directory))
        self._variables: dict[str, tf.Variable] = {}
        for piece in (self._module, *_pieces(self._module)):
            for variable in getattr(piece, "variables", ()):
                self._variables.setdefault(_tf1_name(variable), variable)
        self._initial = self._read_all()

    def reset(self) -> None:
        """Makes the state what it is after loading."""
        if self._reload:
            self._load()
        for name, variable in self._variables.items():
            variable.assign(self._initial[name])

    def observe(self, case: Case) -> Observation:
        """Runs a case; what goes wrong is part of the observation."""
        try:
            observation = self._observe_call(case)
            if case.takes_endpoints:
                observation = self._add_plain(observation, case)
            if case.is_served:
                observation = dataclasses.replace(observation, serving=self._serve(case))
        except Exception as error:  # Whatever it is, the model failed the case.
            return Observation(error=_describe_error(error))
        return observation

    def _observe_call(self, case: Case) -> Observation:
        self.reset()
        with tf.GradientTape() as tape:
            result = self._call(case, getattr(self._module, case.attribute), endpoints=True)
        changed = find_changed(self._initial, self._read_all())
        outputs = _name_outputs(result)
        gradients, error = self._differentiate(tape, list(outputs.values()))
        return Observation(
            outputs={name: self._value(tensor) for name, tensor in outputs.items()},
            gradients=gradients,
            gradient_error=error,
            changed=changed,
        )

    def _add_plain(self, observation: Observation, case: Case) -> Observation:
        self.reset()
        piece = self._module if case.is_root else getattr(self._module, case.attribute)
        plain = self._value(self._call(case, piece, endpoints=False))
        changed = find_changed(self._initial, self._read_all())
        return dataclasses.replace(observation, plain=plain, plain_changed=changed)

    def _call(self, case: Case, piece: Callable[..., Any], *, endpoints: bool) -> Any:
        inputs = {name: to_tensor(case.inputs[name]) for name in case.positional}
        args = [inputs if len(inputs) > 1 else next(iter(inputs.values()))] if inputs else []
        kwargs = {k: to_tensor(case.inputs[name]) for k, name in case.keywords.items()}
        if case.takes_training:
            kwargs["training"] = case.training
        if case.takes_endpoints:
            kwargs["return_endpoints"] = endpoints
        return piece(*args, **kwargs)

    def _serve(self, case: Case) -> dict[str, np.ndarray]:
        self.reset()
        parts = {
            case.serving_keywords.get(part, part): to_tensor(array)
            for name, value in case.serving_inputs.items()
            for part, array in zip(part_names(name, value), to_components(value), strict=True)
        }
        results = self._module.signatures[case.served_as](**parts)
        return {name: to_components(self._value(tensor))[0] for name, tensor in results.items()}

    def _differentiate(
        self, tape: tf.GradientTape, outputs: Sequence[Any]
    ) -> tuple[dict[str, np.ndarray | None], str]:
        targets = [tensor for tensor in map(_values_tensor, outputs) if tensor.dtype.is_floating]
        sources = {
            name: variable for name, variable in self._variables.items() if _is_weight(variable)
        }
        if not targets or not sources:
            return {}, ""
        try:
            found = tape.gradient(targets, list(sources.values()))
        except Exception as error:  # Whatever it is, there are no gradients.
            return {}, _describe_error(error)
        return {
            name: None if gradient is None else as_array(tf.convert_to_tensor(gradient).numpy())
            for name, gradient in zip(sources, found, strict=True)
        }, ""

    def _value(self, tensor: Any) -> Value:
        return name_assets(from_tensor(tensor), self._directory)

    def _read_all(self) -> dict[str, np.ndarray]:
        return {name: as_array(variable.numpy()) for name, variable in self._variables.items()}

    # What it has.

    def facts(self, attributes: Sequence[str]) -> ModuleFacts:
        """Everything that it lists."""
        return ModuleFacts(
            variables={name: _describe(variable) for name, variable in self._variables.items()},
            root=_piece_facts(self._module),
            callables={
                name: _piece_facts(getattr(self._module, name))
                for name in attributes
                if hasattr(self._module, name)
            },
            signatures=tuple(self._module.signatures),
        )


def _pieces(module: Any) -> list[Any]:
    return [part for part in vars(module).values() if callable(part) and hasattr(part, "variables")]


def _tf1_name(variable: tf.Variable) -> str:
    return str(variable.name).removesuffix(":0")


def _is_weight(variable: tf.Variable) -> bool:
    return variable.trainable and (variable.dtype.is_floating or variable.dtype.is_complex)


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


def _piece_facts(piece: Any) -> PieceFacts:
    return PieceFacts(
        variables=tuple(map(_tf1_name, getattr(piece, "variables", ()))),
        trainable_variables=tuple(map(_tf1_name, getattr(piece, "trainable_variables", ()))),
        losses=tuple(
            Loss(as_array(loss().numpy())) for loss in getattr(piece, "regularization_losses", ())
        ),
    )


def _describe_error(error: Exception) -> str:
    return f"{type(error).__name__}: {summarize(error)}"


def _name_outputs(result: Any) -> Mapping[str, Any]:
    """The outputs of a call by name; a call that returns one tensor returns `default`."""
    return result if isinstance(result, dict) else {"default": result}


if __name__ == "__main__":
    die_with_parent(int(sys.argv[3]))
    main(*sys.argv[1:3])
