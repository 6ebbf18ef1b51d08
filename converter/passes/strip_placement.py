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

from converter.ir.graph import Graph, Program

COLOCATION = "_class"


def strip_placement(graph: Graph, program: Program) -> Graph:
    """Removes the device and the colocation group of every node."""
    del program
    nodes = {
        name: dataclasses.replace(
            node,
            device="",
            attrs={key: value for key, value in node.attrs.items() if key != COLOCATION},
        )
        if node.device or COLOCATION in node.attrs
        else node
        for name, node in graph.nodes.items()
    }
    if all(nodes[name] is node for name, node in graph.nodes.items()):
        return graph
    return dataclasses.replace(graph, nodes=nodes)
