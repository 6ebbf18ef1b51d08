"""The live module: https://www.tensorflow.org/hub/reusable_saved_models in TF2 terms."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter.assemble.callables import build_callable
from converter.assemble.emit import emit
from converter.assemble.resources import Resources
from converter.assemble.signatures import ServingSignatures, build_signatures
from converter.compile.compiled_module import CompiledModule, LossGraph
from converter.ir.graph import VariableSpec


class Piece(tf.Module):
    """A part of the module that cannot be called itself.

    Attributes:
      variables: The `tf.Variable`s that it uses, in the module's order.
      trainable_variables: Those of them in the module's TRAINABLE_VARIABLES.
      regularization_losses: Functions without arguments, each returning a scalar.
    """

    # tf.Module has read-only properties of these names, which the loaded object would lack.
    variables: Any = ()
    trainable_variables: Any = ()
    regularization_losses: Any = ()


class CallablePiece(Piece):
    """A part of the module that runs one signature when called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the signature; the instance's own `__call__` is a `tf.function`."""
        return self.__dict__["__call__"](*args, **kwargs)


@dataclasses.dataclass(frozen=True, slots=True)
class Reusable:
    """The live module, and what `tf.saved_model.save` needs beside it.

    Attributes:
      module: The `tf.Module`, ready to be called and saved.
      signatures: Its serving signatures.
      variables: Its variables that are the TF1 module's, and where their values are.
    """

    module: tf.Module
    signatures: ServingSignatures
    variables: Sequence[tuple[tf.Variable, VariableSpec]]


def build_reusable(compiled: CompiledModule, *, live: bool) -> Reusable:
    """Builds the live module.

    Args:
      compiled: The module.
      live: Whether it is to be used in this process, rather than only saved. Variables have
        their values then, and tables are made and filled, by ops of the module.

    Raises:
      ConversionError: if TensorFlow rejects a graph, or a value cannot be read.
    """
    return _Builder(compiled, live=live).build()


class _Builder:
    def __init__(self, compiled: CompiledModule, *, live: bool) -> None:
        self._compiled = compiled
        self._plan = compiled.plan
        self._resources = Resources(compiled.legacy, compiled.definitions, live=live)

    def build(self) -> Reusable:
        losses = [self._loss(loss) for loss in self._compiled.losses]
        pieces = {name: self._piece(name, losses) for name in self._compiled.callables}
        root = self._root(pieces, losses)
        served = build_signatures(
            self._compiled,
            {name: piece.__dict__["__call__"] for name, piece in pieces.items()},
            self._resources,
        )
        root.tf1_resources = self._resources.trackables
        return Reusable(root, served, self._resources.variables)

    def _loss(self, loss: LossGraph) -> Any:
        bindings = self._resources.bind(loss.program)
        bindings.prepare(loss.region)

        @tf.function(input_signature=[], autograph=False)
        def regularization_loss() -> tf.Tensor:
            return emit(loss.region, [], bindings)[0]

        regularization_loss.get_concrete_function()
        return regularization_loss

    def _piece(self, name: str, losses: Sequence[Any]) -> CallablePiece:
        piece = CallablePiece()
        piece.__dict__["__call__"] = build_callable(self._compiled.callables[name], self._resources)
        listed = [losses[index] for index in self._compiled.losses_of(name)]
        self._list_state(piece, self._compiled.used[name], listed)
        return piece

    def _list_state(self, piece: Piece, used: Sequence[str], losses: Sequence[Any]) -> None:
        """Lists the variables named, and the losses."""
        variables = [self._resources.variable(self._compiled.variables[name]) for name in used]
        piece.variables = variables
        piece.trainable_variables = [v for v in variables if v.trainable]
        piece.regularization_losses = list(losses)

    def _root(self, pieces: Mapping[str, CallablePiece], losses: Sequence[Any]) -> Piece:
        root = Piece()
        if self._plan.root is not None:
            root = CallablePiece()
            root.__dict__["__call__"] = pieces[self._plan.root].__dict__["__call__"]
        listed = [losses[index] for index in self._compiled.losses_of_root]
        self._list_state(root, self._compiled.used_by_root, listed)
        for name, piece in pieces.items():
            setattr(root, name, piece)
        self._add_assets()
        self._add_tokenization_info(root)
        return root

    def _add_assets(self) -> None:
        """Keeps all assets that the graphs name, whether or not a signature reads them."""
        for tags in self._plan.variants.used:
            for asset in self._compiled.legacy.variants[tags].assets.values():
                self._resources.asset(asset.filename)

    def _add_tokenization_info(self, root: Piece) -> None:
        info = self._compiled.tokenization
        if info.do_lower_case is not None:
            root.do_lower_case = tf.Variable(
                info.do_lower_case, trainable=False, name="do_lower_case"
            )
        if info.vocab_file is not None:
            root.vocab_file = self._resources.asset(info.vocab_file)
