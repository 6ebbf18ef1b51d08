"""Computes values that no checkpoint holds, by running the initializers of variables in a session.

`hub.create_module_spec` keeps no values: whoever makes a module of the spec runs the initializers
of its variables, with the seeds in the graph, and so does this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from converter import errors
from converter.ir import op_facts, query
from converter.ir.attributes import functions_in
from converter.ir.graph import Nodes
from converter.ir.serde import nodes_from_graph_def
from converter.safety.allowed_ops import AllowedOps
from converter.safety.check_safety import check_graph_def
from converter.sources.module_variables import ModuleVariable, StoredValue, list_variables, store

# `tf.train.init_from_checkpoint` makes initializers of them, as a module within a module does.
_RESTORES = frozenset({"RestoreV2"})
# Other random ops have attributes for seeds.
_NEVER_SEEDED = frozenset({"NonDeterministicInts"})


@dataclasses.dataclass(frozen=True, slots=True)
class InitialValues:
    """The values of all variables of a module.

    Attributes:
      values: Each variable once, with its value.
      unseeded: The names of those whose initializers draw random numbers without a seed.
    """

    values: tuple[StoredValue, ...]
    unseeded: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Assignment:
    """An op that assigns a variable the value that a placeholder is fed."""

    op: Any
    placeholder: Any
    value: np.ndarray


def run_initializers(meta_graphs: Iterable[Any], allowed: AllowedOps) -> InitialValues:
    """Runs the initializers of all variables.

    Graph variants share variables by name. The first that has a variable initializes it: the one
    without tags, then the others in their order.

    Args:
      meta_graphs: The MetaGraphDefs, which a `module_fn` made in this process.
      allowed: The ops that the user lets through.

    Raises:
      UnsafeModuleError: if an initializer needs an op that is not allowed.
      WeightsError: if an initializer fails.
    """
    values: dict[str, StoredValue] = {}
    unseeded: list[str] = []
    for meta_graph in sorted(meta_graphs, key=lambda graph: bool(graph.meta_info_def.tags)):
        variant = _Variant(meta_graph)
        new = [v for v in variant.variables if v.spec.name not in values]
        if new:
            unseeded += variant.find_unseeded(new)
            values |= variant.initialize(new, values, allowed)
    return InitialValues(tuple(values.values()), tuple(unseeded))


class _Variant:
    """The variables of one graph variant, and what initializes them."""

    def __init__(self, meta_graph: Any) -> None:
        self._graph_def = meta_graph.graph_def
        self._nodes: Nodes = nodes_from_graph_def(self._graph_def)
        self._node_defs = {node.name: node for node in self._graph_def.node}
        self._functions = {f.signature.name: f for f in self._graph_def.library.function}
        self.variables = list_variables(meta_graph, self._nodes)

    def initialize(
        self,
        new: Sequence[ModuleVariable],
        known: Mapping[str, StoredValue],
        allowed: AllowedOps,
    ) -> dict[str, StoredValue]:
        """Initializes the variables `new`, as TF1 does: all at once, beside those `known`."""
        graph_def = self._cut(v.initializer for v in self.variables)
        check_graph_def(graph_def, allowed, ignored=_RESTORES)
        with tf.Graph().as_default() as graph:
            try:
                tf.import_graph_def(graph_def, name="")
                assign = [
                    _assign(graph, v, known[v.spec.name].value)
                    for v in self.variables
                    if v.spec.name in known
                ]
                ops = [graph.get_operation_by_name(v.initializer) for v in new]
                values = _run(graph, assign, ops, [_read(graph, v) for v in new])
            except (tf.errors.OpError, ValueError) as error:
                raise errors.WeightsError(
                    f"the initializers of the variables fail: {errors.summarize(error)}",
                    remedy="Run them in a session of TensorFlow 1, which says more.",
                ) from error
        return {
            variable.spec.name: store(variable.spec, value)
            for variable, value in zip(new, values, strict=True)
        }

    def find_unseeded(self, variables: Iterable[ModuleVariable]) -> Iterator[str]:
        """Yields the names of variables whose initializers draw other numbers in each session."""
        for variable in variables:
            needed = query.reachable(self._nodes, [variable.initializer])
            node_defs = [self._node_defs[name] for name in needed]
            called = self._find_functions(node_defs)
            bodies = [node_defs, *(function.node_def for function in called)]
            if any(_draws_unseeded(node) for body in bodies for node in body):
                yield variable.spec.name

    def _cut(self, roots: Iterable[str]) -> Any:
        """The GraphDef of the nodes that `roots` need, without placement."""
        needed = query.reachable(self._nodes, roots)
        cut = type(self._graph_def)(versions=self._graph_def.versions)
        cut.node.extend(node for node in self._graph_def.node if node.name in needed)
        cut.library.function.extend(self._find_functions(cut.node))
        for body in (cut.node, *(function.node_def for function in cut.library.function)):
            for node in body:
                node.device = ""
                node.attr.pop("_class", None)  # It may name a node that is not needed.
        return cut

    def _find_functions(self, node_defs: Iterable[Any]) -> list[Any]:
        """The functions that nodes call, through others too, in the order of the library."""
        found: set[str] = set()
        waiting = list(node_defs)
        while waiting:
            more = {name for name in _named(waiting.pop()) if name in self._functions} - found
            found |= more
            waiting += [node for name in more for node in self._functions[name].node_def]
        return [function for name, function in self._functions.items() if name in found]


def _named(node_def: Any) -> Iterator[str]:
    yield node_def.op
    for value in node_def.attr.values():
        yield from (function.name for function in functions_in(value))


def _draws_unseeded(node_def: Any) -> bool:
    op_def = op_facts.find_op_def(node_def.op)
    if op_def is None or not op_def.is_stateful:
        return False
    seeds = {"seed", "seed2"}
    takes_seeds = seeds <= {attr.name for attr in op_def.attr}
    is_seeded = any(node_def.attr[key].i for key in seeds & set(node_def.attr))
    return node_def.op in _NEVER_SEEDED or (takes_seeds and not is_seeded)


def _run(
    graph: tf.Graph, assign: Sequence[_Assignment], ops: Sequence[Any], reads: Sequence[Any]
) -> Sequence[Any]:
    # A GPU would draw other numbers from the same seeds.
    config = tf1.ConfigProto(device_count={"GPU": 0})
    with tf1.Session(graph=graph, config=config) as session:
        for item in assign:
            session.run(item.op, {item.placeholder: item.value})
        session.run(list(ops))
        values: Sequence[Any] = session.run(list(reads))
    return values


def _assign(graph: tf.Graph, variable: ModuleVariable, value: np.ndarray) -> _Assignment:
    handle = graph.get_tensor_by_name(f"{variable.spec.node}:0")
    new = tf1.placeholder(tf.as_dtype(variable.spec.dtype))
    if handle.dtype == tf.resource:
        op = tf.raw_ops.AssignVariableOp(resource=handle, value=new)
    else:
        op = tf.raw_ops.Assign(ref=handle, value=new, validate_shape=False)
    return _Assignment(op, new, value)


def _read(graph: tf.Graph, variable: ModuleVariable) -> Any:
    handle = graph.get_tensor_by_name(f"{variable.spec.node}:0")
    if handle.dtype == tf.resource:
        dtype = tf.as_dtype(variable.spec.dtype)
        return tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype)
    return tf.raw_ops.Identity(input=handle)
