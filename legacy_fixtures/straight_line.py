"""Holds the fixtures to graphs without control flow."""

from __future__ import annotations

from tensorflow_hub import saved_model_lib

from legacy_fixtures.graph_queries import find_computed_nodes

_CONTROL_FLOW_OPS = frozenset(
    ["Enter", "Exit", "NextIteration", "Merge", "Switch", "LoopCond"]
    + ["RefEnter", "RefExit", "RefNextIteration", "RefMerge", "RefSwitch", "RefSelect"]
    + ["If", "StatelessIf", "While", "StatelessWhile", "For", "Case"]
)


def check_straight_line(module_dir: str) -> None:
    """Checks what the graphs of all variants compute, and their functions.

    Raises:
      ValueError: A node is a control flow op.
    """
    for meta_graph in saved_model_lib.load(module_dir).meta_graphs:
        computed = find_computed_nodes(meta_graph)
        nodes = [node for node in meta_graph.graph_def.node if node.name in computed]
        for function in meta_graph.graph_def.library.function:
            nodes.extend(function.node_def)
        for node in nodes:
            if node.op in _CONTROL_FLOW_OPS:
                raise ValueError(f"Expected no control flow, found node {node.name!r} ({node.op}).")
