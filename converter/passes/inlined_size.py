"""Counts the nodes that inlining will make, before any is made.

A library of forty functions that each call the next one twice has 2^40 nodes when it is inlined.
So what inlining may make is bounded by what the module stores, too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Iterator, Mapping, Set
from typing import Any

from converter import errors, limits
from converter.ir import attributes, op_facts
from converter.ir.graph import FunctionDef, Graph, Node, Program

# A tenth of a second each, when they are traced.
_GRADIENT_REGIONS = 10


@dataclasses.dataclass(frozen=True, slots=True)
class _Size:
    """What a function becomes.

    Attributes:
      nodes: The number of nodes.
      regions: The number of functions of loops and branches, and of kept gradients.
      name_bytes: The length of their names together, below the function's own scope.
    """

    nodes: int = 0
    regions: int = 0
    name_bytes: int = 0


def check_inlined_size(graph: Graph, program: Program) -> None:
    """Checks that `graph` stays small enough when all calls are inlined.

    Raises:
      FormatError: if it does not. Circles and calls nested too deeply are left to the inliner.
    """
    sizes = _Sizes(program.functions, program.gradients)
    stored = _stored_size(graph, program)
    most_nodes = max(limits.MAX_INLINED_NODES, limits.MAX_INLINED_NODES_RATIO * stored.nodes)
    most_nodes = min(most_nodes, limits.MAX_NODES)
    most_regions = max(
        limits.MAX_INLINED_REGIONS, limits.MAX_INLINED_REGIONS_RATIO * stored.regions
    )
    total = _Size()
    for node in graph.nodes.values():
        callees = _callees(node.op, node.attrs, program.functions)
        total = _add(total, sizes.of_call(node, len(node.inputs), callees, frozenset()))
        if total.nodes > most_nodes:
            raise errors.FormatError(
                f"the graph has more than {most_nodes} nodes after inlining", node=node.name
            )
        if total.regions > most_regions:
            raise errors.FormatError(
                f"the graph has more than {most_regions} branches and loops after inlining",
                node=node.name,
            )
        if total.name_bytes > limits.MAX_INLINED_NAME_BYTES:
            raise errors.FormatError(
                "the names of the graph's nodes take more than"
                f" {limits.MAX_INLINED_NAME_BYTES} bytes after inlining",
                node=node.name,
            )


def _callees(
    op: str, attrs: Mapping[str, Any], functions: Mapping[str, FunctionDef]
) -> Iterator[str]:
    if op in functions:
        yield op
    for key in op_facts.FUNCTION_ATTRS.get(op, ()):
        if key in attrs:
            yield from (function.name for function in attributes.functions_in(attrs[key]))


def _add(one: _Size, other: _Size) -> _Size:
    return _Size(
        one.nodes + other.nodes,
        one.regions + other.regions,
        one.name_bytes + other.name_bytes,
    )


def _stored_size(graph: Graph, program: Program) -> _Size:
    """The size of the graph and of all functions, without the calls."""
    stored = _Size(len(graph.nodes) + sum(len(f.node_def) for f in program.functions.values()))
    nodes = graph.nodes.values()
    regions = sum(_count_regions(n.op, n.attrs, program.gradients) for n in nodes)
    for function in program.functions.values():
        node_defs = function.node_def
        regions += sum(_count_regions(n.op, n.attr, program.gradients) for n in node_defs)
    return _add(stored, _Size(regions=regions))


def _count_regions(op: str, attrs: Mapping[str, Any], gradients: Container[str]) -> int:
    """The functions of control flow; a call that keeps its gradient takes as long as many."""
    if op in op_facts.CALL_OPS or op not in op_facts.FUNCTION_ATTRS:
        name = attrs["f"].func.name if op in op_facts.CALL_OPS and "f" in attrs else op
        return _GRADIENT_REGIONS if name in gradients else 0
    keys = op_facts.FUNCTION_ATTRS[op]
    return sum(len(attributes.functions_in(attrs[key])) for key in keys if key in attrs)


class _Sizes:
    """The sizes of the functions of a library, each computed once."""

    def __init__(self, functions: Mapping[str, FunctionDef], gradients: Container[str]) -> None:
        self._functions = functions
        self._gradients = gradients
        self._known: dict[str, _Size] = {}

    def of_call(self, node: Any, inputs: int, callees: Iterable[str], callers: Set[str]) -> _Size:
        """The size of a node that may be a call, or control flow with several functions."""
        name, attrs = node.name, node.attrs if isinstance(node, Node) else node.attr
        total = _Size(1, _count_regions(node.op, attrs, self._gradients), len(name))
        for callee in callees:
            body = self._of_function(callee, callers)
            # V1 control flow has a Switch, and more, for each input of each branch.
            nodes = body.nodes + inputs
            names = body.name_bytes + nodes * (len(name) + 1)
            total = _add(total, _Size(nodes, body.regions, names))
        return total

    def _of_function(self, name: str, callers: Set[str]) -> _Size:
        if name in self._known:
            return self._known[name]
        if name in callers or name not in self._functions or len(callers) >= limits.MAX_CALL_DEPTH:
            return _Size()
        total = _Size()
        for node in self._functions[name].node_def:
            callees = _callees(node.op, node.attr, self._functions)
            size = self.of_call(node, len(node.input), callees, callers | {name})
            total = _add(total, size)
        self._known[name] = total
        return total
