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

from converter.ir import attributes, op_facts
from converter.ir.aliases import IDENTITIES, source_of
from converter.ir.graph import ARG_OP, Graph, Node, Program, TensorRef
from converter.ir.rewrite import GraphEditor


def lower_ref_tables(graph: Graph, program: Program) -> Graph:
    """Replaces each V1 table op by its V2 twin; identities on handles vanish."""
    del program
    if not any(node.op in op_facts.REF_TABLE_OPS for node in graph.nodes.values()):
        return graph
    editor = GraphEditor(graph)
    handles: dict[TensorRef, TensorRef] = {}
    for node in graph.nodes.values():
        made = TensorRef(node.name)
        handle = source_of(graph.nodes, made, IDENTITIES)
        if node.op in op_facts.REF_TABLE_OPS:
            editor.replace(dataclasses.replace(node, op=op_facts.REF_TABLE_OPS[node.op]))
        elif handle != made and _is_handle(graph.nodes[handle.node]):
            handles[made] = handle
            editor.replace(Node(node.name, "NoOp", control_inputs=node.control_inputs))
    editor.replace_uses(handles)
    return editor.finish(drop_dead=True)


def _is_handle(node: Node) -> bool:
    if node.op == ARG_OP:
        return attributes.get_dtype(node, "T") == op_facts.DT_RESOURCE
    return op_facts.REF_TABLE_OPS.get(node.op, node.op) in op_facts.TABLE_HANDLES
