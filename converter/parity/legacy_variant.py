"""Runs one graph variant of a TF1 module in sessions.

Nothing of the converter's passes is used here. The graph is TensorFlow's import of what the
exporter wrote; only asset paths, devices, random ops, `GatherTree` and the names of gradients are
touched (`legacy_graph.py`). Of a graph that is not safe to import, what no call runs is left out
(`legacy_reduction.py`).
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from converter import errors
from converter.formats.legacy_module import LegacyModule
from converter.ir import op_facts
from converter.ir.graph import Kind, Program, TensorInfo, TensorRef, VariableSpec
from converter.parity.cases import Case
from converter.parity.legacy_derivatives import Derivatives, Feeds, Outputs
from converter.parity.legacy_failure import LegacyFailure, UnrepeatableError
from converter.parity.legacy_gradients import (
    find_marked_functions,
    passes_unresolved,
)
from converter.parity.legacy_graph import prepare
from converter.parity.legacy_import import import_graph
from converter.parity.legacy_needs import PLACEHOLDERS, Needs
from converter.parity.legacy_variables import find_trainable, group_nodes, make_variable
from converter.parity.observation import (
    Call,
    Gradients,
    Loss,
    Observation,
    find_changed,
)
from converter.parity.source_facts import nodes_in_collection, ops_in_collection
from converter.parity.values import (
    Value,
    as_array,
    from_components,
    name_assets,
    to_components,
    to_parts,
)
from converter.safety.allowed_ops import AllowedOps

# Of variables that are read inside: 2.15 and 2.21, and in any graph that was loaded.
_LOST_GRADIENTS = (
    f"TensorFlow {tf.__version__} loses gradients of functional loops with loops or branches inside"
)


class LegacyVariant:
    """One graph variant, imported into a graph of its own.

    Args:
      legacy: The module.
      meta_graph: The MetaGraphDef of the variant.
      read: Reads the value of a variable.
      needs: What will be run of it.
      allowed: The unsafe ops that the user lets through.

    Raises:
      UnsafeModuleError: if what will be run of it is not safe.
      ParityError: if TensorFlow cannot import it.
    """

    def __init__(
        self,
        legacy: LegacyModule,
        meta_graph: Any,
        read: Callable[[VariableSpec], np.ndarray],
        needs: Needs,
        allowed: AllowedOps,
    ) -> None:
        self._directory = legacy.directory
        self._program: Program = legacy.variants[frozenset(meta_graph.meta_info_def.tags)]
        self.prepared = prepare(meta_graph, legacy, self._program, needs, allowed)
        initializers, first = self.prepared.reduction.initializers, self.prepared.restoring
        self._table_restorers = [name for name in initializers if name in first]
        self._table_initializers = [name for name in initializers if name not in first]
        left_out = self.prepared.reduction.left_out
        self._update_ops = [
            name for name in ops_in_collection(meta_graph, "update_ops") if name not in left_out
        ]
        self._losses = [
            name
            for name in nodes_in_collection(meta_graph, "regularization_losses")
            if name.partition(":")[0] not in left_out
        ]
        self._graph = import_graph(self.prepared.meta_graph)
        self._run_so_far: set[str] = set()
        # Read before the graph is entered: in it, an op that reads a part would not run.
        stored = [
            (nodes, spec, read(spec))
            for spec, nodes in group_nodes(self._program, find_trainable(legacy), left_out)
            if not legacy.checkpoint.lacks(spec)
        ]
        with self._graph.as_default():
            self._variables = [make_variable(self._graph, *facts) for facts in stored]
        self._derivatives = Derivatives(self._graph, self._variables, self._fetch)

    def observe(self, case: Case) -> Observation:
        """Runs a case.

        Raises:
          LegacyFailure: if the graph does not run with its inputs.
        """
        signature = self._program.signatures[case.signature]
        source = self._program.signatures.get(case.source)
        infos = {**(source.inputs if source else {}), **signature.inputs}
        feeds = _make_feeds(infos, case.inputs)
        updates = self._find_updates(feeds) if case.training else []
        observation = self._observe_call(signature.outputs, feeds, updates)
        if case.takes_endpoints:
            plain = {"default": signature.outputs["default"]}
            values, changed = self._run_call(plain, feeds, updates)
            gradients = self._known_gradients(plain, feeds)
            call = Call(to_parts(values), changed, gradients)
            observation = dataclasses.replace(observation, plain=call)
        if case.served_as:
            feeds = _make_feeds(signature.inputs, case.serving_inputs)
            values, changed = self._run(signature.outputs, feeds, ())
            gradients = self._known_gradients(signature.outputs, feeds)
            call = Call(to_parts(values), changed, gradients)
            serving = dict.fromkeys(case.served_as, call)
            observation = dataclasses.replace(observation, serving=serving)
        return observation

    def _known_gradients(self, outputs: Outputs, feeds: Feeds) -> Gradients | None:
        """The gradients; None where they cannot be computed."""
        if self._loses_gradients(self._needed(self._tensors(outputs), feeds)):
            return None
        found = self._derivatives.run(outputs, feeds)
        return None if found.error else found.gradients

    def _loses_gradients(self, needed: set[Any]) -> bool:
        return any(op.name in self.prepared.nested_loops for op in needed)

    def losses(self) -> tuple[Loss, ...]:
        """The regularization losses that are functions of the weights alone."""
        found = []
        for name in self._losses:
            loss = self._graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
            needed = self._needed([loss], ())
            if not _needs_placeholder(needed):
                with self._session() as session:
                    value = as_array(session.run(loss))
                ref = TensorRef.parse(loss.name)
                info = TensorInfo(Kind.DENSE, loss.dtype.as_datatype_enum, (), (ref,))
                gradients = self._known_gradients({"loss": info}, {})
                tags = self._program.tags
                found.append(Loss(value, self._used(needed), tags, gradients))
        return tuple(found)

    def random_ops(self) -> list[str]:
        """The random ops that were replaced in what ran so far."""
        return list(self.prepared.random.drawn_by(self._run_so_far).values())

    # Parts of an observation.

    def _observe_call(self, outputs: Outputs, feeds: Feeds, updates: Sequence[Any]) -> Observation:
        needed = self._needed([*self._tensors(outputs), *updates], feeds)
        self._check_random(needed)
        self._run_so_far.update(op.name for op in needed)
        values, changed = self._run_call(outputs, feeds, updates)
        observation = self._observe_gradients(outputs, feeds, needed)
        return dataclasses.replace(
            observation,
            outputs=values,
            drawn=frozenset(self.prepared.random.drawn_by({op.name for op in needed})),
            changed=changed,
            used=self._used(needed),
            unsure=self._unsure(needed),
        )

    def _run_call(
        self, outputs: Outputs, feeds: Feeds, updates: Sequence[Any]
    ) -> tuple[dict[str, Value], dict[str, np.ndarray]]:
        """Outputs, and the variables changed by one run of them together with `updates`.

        Update ops may race with what reads the variables, so outputs come from a run without.
        """
        values, changed = self._run(outputs, feeds, ())
        if updates:
            _, changed = self._run(outputs, feeds, updates)
        return values, changed

    def _run(
        self, outputs: Outputs, feeds: Feeds, targets: Sequence[Any]
    ) -> tuple[dict[str, Value], dict[str, np.ndarray]]:
        """Runs once; returns the outputs and the variables that the run changed."""
        fetches = {name: list(map(str, info.components)) for name, info in outputs.items()}
        with self._session() as session:
            before = self._read_all(session)
            arrays, _ = session.run((fetches, list(targets)), feeds)
            changed = find_changed(before, self._read_all(session))
        values = {
            name: from_components([as_array(array) for array in arrays[name]], info)
            for name, info in outputs.items()
        }
        return {
            name: name_assets(value, self._directory) for name, value in values.items()
        }, changed

    def _read_all(self, session: Any) -> dict[str, np.ndarray]:
        values = session.run({variable.name: variable.read for variable in self._variables})
        return {name: as_array(value) for name, value in values.items()}

    @contextlib.contextmanager
    def _session(self) -> Iterator[Any]:
        """A session with variables and tables as the module has them.

        Raises:
          LegacyFailure: if what is run in it fails.
        """
        config = tf1.ConfigProto(allow_soft_placement=True)
        # The values are those of the graph as it is written.
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        try:
            with tf1.Session(graph=self._graph, config=config) as session:
                weights = {variable.new_value: variable.value for variable in self._variables}
                session.run([variable.assign for variable in self._variables], weights)
                session.run(self._table_restorers)
                session.run(self._table_initializers)
                yield session
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise LegacyFailure(errors.summarize(error)) from error

    def _fetch(self, fetches: Mapping[str, Any], feeds: Feeds) -> Mapping[str, Any]:
        with self._session() as session:
            arrays: Mapping[str, Any] = session.run(fetches, feeds)
        return arrays

    # Gradients.

    def _observe_gradients(self, outputs: Outputs, feeds: Feeds, needed: set[Any]) -> Observation:
        """An observation of nothing but the gradients."""
        if self._loses_gradients(needed):
            return Observation(gradient_error=_LOST_GRADIENTS, gradients_lost=True)
        found = self._derivatives.run(outputs, feeds)
        some = self._derivatives.run_some(outputs, feeds) if found.error else None
        if some is None:
            unresolved = self._find_unresolved(outputs, feeds) if found.gradients else {}
            return Observation(
                gradients=found.gradients,
                gradient_error=found.error,
                gradients_lost=found.lost,
                unresolved=unresolved,
            )
        chosen = {name: outputs[name] for name in some.outputs}
        return Observation(
            gradients=some.found.gradients,
            gradients_lost=any(other.lost for other in some.others.values()),
            unresolved=self._find_unresolved(chosen, feeds),
            differentiated=some.outputs,
            undifferentiated={name: other.error for name, other in some.others.items()},
        )

    def _find_unresolved(self, outputs: Outputs, feeds: Feeds) -> dict[str, str]:
        """The variables whose gradients come through an override that nobody resolves, and why."""
        overrides = self.prepared.overrides
        if not overrides:
            return {}
        marked = find_marked_functions(self._graph)
        node, name = next(iter(overrides.items()))
        others = f" and {len(overrides) - 1} more" if len(overrides) > 1 else ""
        reason = (
            f"the original has none: it comes through a gradient of Python code that is in no file"
            f" (override {name!r} at node {node!r}{others})"
        )
        return {
            variable: reason
            for variable, gradient in self._derivatives.make(outputs, feeds).items()
            if gradient is not None and passes_unresolved(self._needed([gradient], ()), marked)
        }

    # Questions about the graph.

    def _tensors(self, outputs: Outputs) -> list[Any]:
        refs = [ref for info in outputs.values() for ref in info.components]
        return [self._graph.get_tensor_by_name(str(ref)) for ref in refs]

    def _find_updates(self, feeds: Feeds) -> list[Any]:
        """The update ops that run when only `feeds` are given."""
        ops = [self._graph.get_operation_by_name(name) for name in self._update_ops]
        return [op for op in ops if not _needs_placeholder(self._needed([op], feeds))]

    def _needed(self, roots: Iterable[Any], feeds: Collection[str]) -> set[Any]:
        """The ops that `roots`, ops or tensors, need when some tensors are fed."""
        fed_ops = {name.rpartition(":")[0] for name in feeds}
        stack = [getattr(root, "op", root) for root in roots if root.name not in feeds]
        seen: set[Any] = set()
        while stack:
            op = stack.pop()
            if op in seen:
                continue
            seen.add(op)
            stack.extend(tensor.op for tensor in op.inputs if tensor.name not in feeds)
            stack.extend(control for control in op.control_inputs if control.name not in fed_ops)
        return seen

    def _used(self, needed: set[Any]) -> frozenset[str]:
        return frozenset(
            variable.name
            for variable in self._variables
            if any(handle.op in needed for handle in variable.handles)
        )

    def _unsure(self, needed: set[Any]) -> frozenset[str]:
        """Variables that only functional control flow takes, as a whole, whatever is asked."""
        sure = {
            tensor
            for op in needed
            if op.type not in op_facts.FUNCTIONAL_CONTROL_FLOW
            for tensor in op.inputs
        }
        return frozenset(
            variable.name
            for variable in self._variables
            if sure.isdisjoint(handle.op.outputs[0] for handle in variable.handles)
        )

    def _check_random(self, needed: set[Any]) -> None:
        for name in self.prepared.random.uncomparable:
            op = self._graph.get_operation_by_name(name)
            if op in needed:
                raise UnrepeatableError(
                    f"node {name!r} of op {op.type!r} draws random numbers that cannot be made"
                    " the same on both sides"
                )


def _make_feeds(infos: Outputs, values: Mapping[str, Value]) -> dict[str, np.ndarray]:
    return {
        str(ref): array
        for name, value in values.items()
        for ref, array in zip(infos[name].components, to_components(value), strict=True)
    }


def _needs_placeholder(needed: set[Any]) -> bool:
    return any(op.type in PLACEHOLDERS for op in needed)
