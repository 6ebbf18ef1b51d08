"""Reads each variable that a call never changes once, when the call starts.

TensorFlow returns silently wrong gradients, after save and load, for variables that are read
inside of nested control flow (2.15 and 2.21; plain TF2 code shows it too). A value that comes
from outside is exact.

Before:
    w = _Variable[key="w"]()
    a = ReadVariableOp[dtype=float](w)
    b = ReadVariableOp[dtype=float](w)
    y = Add[T=float](a, b)
    return y

After:
    w/value = _VariableValue[key="w"]()
    a = Identity[T=float](w/value)
    b = Identity[T=float](w/value)
    y = Add[T=float](a, b)
    return y
"""

from __future__ import annotations

import dataclasses

from converter.ir import op_facts, query
from converter.ir.graph import (
    VARIABLE_OP,
    VARIABLE_VALUE_OP,
    Graph,
    Node,
    Program,
    TensorRef,
)


def hoist_variable_reads(graph: Graph, program: Program) -> Graph:
    """Replaces reads of unchanged variables by one value for each variable."""
    del program
    handles = {
        name: node.attrs["key"].s.decode()
        for name, node in graph.nodes.items()
        if node.op == VARIABLE_OP
    }
    changed = {
        handles[ref.node]
        for node in graph.nodes.values()
        if node.op not in op_facts.VARIABLE_READS
        for ref in node.inputs
        if ref.node in handles
    }
    nodes: dict[str, Node] = {}
    values: dict[str, TensorRef] = {}
    for name, node in graph.nodes.items():
        if node.op != "ReadVariableOp" or handles.get(node.inputs[0].node, "") in {*changed, ""}:
            nodes[name] = node
            continue
        handle = graph.nodes[node.inputs[0].node]
        key = handles[handle.name]
        if key not in values:
            value = query.unique_name(f"{handle.name}/value", graph.nodes)
            nodes[value] = Node(value, VARIABLE_VALUE_OP, attrs=handle.attrs)
            values[key] = TensorRef(value)
        nodes[name] = dataclasses.replace(
            node, op="Identity", inputs=(values[key],), attrs={"T": node.attrs["dtype"]}
        )
    if not values:
        return graph
    return query.drop_dead(dataclasses.replace(graph, nodes=nodes))
