"""Refuses ops that could do harm, before TensorFlow sees them.

TensorFlow runs kernels while it imports a graph: its shape inference evaluates the stateless ops
whose inputs are constant (source: EvaluateConstantTensor in core/common_runtime). So it is given
none that does more than compute, whether or not a call of the converted module would run it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from converter import errors, limits
from converter.ir.graph import PSEUDO_OPS, Node, Nodes
from converter.ir.op_facts import GATHER_TREE
from converter.ir.op_packages import suggest_package
from converter.ir.region import Region
from converter.safety.allowed_ops import AllowedOps
from converter.safety.op_rules import find_danger
from converter.safety.op_table import Classification, Kind, classify, read_table
from converter.safety.serialized_graphs import SERIALIZED_GRAPH_OPS, find_graph, list_graphs

# TensorFlow never sees these: a trace captures a tensor, or composes other ops in their place.
_TRACED = PSEUDO_OPS | {GATHER_TREE}
# Of the graphs of data sets that TensorFlow serializes, the node that returns the data set.
_RETURN = "_Retval"


def check_safety(region: Region, allowed: AllowedOps) -> dict[str, str]:
    """Checks every node of a computation.

    Args:
      region: The computation, after all passes.
      allowed: The ops that the user lets through.

    Returns:
      The unsafe ops that the user named, with the first node of each.

    Raises:
      UnsafeModuleError: if a node is unsafe and its op not among them.
    """
    return _check_nodes(list(region.nodes()), allowed)


def check_nodes(nodes: Sequence[Node], allowed: AllowedOps) -> None:
    """Checks the nodes of a graph, or of a function, as a file has it.

    Raises:
      UnsafeModuleError: if a node is unsafe and its op not let through.
    """
    _check_nodes(nodes, allowed)


def check_graph_def(
    graph_def: Any, allowed: AllowedOps, *, ignored: Collection[str] = (), depth: int = 1
) -> dict[str, str]:
    """Checks every node of a graph that TensorFlow is to see as it is, and of its functions.

    Args:
      graph_def: The GraphDef.
      allowed: The ops that the user lets through.
      ignored: Ops that are not checked.
      depth: The number of graphs around it that hold it as bytes.

    Returns:
      The unsafe ops that the user named, with the first node of each.

    Raises:
      UnsafeModuleError: if a node is unsafe and its op not among them.
    """
    functions = {function.signature.name for function in graph_def.library.function}
    calls = functions - read_table().keys()  # A function may not pass for an op.
    passed: dict[str, str] = {}
    for inner in list_graphs(graph_def):
        plain = [n for n in inner if n.op != _RETURN and n.op not in calls and n.op not in ignored]
        passed = {**_check_nodes(plain, allowed, depth), **passed}
    return passed


def find_unsafe(node: Node, nodes: Nodes, allowed: AllowedOps) -> Classification | None:
    """Returns what makes a node unsafe, or None if it is safe.

    Args:
      node: The node.
      nodes: All nodes of its graph.
      allowed: The ops that the user lets through; only unknown ones matter here.
    """
    return None if node.op in _TRACED else _find_in_tensorflow(node, nodes, allowed)


def _find_in_tensorflow(node: Node, nodes: Nodes, allowed: AllowedOps) -> Classification | None:
    """Returns what makes a node unsafe that TensorFlow sees as it is, or None if it is safe."""
    classification = classify(node.op)
    if classification.kind is Kind.UNKNOWN and allowed.unknown:
        return None
    return find_danger(node, nodes) if classification.kind.is_allowed else classification


def is_let_through(node: Node) -> bool:
    """Whether a node that `check_safety` passed did so since the user lets its op through."""
    return node.op not in _TRACED and not classify(node.op).kind.is_allowed


def is_custom(op: str) -> bool:
    """Whether a package has to register an op: no supported TensorFlow does."""
    return op not in _TRACED and classify(op).kind is Kind.UNKNOWN


def _check_nodes(checked: Sequence[Node], allowed: AllowedOps, depth: int = 0) -> dict[str, str]:
    # Sides of branches may have nodes of the same name, each a copy of one node of the module.
    nodes = {node.name: node for node in checked}
    passed: dict[str, str] = {}
    find = _find_in_tensorflow if depth else find_unsafe  # No trace replaces what bytes hold.
    for node in checked:
        unsafe = find(node, nodes, allowed)
        if unsafe is None:
            continue
        if node.op not in allowed.names:
            raise _refusal(node, unsafe)
        passed.setdefault(node.op, node.name)
        if node.op in SERIALIZED_GRAPH_OPS:
            passed = {**_check_serialized(node, nodes, allowed, depth), **passed}
    return passed


def _check_serialized(node: Node, nodes: Nodes, allowed: AllowedOps, depth: int) -> dict[str, str]:
    """Checks the graph that a node is given as bytes. That the node is allowed is not enough."""
    graph_def = find_graph(node, nodes)
    if graph_def is None or depth == limits.MAX_NESTED_GRAPH_DEPTH:
        raise errors.UnsafeModuleError(
            f"the graph that op {node.op!r} takes as bytes cannot be read before it runs",
            node=node.name,
            remedy="Export the module with the ops of that graph in its place.",
        )
    return check_graph_def(graph_def, allowed, depth=depth + 1)


def _refusal(node: Node, unsafe: Classification) -> errors.UnsafeModuleError:
    kind, reason = unsafe.kind.value, unsafe.reason
    remedy = f"If you trust the module, pass --allow-op {node.op}."
    if unsafe.kind is Kind.UNKNOWN:
        package = suggest_package(node.op)
        adds = f"--import-ops {package}" if package else "--import-ops with the package of this op"
        remedy = f"If you trust the module, pass {adds}, or --allow-op {node.op}."
    return errors.UnsafeModuleError(
        f"op {node.op!r} is not allowed ({kind}): it {reason}",
        node=node.name,
        remedy=remedy,
    )
