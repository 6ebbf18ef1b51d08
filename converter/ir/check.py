"""Checks that a graph is well formed, before the passes and after each of them."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable

from converter import errors, limits
from converter.ir import op_facts, op_packages, query
from converter.ir.graph import ARG_OP, BOUND_OPS, CUSTOM_GRADIENT_OP, Graph, Node, TensorRef


def check_graph(
    graph: Graph, absent: Collection[str] = (), functions: Collection[str] = ()
) -> None:
    """Checks that `graph` can be emitted.

    Args:
      graph: The graph.
      absent: Op types that must not occur, because an earlier pass promised to remove them.
      functions: Names of library functions, which calls use like op types.

    Raises:
      FormatError: if an edge leads nowhere, an output does not exist, a node lacks inputs or
        attributes that its op needs, says that it has too many inputs or outputs, or there
        is a cycle.
      UnsupportedOpError: if an op is not registered, or calls back into Python.
      InternalError: if an op of `absent` occurs, or the arguments are not `_Arg` nodes.
    """
    nodes = graph.nodes.values()
    check_absent(nodes, absent)
    for name, node in graph.nodes.items():
        _check_name(name, node)
        if node.op not in functions:
            _check_node(node)
    _check_edges(graph, nodes, functions)
    query.topological_order(graph.nodes)


def check_changes(before: Graph, after: Graph) -> None:
    """Checks a graph that was made of one that `check_graph` accepts, where they differ.

    Args:
      before: The checked graph, without calls of functions.
      after: The graph to check.

    Raises:
      ConversionError: as `check_graph` does.
    """
    changed = {n: node for n, node in after.nodes.items() if before.nodes.get(n) is not node}
    moved = changed.keys() | (before.nodes.keys() - after.nodes.keys())
    for name, node in changed.items():
        _check_name(name, node)
        _check_node(node)
    is_touched = functools.partial(_is_touched, moved=moved)
    _check_edges(after, filter(is_touched, after.nodes.values()))
    # A new cycle has a new edge.
    if any(n not in before.nodes or _is_rewired(before.nodes[n], changed[n]) for n in changed):
        query.topological_order(after.nodes)


def check_absent(nodes: Iterable[Node], absent: Collection[str]) -> None:
    """Checks that no node is of an op that an earlier pass promised to remove.

    Raises:
      InternalError: if one is.
    """
    for node in nodes:
        if node.op in absent:
            raise errors.InternalError(f"op {node.op!r} at {node.name!r} should have been removed")


def _is_touched(node: Node, moved: Collection[str]) -> bool:
    return node.name in moved or any(source in moved for source in node.input_nodes())


def _is_rewired(before: Node, after: Node) -> bool:
    return before.inputs != after.inputs or before.control_inputs != after.control_inputs


def _check_name(name: str, node: Node) -> None:
    if name != node.name:
        raise errors.InternalError(f"node {node.name!r} is listed as {name!r}")


def _check_edges(graph: Graph, nodes: Iterable[Node], functions: Collection[str] = ()) -> None:
    """Checks the edges to some nodes of a graph, and what the graph returns, runs and takes."""
    for node in nodes:
        for control in node.control_inputs:
            query.get_node(graph.nodes, control)
        for ref in node.inputs:
            _check_ref(graph, ref, functions)
    for ref in graph.results:
        _check_ref(graph, ref, functions)
    for name in graph.targets:
        query.get_node(graph.nodes, name)
    for name in graph.args:
        if query.get_node(graph.nodes, name).op != ARG_OP:
            raise errors.InternalError(f"argument {name!r} is not an {ARG_OP}")


def _check_node(node: Node) -> None:
    """Checks a node against the registered definition of its op."""
    if node.op in BOUND_OPS or node.op == CUSTOM_GRADIENT_OP:
        return
    if node.op in op_facts.PYTHON_OPS:
        raise _python_op_error(node)
    if op_facts.find_op_def(node.op) is None:
        raise op_packages.unregistered_op_error(node.op, node.name)
    for attr in op_facts.required_attrs(node.op):
        if attr not in node.attrs:
            raise errors.FormatError(f"op {node.op!r} lacks attribute {attr!r}", node=node.name)
    for attr in op_facts.number_attrs(node.op):
        if attr in node.attrs and node.attrs[attr].i > limits.MAX_TENSORS:
            raise errors.FormatError(
                f"attribute {attr!r} of op {node.op!r} says that there are {node.attrs[attr].i}"
                f" tensors, more than {limits.MAX_TENSORS}",
                node=node.name,
            )
    count = op_facts.input_count(node)
    if len(node.inputs) != count:
        raise errors.FormatError(
            f"op {node.op!r} takes {count} inputs, the graph gives {len(node.inputs)}",
            node=node.name,
        )


def _python_op_error(node: Node) -> errors.UnsupportedOpError:
    return errors.UnsupportedOpError(
        f"op {node.op!r} calls a Python function of the process that exported the module, and no"
        " file contains that function",
        node=node.name,
        remedy="Export the module with TensorFlow ops instead, or without what needs this op.",
    )


def _check_ref(graph: Graph, ref: TensorRef, functions: Collection[str]) -> None:
    node = query.get_node(graph.nodes, ref.node)
    if node.op in functions:
        return  # The inliner checks it against the function's body.
    count = op_facts.output_count(node)
    if count is None:
        raise op_packages.unregistered_op_error(node.op, node.name)
    if ref.index >= count:
        raise errors.FormatError(
            f"the graph uses output {ref.index} of op {node.op!r}, which has {count}",
            node=node.name,
        )
