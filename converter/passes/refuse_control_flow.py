"""Refuses V1 and functional control flow, which cannot be carried over yet."""

from __future__ import annotations

from converter import errors
from converter.ir import op_facts
from converter.ir.graph import Graph, Program

_REFUSED = op_facts.V1_CONTROL_FLOW | op_facts.FUNCTIONAL_CONTROL_FLOW | op_facts.TENSOR_ARRAYS


def refuse_control_flow(graph: Graph, program: Program) -> Graph:
    """Returns the graph as it is.

    Raises:
      UnsupportedOpError: at the first node of a loop, a conditional or a TensorArray.
    """
    del program
    for node in graph.nodes.values():
        if node.op in _REFUSED:
            raise errors.UnsupportedOpError(
                f"op {node.op!r} is control flow, which this version does not convert",
                node=node.name,
                remedy="Keep using the TF1 module for now.",
            )
    return graph
