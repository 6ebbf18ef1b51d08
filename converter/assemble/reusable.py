"""Builds the live module with the interface of a reusable SavedModel.

Source: https://www.tensorflow.org/hub/reusable_saved_models
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter import errors
from converter.assemble.callables import (
    TracedCallable,
    build_callable,
    build_training_endpoint,
)
from converter.assemble.emit import emit
from converter.assemble.live_calls import describe_call
from converter.assemble.resources import Resources
from converter.assemble.signatures import ServedFunction, serve_functions
from converter.compile.compiled_module import CompiledModule, LossGraph
from converter.display.shown import to_html
from converter.ir.graph import VariableSpec
from converter.printable import printable


class ReusableModule(tf.Module):
    """A module, or one of its callables, with the state that users of it look for.

    Attributes:
      variables: The `tf.Variable`s that it uses, in the module's order.
      trainable_variables: Those in the module's TRAINABLE_VARIABLES collection.
      regularization_losses: Functions without arguments, each returning a scalar.
    """

    # tf.Module has read-only properties of these names, which the loaded object would lack.
    variables: Any = ()
    trainable_variables: Any = ()
    regularization_losses: Any = ()

    def __repr__(self) -> str:
        """One line: how to call it, if that is known, and what else there is to call."""
        call, parts = self.__dict__.get("_live_call"), self.__dict__.get("_live_parts", ())
        shown = ["a module" if call is None else str(call)]
        shown += [f"callables {', '.join(parts)}"] if parts else []
        return f"<{printable('; '.join(shown))}>"

    def __str__(self) -> str:
        """A line for each call."""
        calls = [self.__dict__.get("_live_call"), *self.__dict__.get("_live_parts", {}).values()]
        lines = [printable(str(call)) for call in calls if call is not None]
        return "\n".join(lines) or repr(self)

    def _repr_html_(self) -> str:
        return to_html(lambda console: console.print(str(self), markup=False, soft_wrap=True))


class CallableModule(ReusableModule):
    """A module that runs one signature when it is called."""

    @tf.autograph.experimental.do_not_convert
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the signature; the instance's own `__call__` is a `tf.function`.

        Raises:
          CallError: if the inputs are not those that it takes.
        """
        call = self.__dict__.get("_live_call")
        if call is None:
            return self.__dict__["__call__"](*args, **kwargs)
        call.check(args, kwargs)
        try:
            return self.__dict__["__call__"](*args, **kwargs)
        except (TypeError, ValueError, tf.errors.OpError, errors.ConversionError) as error:
            explained = call.explain(args, kwargs)
            if explained is None:
                raise
            raise explained from error


@dataclasses.dataclass(frozen=True, slots=True)
class Reusable:
    """The live module, with its signatures and variables for saving.

    Attributes:
      module: The `tf.Module`, ready to be called and saved.
      signatures: Its serving signatures, by name.
      variables: The TF1 module's variables, and where their values are.
      shared_traces: The concrete functions that functions of the module have in a SavedModel, by
        attribute, where these were not traced themselves.
    """

    module: tf.Module
    signatures: Mapping[str, ServedFunction]
    variables: Sequence[tuple[tf.Variable, VariableSpec]]
    shared_traces: Mapping[str, Sequence[Any]] = dataclasses.field(default_factory=dict)


def build_reusable(compiled: CompiledModule, *, live: bool) -> Reusable:
    """Builds the live module.

    Args:
      compiled: The module.
      live: Whether it will be used in this process, rather than only saved. If so, variables get
        their values, and the module's own ops create and fill its tables.

    Raises:
      ConversionError: if TensorFlow rejects a graph, or a value cannot be read.
    """
    return _Builder(compiled, live=live).build()


class _Builder:
    def __init__(self, compiled: CompiledModule, *, live: bool) -> None:
        self._compiled = compiled
        self._live = live
        self._resources = Resources(compiled.legacy, compiled.definitions, live=live)

    def build(self) -> Reusable:
        losses = [self._build_loss(loss) for loss in self._compiled.losses]
        traced: dict[str, TracedCallable] = {}
        callables: dict[str, ReusableModule] = {}
        for name, part in self._compiled.callables.items():
            traced[name] = build_callable(part, self._resources)
            listed = [losses[index] for index in self._compiled.losses_of(name)]
            used = self._compiled.used[name]
            callables[name] = self._build_module(traced[name].function, used, listed)
        root = self._build_root(traced, losses)
        for name, module in callables.items():
            setattr(root, name, module)
        if self._live:
            self._describe_calls(root, callables)
        shared = self._add_endpoints(root, traced)
        self._add_assets(root)
        served = serve_functions(self._compiled, traced)
        root.tf1_resources = self._resources.trackables
        return Reusable(root, served, self._resources.variables, shared)

    def _describe_calls(
        self, root: ReusableModule, callables: Mapping[str, ReusableModule]
    ) -> None:
        """Lets a module and its callables say how they are called."""
        parts = {name: describe_call(f"module.{name}", self._compiled.callables[name])
                 for name in callables}  # fmt: skip
        for name, module in callables.items():
            object.__setattr__(module, "_live_call", parts[name])
        object.__setattr__(root, "_live_parts", parts)
        if self._compiled.plan.root is not None:
            call = dataclasses.replace(parts[self._compiled.plan.root], callee="module")
            object.__setattr__(root, "_live_call", call)

    def _build_loss(self, loss: LossGraph) -> Any:
        bindings = self._resources.bind(loss.program)
        bindings.prepare(loss.region)

        @tf.function(input_signature=[], autograph=False)
        def regularization_loss() -> tf.Tensor:
            return emit(loss.region, [], bindings)[0]

        regularization_loss.get_concrete_function()
        return regularization_loss

    def _build_root(
        self, traced: Mapping[str, TracedCallable], losses: Sequence[Any]
    ) -> ReusableModule:
        root = self._compiled.plan.root
        function = None if root is None else traced[root].function
        listed = [losses[index] for index in self._compiled.losses_of_root]
        return self._build_module(function, self._compiled.used_by_root, listed)

    def _build_module(
        self, function: Any | None, used: Sequence[str], losses: Sequence[Any]
    ) -> ReusableModule:
        """Builds a module that calls `function` and lists these variables and losses."""
        module = ReusableModule() if function is None else CallableModule()
        if function is not None:
            module.__dict__["__call__"] = function
        variables = [self._resources.variable(self._compiled.variables[name]) for name in used]
        module.variables = variables
        module.trainable_variables = [v for v in variables if v.trainable]
        module.regularization_losses = list(losses)
        return module

    def _add_endpoints(
        self, root: ReusableModule, traced: Mapping[str, TracedCallable]
    ) -> dict[str, Sequence[Any]]:
        """Adds the attributes that call the root; returns the traces that they share."""
        plan = self._compiled.plan
        shared: dict[str, Sequence[Any]] = {}
        for name, trains in plan.endpoints.items():
            made = traced[str(plan.root)]
            function = made.function
            if trains:
                part = self._compiled.callables[str(plan.root)]
                function = build_training_endpoint(name, part, made, live=self._live)
                shared |= {} if self._live else {name: made.training_traces}
            setattr(root, name, function)
        return shared

    def _add_assets(self, root: ReusableModule) -> None:
        """Keeps all assets that the graphs name, whether or not a signature reads them."""
        for tags in self._compiled.plan.variants.used:
            for asset in self._compiled.legacy.variants[tags].assets.values():
                self._resources.asset(asset.filename)
        info = self._compiled.tokenization
        if info.do_lower_case is not None:
            root.do_lower_case = tf.Variable(
                info.do_lower_case, trainable=False, name="do_lower_case"
            )
        for name, file in info.files.items():
            setattr(root, name, self._resources.asset(file))
