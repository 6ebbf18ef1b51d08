"""Turns V1 tables, whose handles are string refs, into tables with resource handles.

Before:
    t = HashTable[key_dtype=string, value_dtype=int64]()
    missing = _Arg[T=int64]()
    k = _Arg[T=string]()
    v = LookupTableFind[Tin=string, Tout=int64](t, k, missing)
    return v

After:
    t = HashTableV2[key_dtype=string, value_dtype=int64]()
    missing = _Arg[T=int64]()
    k = _Arg[T=string]()
    v = LookupTableFindV2[Tin=string, Tout=int64](t, k, missing)
    return v
"""

from __future__ import annotations

import dataclasses

from converter.ir import attributes, op_facts, query
from converter.ir.graph import ARG_OP, Graph, Node, Program, TensorRef

_IDENTITIES = ("Identity", "RefIdentity")


def lower_ref_tables(graph: Graph, program: Program) -> Graph:
    """Replaces each V1 table op by its V2 twin; identities on handles vanish."""
    del program
    if not any(node.op in op_facts.REF_TABLE_OPS for node in graph.nodes.values()):
        return graph
    nodes: dict[str, Node] = {}
    renamed: dict[TensorRef, TensorRef] = {}
    for name in query.topological_order(graph.nodes):
        node = graph.nodes[name]
        node = dataclasses.replace(node, inputs=query.resolve(node.inputs, renamed))
        if node.op in _IDENTITIES and _is_handle(nodes, node.inputs[0]):
            renamed[TensorRef(name)] = node.inputs[0]
            node = Node(name, "NoOp", control_inputs=node.control_inputs)
        nodes[name] = dataclasses.replace(node, op=op_facts.REF_TABLE_OPS.get(node.op, node.op))
    ordered = {name: nodes[name] for name in graph.nodes}
    return query.drop_dead(
        dataclasses.replace(graph, nodes=ordered, results=query.resolve(graph.results, renamed))
    )


def _is_handle(nodes: dict[str, Node], ref: TensorRef) -> bool:
    node = nodes[ref.node]
    if node.op == ARG_OP:
        return attributes.get_dtype(node, "T") == op_facts.DT_RESOURCE
    return node.op in op_facts.TABLE_HANDLES
