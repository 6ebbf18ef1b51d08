"""Graph to tensors, inside of the function that is being traced.

Plain nodes are imported in as few runs as possible: each import has a price of its own. What is
no plain node, such as a function with its own gradient, ends a run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import tensorflow as tf

from converter import errors, tf_private
from converter.assemble.custom_gradients import CustomGradient
from converter.ir import op_facts, query, serde
from converter.ir.graph import (
    ARG_OP,
    ASSET_OP,
    BOUND_OPS,
    CUSTOM_GRADIENT_OP,
    TABLE_OP,
    VARIABLE_VALUE_OP,
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

    def custom_gradient(self, key: str) -> CustomGradient:
        """The library function of that name, and its gradient."""


def emit(graph: Graph, args: Sequence[tf.Tensor], bindings: Bindings) -> list[tf.Tensor]:
    """Adds `graph` to the function being traced.

    Args:
      graph: A graph that has gone through all passes.
      args: One tensor for each argument.
      bindings: The module's state.

    Returns:
      One tensor for each result.

    Raises:
      ConversionError: if TensorFlow rejects a node, such as one with a bad attribute.
    """
    return _Emission(graph, args, bindings).run()


class _Emission:
    """One graph on its way into a trace.

    `tensors` holds what is there so far, and `anchors` a tensor of each op that a later run has
    a control edge from: `import_graph_def` finds ops of other imports by their tensors only.
    """

    def __init__(self, graph: Graph, args: Sequence[tf.Tensor], bindings: Bindings) -> None:
        self._graph = graph
        self._args = args
        self._bindings = bindings
        self._tensors: dict[TensorRef, tf.Tensor] = {}
        self._anchors: dict[str, tf.Tensor] = {}

    def run(self) -> list[tf.Tensor]:
        reads = []
        for node in self._graph.nodes.values():
            if node.op == VARIABLE_VALUE_OP:
                reads.append(self._read_variable(node))
            elif node.op in BOUND_OPS:
                self._tensors[TensorRef(node.name)] = self._bind(node)
        body = reads + [node for node in _in_order(self._graph) if node.op not in BOUND_OPS]
        runs = [
            list(nodes)
            for _, nodes in itertools.groupby(body, lambda n: n.op == CUSTOM_GRADIENT_OP)
        ]
        for index, nodes in enumerate(runs):
            later = [node for run in runs[index + 1 :] for node in run]
            if nodes[0].op == CUSTOM_GRADIENT_OP:
                for node in nodes:
                    self._call_custom_gradient(node)
            else:
                self._import(nodes, later)
        return [self._tensors[ref] for ref in self._graph.results]

    def _bind(self, node: Node) -> tf.Tensor:
        if node.op == ARG_OP:
            return tf_private.capture(self._args[self._graph.args.index(node.name)])
        key = node.attrs["key"].s.decode()
        if node.op == TABLE_OP:
            return tf_private.capture(self._bindings.table_handle(key))
        if node.op == ASSET_OP:
            return tf_private.capture(self._bindings.asset_path(key))
        return self._capture_variable(self._bindings.variable(key))

    def _capture_variable(self, variable: tf.Variable) -> tf.Tensor:
        tf_private.watch_variable(variable)
        return tf_private.capture(variable.handle)

    def _read_variable(self, node: Node) -> Node:
        """The read that a variable's value stands for, as a node of the first import."""
        variable = self._bindings.variable(node.attrs["key"].s.decode())
        handle = TensorRef(f"{node.name}/handle")
        self._tensors[handle] = self._capture_variable(variable)
        dtype = serde.type_attr(variable.dtype.as_datatype_enum)
        return Node(node.name, "ReadVariableOp", (handle,), attrs={"dtype": dtype})

    def _call_custom_gradient(self, node: Node) -> None:
        made = self._bindings.custom_gradient(node.attrs["key"].s.decode())

        @tf.custom_gradient
        def call(*inputs: tf.Tensor) -> object:
            def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
                return emit(made.backward, [*inputs, *upstream], self._bindings)

            return emit(made.forward, inputs, self._bindings), gradient

        inputs = [self._tensors[ref] for ref in node.inputs]
        outputs = call(*inputs)
        _check_gradient(made, [*inputs, *outputs], self._bindings)
        for index, output in enumerate(outputs):
            self._tensors[TensorRef(node.name, index)] = output
        self._anchors[node.name] = outputs[0]

    def _import(self, nodes: Sequence[Node], later: Sequence[Node]) -> None:
        """Imports plain nodes in one go, with `tensors` in the place of what others made."""
        names = {node.name for node in nodes}
        used = {ref for node in nodes for ref in node.inputs if ref.node not in names}
        controls = {name for node in nodes for name in node.control_inputs if name not in names}
        needed = itertools.chain(self._graph.results, *(node.inputs for node in later))
        wanted = list(dict.fromkeys(ref for ref in needed if ref.node in names))
        waited_for = {name for node in later for name in node.control_inputs if name in names}
        anchors = dict(_anchors(nodes, waited_for))
        anchoring = [node for node in anchors.values() if node.name not in names]
        imported = _import_nodes(
            [*nodes, *anchoring],
            {str(ref): self._tensors[ref] for ref in used}
            | {f"^{name}": self._anchors[name] for name in sorted(controls)},
            [*wanted, *(TensorRef(node.name) for node in anchors.values())],
            self._graph.producer,
        )
        self._tensors.update(zip(wanted, imported[: len(wanted)], strict=True))
        self._anchors.update(zip(anchors, imported[len(wanted) :], strict=True))


def _check_gradient(made: CustomGradient, tensors: Sequence[tf.Tensor], bindings: Bindings) -> None:
    """Traces a gradient aside: otherwise only saving would, and fail there with TF's own words."""
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
    gradient = tf.function(lambda *args: emit(made.backward, args, bindings), autograph=False)
    gradient.get_concrete_function(*specs)


def _in_order(graph: Graph) -> list[Node]:
    """The nodes in the order in which TensorFlow is to run those with effects.

    A session runs update ops at any time beside the outputs. Here they come after all that the
    outputs need, so that outputs are those of a call without updates.
    """
    first = query.reachable(graph.nodes, (ref.node for ref in graph.results))
    order = query.topological_order(graph.nodes)
    names = [n for n in order if n in first] + [n for n in order if n not in first]
    return [graph.nodes[name] for name in names]


def _anchors(nodes: Sequence[Node], waited_for: set[str]) -> Iterator[tuple[str, Node]]:
    """For each node that is waited for, a node with an output that comes with or after it."""
    for node in nodes:
        if node.name in waited_for:
            if op_facts.output_count(node):
                yield node.name, node
            else:
                zero = serde.int_scalar_attr(0)
                attrs = {"dtype": serde.type_attr(op_facts.DT_INT32), "value": zero}
                anchor = Node(f"{node.name}/done", "Const", (), (node.name,), attrs)
                yield node.name, anchor


def _import_nodes(
    nodes: Sequence[Node],
    given: Mapping[str, tf.Tensor],
    wanted: Sequence[TensorRef],
    producer: int,
) -> list[tf.Tensor]:
    try:
        tensors = tf.graph_util.import_graph_def(
            serde.graph_def_from_nodes(nodes, producer),
            input_map=dict(given),
            return_elements=[str(ref) for ref in wanted],
            name=_SCOPE,
        )
    except (ValueError, TypeError, KeyError, tf.errors.OpError) as error:
        what = errors.first_line(error)
        raise errors.ConversionError(f"TensorFlow rejects the graph: {what}") from error
    return list(tensors or [])
