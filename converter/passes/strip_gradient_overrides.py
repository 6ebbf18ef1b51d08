"""Drops gradient overrides, whose functions were Python code that no file holds.

`tf.custom_gradient` and `gradient_override_map` leave only a name in attribute
`_gradient_op_type`. No process but the exporter's can resolve it: TF1 itself fails to
differentiate such a module after loading it. Without the attribute the ops have their natural
gradients. The record names each override that was dropped.

Before:
    x = _Arg[T=float]()
    y = Identity[T=float, _gradient_op_type="CustomGradient-1"](x)
    return y

After:
    x = _Arg[T=float]()
    y = Identity[T=float](x)
    return y
"""

from __future__ import annotations

from converter.ir import query
from converter.ir.graph import Graph, Program

OVERRIDE = "_gradient_op_type"


def strip_gradient_overrides(graph: Graph, program: Program) -> Graph:
    """Removes attribute `_gradient_op_type` of every node."""
    del program
    return query.map_nodes(graph, lambda node: query.without_attr(node, OVERRIDE))
