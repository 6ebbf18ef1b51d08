"""Graph to tensors, inside of the function that is being traced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import tensorflow as tf

from converter import errors, tf_private
from converter.ir import query, serde
from converter.ir.graph import (
    ARG_OP,
    ASSET_OP,
    BOUND_OPS,
    TABLE_OP,
    VARIABLE_OP,
    Graph,
    Node,
    TensorRef,
)

# Nodes keep their TF1 names below this scope, so that error messages lead back to the module.
_SCOPE = "tf1"


class Bindings(Protocol):
    """The objects that a graph's pseudo-ops stand for."""

    def variable(self, key: str) -> tf.Variable:
        """The variable of that TF1 name."""

    def table_handle(self, key: str) -> tf.Tensor:
        """The handle of the table that that node makes."""

    def asset_path(self, key: str) -> tf.Tensor:
        """The path of the asset that that node names."""


def emit(graph: Graph, args: Sequence[tf.Tensor], bindings: Bindings) -> list[tf.Tensor]:
    """Adds `graph` to the function being traced.

    Args:
      graph: A graph that has gone through all passes.
      args: One tensor for each argument.
      bindings: The module's state.

    Returns:
      One tensor for each result.

    Raises:
      ConversionError: if TensorFlow rejects a node, such as one with a missing attribute.
    """
    given = {
        TensorRef(name): _bind(node, args, graph, bindings)
        for name, node in graph.nodes.items()
        if node.op in BOUND_OPS
    }
    body = [node for node in _in_order(graph) if node.op not in BOUND_OPS]
    made = _import(body, [ref for ref in graph.results if ref not in given], given, graph.producer)
    return [given[ref] if ref in given else made[ref] for ref in graph.results]


def _in_order(graph: Graph) -> list[Node]:
    """The nodes in the order in which TensorFlow is to run those with effects.

    A session runs update ops at any time beside the outputs. Here they come after all that the
    outputs need, so that outputs are those of a call without updates.
    """
    first = query.reachable(graph.nodes, (ref.node for ref in graph.results))
    order = query.topological_order(graph.nodes)
    names = [n for n in order if n in first] + [n for n in order if n not in first]
    return [graph.nodes[name] for name in names]


def _bind(node: Node, args: Sequence[tf.Tensor], graph: Graph, bindings: Bindings) -> tf.Tensor:
    if node.op == ARG_OP:
        return tf_private.capture(args[graph.args.index(node.name)])
    key = node.attrs["key"].s.decode()
    if node.op == TABLE_OP:
        return tf_private.capture(bindings.table_handle(key))
    if node.op == ASSET_OP:
        return tf_private.capture(bindings.asset_path(key))
    variable = bindings.variable(key)
    if node.op == VARIABLE_OP:
        tf_private.watch_variable(variable)
        return tf_private.capture(variable.handle)
    return variable.read_value()


def _import(
    body: Sequence[Node],
    results: Sequence[TensorRef],
    given: Mapping[TensorRef, tf.Tensor],
    producer: int,
) -> dict[TensorRef, tf.Tensor]:
    """Imports plain nodes in one go, with `given` in the place of what other nodes made."""
    if not body:
        return {}
    used = {ref for node in body for ref in node.inputs}
    wanted = list(dict.fromkeys(results))
    try:
        tensors = tf.graph_util.import_graph_def(
            serde.graph_def_from_nodes(body, producer),
            input_map={str(ref): given[ref] for ref in given if ref in used},
            return_elements=[str(ref) for ref in wanted],
            name=_SCOPE,
        )
    except (ValueError, TypeError, KeyError, tf.errors.OpError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise errors.ConversionError(f"TensorFlow rejects the graph: {first}") from error
    return dict(zip(wanted, tensors or [], strict=True))
