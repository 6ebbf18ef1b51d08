"""Counts the control flow of a graph, as its exporter's Python made it."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any

from converter.ir import op_facts
from converter.ir.aliases import source_of
from converter.ir.graph import Node, Program, TensorRef

_LOOPS = frozenset({"For", "LoopCond", "StatelessWhile", "While"})
_IDENTITIES = ("Identity",)
_CONDITIONALS = frozenset({"Case", "If", "StatelessCase", "StatelessIf"})


def count_control_flow(program: Program) -> Mapping[str, int]:
    """Counts loops, conditionals and TensorArrays of a graph and its function library."""
    bodies = [list(program.nodes.values())]
    for function in program.functions.values():
        bodies.append([_read_loosely(node_def) for node_def in function.node_def])
    counts: collections.Counter[str] = collections.Counter(
        node.op for body in bodies for node in body
    )
    return {
        "loops": sum(counts[op] for op in _LOOPS),
        "conditionals": sum(map(_count_conditionals, bodies)),
        "tensor_arrays": sum(counts[op] for op in op_facts.TENSOR_ARRAYS),
    }


def _read_loosely(node_def: Any) -> Node:
    """Reads a node of a function; its inputs are enough to count by, but no tensors of a graph."""
    inputs = (TensorRef(name) for name in node_def.input if not name.startswith("^"))
    return Node(node_def.name, node_def.op, tuple(inputs))


def _count_conditionals(nodes: Sequence[Node]) -> int:
    """Counts conditionals by the Switch of its own predicate that V1's `cond` makes.

    A conditional that has none, because it is made otherwise, counts by its predicate.
    """
    makers = _find_makers(nodes)
    switches = [node for node in nodes if node.op in ("Switch", "RefSwitch")]
    switches = [node for node in switches if len(node.inputs) == 2]
    pivots = [node for node in switches if node.inputs[0] == node.inputs[1]]
    known = {source_of(makers, node.inputs[1], _IDENTITIES) for node in pivots}
    others = {source_of(makers, node.inputs[1], _IDENTITIES) for node in switches} - known
    loops = sum(makers[ref.node].op == "LoopCond" for ref in others if ref.node in makers)
    functional = [node for node in nodes if node.op in _CONDITIONALS]
    return len(pivots) + len(others) - loops + len(functional)


def _find_makers(nodes: Sequence[Node]) -> dict[str, Node]:
    """The nodes by name, and by the names of inputs, which functions call `node:output:0`."""
    makers = {node.name: node for node in nodes}
    for node in nodes:
        for ref in node.inputs:
            maker = makers.get(ref.node.partition(":")[0])
            if maker is not None:
                makers.setdefault(ref.node, maker)
    return makers
