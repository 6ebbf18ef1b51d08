"""Drops devices and colocations: where an op runs does not change what it computes.

Before:
    x = _Arg[T=float]()
    y = Neg[T=float, _class={list { s: "loc:@x" }}](x)
    return y

After:
    x = _Arg[T=float]()
    y = Neg[T=float](x)
    return y
"""

from __future__ import annotations

import dataclasses

from converter.ir import query
from converter.ir.graph import Graph, Node, Program

COLOCATION = "_class"


def strip_placement(graph: Graph, program: Program) -> Graph:
    """Removes the device and the colocation group of every node."""
    del program
    return query.map_nodes(graph, _strip)


def _strip(node: Node) -> Node:
    node = query.without_attr(node, COLOCATION)
    return dataclasses.replace(node, device="") if node.device else node
