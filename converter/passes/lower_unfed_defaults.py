"""Replaces a placeholder that has a default, and that no argument feeds, by its default.

Whatever imports a function takes a placeholder in its body for one of its inputs: exporters to
other formats, and TensorFlow's own freezing. In TensorFlow both ops are one kernel and have one
gradient (source: core/kernels/identity_op.cc, python/ops/array_grad.py).

Before:
    d = Const[dtype=float, value=float(0.5)]()
    rate = PlaceholderWithDefault[dtype=float, shape=[]](d)
    x = _Arg[T=float]()
    y = Mul[T=float](x, rate)
    return y

After:
    d = Const[dtype=float, value=float(0.5)]()
    rate = Identity[T=float](d)
    x = _Arg[T=float]()
    y = Mul[T=float](x, rate)
    return y
"""

from __future__ import annotations

import dataclasses

from converter.ir import attributes, query
from converter.ir.graph import Graph, Node, Program

PLACEHOLDER = "PlaceholderWithDefault"


def lower_unfed_defaults(graph: Graph, program: Program) -> Graph:
    """Makes an Identity of every placeholder with a default; those that are fed are arguments."""
    del program
    return query.map_nodes(graph, _lower)


def _lower(node: Node) -> Node:
    if node.op != PLACEHOLDER:
        return node
    kept = attributes.without(node.attrs, "dtype", "shape")
    dtype = attributes.type_attr(attributes.get_dtype(node, "dtype"))
    return dataclasses.replace(node, op="Identity", attrs={"T": dtype, **kept})
