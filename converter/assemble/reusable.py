"""The live module: https://www.tensorflow.org/hub/reusable_saved_models in TF2 terms."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter.assemble import signatures
from converter.assemble.callables import CallableBuilder, Computation, variable_names
from converter.assemble.emit import emit
from converter.assemble.plan import ModulePlan, read_scalar
from converter.assemble.resources import Resources
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import Kind, Program, TensorRef, VariableSpec
from converter.passes.pipeline import run_passes
from converter.passes.prune_unreachable import needs_placeholder, prune_unreachable


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
class Loss:
    """A regularization loss: its place in the collection, its graph and its function."""

    index: int
    variables: frozenset[str]
    function: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Dropped:
    """Something of the TF1 module that the converted one does not have."""

    what: str
    name: str
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Reusable:
    """The live module, and what a record says of it.

    Attributes:
      module: The `tf.Module`, ready to be called and saved.
      signatures: For `tf.saved_model.save`.
      variables: The specs of its variables, in order.
      variables_used: For each callable, the names of the variables that it uses.
      losses_used: For each callable, the indices of the losses that it lists.
      update_ops: For each callable, the update ops that its training mode runs.
      dropped: What was left out.
    """

    module: tf.Module
    signatures: signatures.ServingSignatures
    variables: tuple[VariableSpec, ...]
    variables_used: Mapping[str, tuple[str, ...]]
    losses_used: Mapping[str, tuple[int, ...]]
    update_ops: Mapping[str, tuple[str, ...]]
    dropped: tuple[Dropped, ...]


def build_reusable(legacy: LegacyModule, plan: ModulePlan, *, live: bool) -> Reusable:
    """Builds the live module.

    Args:
      legacy: The TF1 module.
      plan: What to build.
      live: Whether it is to be used in this process, rather than only saved. Tables are made
        and filled then, by ops of the module.

    Raises:
      ConversionError: if anything of it cannot be carried over exactly.
    """
    return _Builder(legacy, plan, live=live).build()


class _Builder:
    def __init__(self, legacy: LegacyModule, plan: ModulePlan, *, live: bool) -> None:
        self._legacy = legacy
        self._plan = plan
        self._resources = Resources(legacy, live=live)
        self._dropped: list[Dropped] = []

    def build(self) -> Reusable:
        builders = {
            name: CallableBuilder(callable_plan, self._legacy, self._resources)
            for name, callable_plan in self._plan.callables.items()
        }
        used = {name: _used_by(builder.computations()) for name, builder in builders.items()}
        specs = self._variable_specs(set().union(*used.values()))
        losses = self._losses()
        pieces = {
            name: self._piece(builder, used[name], specs, losses)
            for name, builder in builders.items()
        }
        root = self._root(pieces, specs, losses)
        losses_used = {name: _losses_of(used[name], losses) for name in builders}
        self._drop_unused_losses(losses, losses_used)
        return Reusable(
            module=root,
            signatures=signatures.build_signatures(self._legacy, self._plan, self._resources),
            variables=tuple(specs.values()),
            variables_used={
                name: tuple(v for v in specs if v in names) for name, names in used.items()
            },
            losses_used=losses_used,
            update_ops={
                name: builder.computations()[-1].update_ops for name, builder in builders.items()
            },
            dropped=(*self._dropped, *self._other_dropped(builders)),
        )

    def _variable_specs(self, used: set[str]) -> dict[str, VariableSpec]:
        """The variables that some callable uses, by name, in the order of the collections."""
        specs: dict[str, VariableSpec] = {}
        for tags in self._used_variants():
            for spec in self._legacy.variants[tags].variables.values():
                specs.setdefault(spec.name, spec)
        for name in sorted(set(specs) - used):
            self._dropped.append(Dropped("variable", name, "no signature uses it"))
        return {name: spec for name, spec in specs.items() if name in used}

    def _used_variants(self) -> list[frozenset[str]]:
        chosen = self._plan.variants
        pair = [tags for tags in (chosen.inference, chosen.training) if tags is not None]
        return [*pair, *chosen.others]

    # Losses.

    def _losses(self) -> list[Loss]:
        chosen = self._plan.variants
        if chosen.training is not None:
            tags = chosen.training
        elif chosen.inference is not None:
            tags = chosen.inference
        else:
            return [loss for tags in chosen.others for loss in self._losses_of_variant(tags)]
        return self._losses_of_variant(tags)

    def _losses_of_variant(self, tags: frozenset[str]) -> list[Loss]:
        program = self._legacy.variants[tags]
        losses = []
        for index, ref in enumerate(program.regularization_losses):
            if needs_placeholder(program, {}, ref.node):
                why = "it depends on an input, so it is no function of the weights"
                self._dropped.append(Dropped("regularization loss", str(ref), why))
            else:
                losses.append(self._loss(program, index, ref))
        return losses

    def _loss(self, program: Program, index: int, ref: TensorRef) -> Loss:
        graph, _ = run_passes(prune_unreachable(program, {}, [ref]), program)
        bindings = self._resources.bind(program)
        bindings.prepare(graph)

        @tf.function(input_signature=[], autograph=False)
        def regularization_loss() -> tf.Tensor:
            return emit(graph, [], bindings)[0]

        regularization_loss.get_concrete_function()
        return Loss(index, frozenset(variable_names(graph)), regularization_loss)

    def _drop_unused_losses(
        self, losses: Sequence[Loss], losses_used: Mapping[str, tuple[int, ...]]
    ) -> None:
        listed = {index for indices in losses_used.values() for index in indices}
        for loss in losses:
            if loss.index not in listed:
                why = f"no callable uses all of its variables {sorted(loss.variables)}"
                self._dropped.append(Dropped("regularization loss", str(loss.index), why))

    # The objects.

    def _piece(
        self,
        builder: CallableBuilder,
        used: set[str],
        specs: Mapping[str, VariableSpec],
        losses: Sequence[Loss],
    ) -> CallablePiece:
        piece = CallablePiece()
        piece.__dict__["__call__"] = builder.build()
        self._list_state(piece, [spec for name, spec in specs.items() if name in used])
        piece.regularization_losses = [
            loss.function for loss in losses if loss.variables <= used
        ]
        return piece

    def _list_state(self, piece: Piece, specs: Iterable[VariableSpec]) -> None:
        variables = [self._resources.variable(spec) for spec in specs]
        piece.variables = variables
        piece.trainable_variables = [v for v in variables if v.trainable]

    def _root(
        self,
        pieces: Mapping[str, CallablePiece],
        specs: Mapping[str, VariableSpec],
        losses: Sequence[Loss],
    ) -> Piece:
        if self._plan.root is None:
            root = Piece()
            self._list_state(root, specs.values())
            root.regularization_losses = [loss.function for loss in losses]
        else:
            own = pieces[self._plan.root]
            root = CallablePiece()
            root.__dict__["__call__"] = own.__dict__["__call__"]
            root.variables = list(own.variables)
            root.trainable_variables = list(own.trainable_variables)
            root.regularization_losses = list(own.regularization_losses)
        for name, piece in pieces.items():
            setattr(root, name, piece)
        self._add_tokenization_info(root)
        root.tf1_resources = self._resources.trackables
        return root

    def _add_tokenization_info(self, root: Piece) -> None:
        """Adds what TF2 code for BERT reads off a model: the vocabulary, and whether to fold case.

        Source: the attributes that tensorflow/models' `export_tfhub.py` sets.
        """
        for callable_plan in self._plan.callables.values():
            if callable_plan.signature != "tokenization_info":
                continue
            program = self._legacy.variants[callable_plan.tags]
            outputs = program.signatures["tokenization_info"].outputs
            for name, info in outputs.items():
                node = program.nodes[info.components[0].node]
                if name == "vocab_file" and info.kind is Kind.DENSE and node.name in program.assets:
                    root.vocab_file = self._resources.asset(program.assets[node.name].filename)
                elif name == "do_lower_case" and isinstance(read_scalar(node), bool):
                    root.do_lower_case = tf.Variable(
                        read_scalar(node), trainable=False, name="do_lower_case"
                    )
            return

    # What the converted module lacks.

    def _other_dropped(self, builders: Mapping[str, CallableBuilder]) -> list[Dropped]:
        dropped = []
        run = {name for b in builders.values() for c in b.computations() for name in c.update_ops}
        for tags in self._used_variants():
            program = self._legacy.variants[tags]
            if tags != self._plan.variants.training and program.update_ops:
                why = "this graph variant has no training mode, so calls do not run it"
            else:
                why = "no signature feeds all of its inputs"
            dropped += [
                Dropped("update op", name, why) for name in program.update_ops if name not in run
            ]
        return dropped


def _used_by(computations: Iterable[Computation]) -> set[str]:
    return set().union(*(computation.variable_names() for computation in computations))


def _losses_of(used: set[str], losses: Sequence[Loss]) -> tuple[int, ...]:
    return tuple(loss.index for loss in losses if loss.variables <= used)

