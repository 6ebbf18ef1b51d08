"""Whether what a module computes depends on control flow."""

from __future__ import annotations

from tensorflow.python.saved_model import loader_impl

from legacy_fixtures.graph_queries import find_computed_functions, find_computed_nodes

_CONTROL_FLOW_OPS = frozenset(
    ["Enter", "Exit", "NextIteration", "Merge", "Switch", "LoopCond"]
    + ["RefEnter", "RefExit", "RefNextIteration", "RefMerge", "RefSwitch", "RefSelect"]
    + ["If", "StatelessIf", "While", "StatelessWhile", "For", "Case", "StatelessCase"]
)


def depends_on_control_flow(module_dir: str) -> bool:
    """Whether a control flow op is in what any variant computes, or in a function called there."""
    meta_graphs = loader_impl.parse_saved_model(module_dir).meta_graphs
    return any(_CONTROL_FLOW_OPS & _find_computed_ops(meta_graph) for meta_graph in meta_graphs)


def _find_computed_ops(meta_graph):
    computed = find_computed_nodes(meta_graph)
    ops = {node.op for node in meta_graph.graph_def.node if node.name in computed}
    functions = find_computed_functions(meta_graph)
    for function in meta_graph.graph_def.library.function:
        if function.signature.name in functions:
            ops |= {node.op for node in function.node_def}
    return ops
