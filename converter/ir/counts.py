"""How much control flow a graph holds, as its exporter's Python made it."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any

from converter.ir import op_facts
from converter.ir.graph import Node, Program, TensorRef

_LOOPS = frozenset({"For", "LoopCond", "StatelessWhile", "While"})
_CONDITIONALS = frozenset({"Case", "If", "StatelessCase", "StatelessIf"})


def count_control_flow(program: Program) -> Mapping[str, int]:
    """Loops, conditionals and TensorArrays of a graph and its function library."""
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
    """A node of a function, whose inputs name outputs in another way; enough to count."""
    inputs = (TensorRef(name) for name in node_def.input if not name.startswith("^"))
    return Node(node_def.name, node_def.op, tuple(inputs))


def _count_conditionals(nodes: Sequence[Node]) -> int:
    """V1's `cond` makes one Switch of its predicate itself; others are told by their predicate."""
    by_name = {node.name: node for node in nodes}
    switches = [node for node in nodes if node.op in ("Switch", "RefSwitch")]
    switches = [node for node in switches if len(node.inputs) == 2]
    pivots = [node for node in switches if node.inputs[0] == node.inputs[1]]
    known = {_copied(by_name, node.inputs[1]) for node in pivots}
    others = {_copied(by_name, node.inputs[1]) for node in switches} - known
    makers = (_find(by_name, ref) for ref in others)
    loops = sum(node is not None and node.op == "LoopCond" for node in makers)
    functional = [node for node in nodes if node.op in _CONDITIONALS]
    return len(pivots) + len(others) - loops + len(functional)


def _copied(nodes: Mapping[str, Node], ref: TensorRef) -> TensorRef:
    """The tensor that `ref` is an identity of."""
    seen = set()
    node = _find(nodes, ref)
    while node and node.op == "Identity" and node.inputs and ref not in seen:
        seen.add(ref)
        ref = node.inputs[0]
        node = _find(nodes, ref)
    return ref


def _find(nodes: Mapping[str, Node], ref: TensorRef) -> Node | None:
    """The node that makes `ref`, which functions call `node:output` or `argument`."""
    return nodes.get(ref.node) or nodes.get(ref.node.partition(":")[0])
