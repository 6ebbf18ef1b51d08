"""Counts the nodes that inlining will make, before any is made.

A library of forty functions that each call the next one twice has 2^40 nodes when it is inlined.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from converter import errors, limits
from converter.ir import attributes, op_facts
from converter.ir.graph import FunctionDef, Graph, Program


@dataclasses.dataclass(frozen=True, slots=True)
class _Size:
    """What a function becomes.

    Attributes:
      nodes: The number of nodes.
      name_bytes: The length of their names together, below the function's own scope.
    """

    nodes: int = 0
    name_bytes: int = 0


def check_inlined_size(graph: Graph, program: Program) -> None:
    """Checks that `graph` stays small enough when all calls are inlined.

    Raises:
      FormatError: if it does not. Circles and calls nested too deeply are left to the inliner.
    """
    sizes = _Sizes(program.functions)
    total = _Size()
    for node in graph.nodes.values():
        callees = _callees(node.op, node.attrs, program.functions)
        total = _add(total, sizes.of_call(node.name, len(node.inputs), callees, frozenset()))
        if total.nodes > limits.MAX_NODES:
            raise errors.FormatError(
                f"the graph has more than {limits.MAX_NODES} nodes after inlining", node=node.name
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
    return _Size(one.nodes + other.nodes, one.name_bytes + other.name_bytes)


class _Sizes:
    """The sizes of the functions of a library, each computed once."""

    def __init__(self, functions: Mapping[str, FunctionDef]) -> None:
        self._functions = functions
        self._known: dict[str, _Size] = {}

    def of_call(self, name: str, inputs: int, callees: Iterable[str], callers: Set[str]) -> _Size:
        """The size of a node that may be a call, or control flow with several functions."""
        total = _Size(1, len(name))
        for callee in callees:
            body = self._of_function(callee, callers)
            # V1 control flow has a Switch, and more, for each input of each branch.
            nodes = body.nodes + inputs
            total = _add(total, _Size(nodes, body.name_bytes + nodes * (len(name) + 1)))
        return total

    def _of_function(self, name: str, callers: Set[str]) -> _Size:
        if name in self._known:
            return self._known[name]
        if name in callers or name not in self._functions or len(callers) >= limits.MAX_CALL_DEPTH:
            return _Size()
        total = _Size()
        for node in self._functions[name].node_def:
            callees = _callees(node.op, node.attr, self._functions)
            size = self.of_call(node.name, len(node.input), callees, callers | {name})
            total = _add(total, size)
        self._known[name] = total
        return total
