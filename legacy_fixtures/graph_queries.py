"""Questions about a MetaGraphDef."""

from __future__ import annotations

from typing import Set

import tensorflow.compat.v1 as tf

_COMPUTED_COLLECTIONS = (
    tf.GraphKeys.UPDATE_OPS,
    tf.GraphKeys.REGULARIZATION_LOSSES,
    tf.GraphKeys.TABLE_INITIALIZERS,
)


def find_computed_nodes(meta_graph) -> Set[str]:
    """Returns the names of all nodes that a user of the module may run.

    That is what outputs, update ops, losses and table initializers depend on. Initializers of
    variables are not among them: values come from the checkpoint.
    """
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    pending = set()
    for key in _COMPUTED_COLLECTIONS:
        if key in meta_graph.collection_def:
            pending |= set(meta_graph.collection_def[key].node_list.value)
    for signature in meta_graph.signature_def.values():
        for info in signature.outputs.values():
            pending |= _tensor_names(info)
    computed = set()
    while pending:
        name = pending.pop().lstrip("^").split(":")[0]
        if name not in computed:
            computed.add(name)
            pending |= set(nodes[name].input)
    return computed


def find_computed_functions(meta_graph) -> Set[str]:
    """Returns the names of all functions that computed nodes call, directly or through others."""
    functions = {item.signature.name: item for item in meta_graph.graph_def.library.function}
    computed = find_computed_nodes(meta_graph)
    pending = [node for node in meta_graph.graph_def.node if node.name in computed]
    called = set()
    while pending:
        found = (_function_names(pending.pop()) & set(functions)) - called
        called |= found
        for name in found:
            pending.extend(functions[name].node_def)
    return called


def _function_names(node):
    """Returns what may be functions in a call: an op, or a function as attribute."""
    names = {node.op}
    for value in node.attr.values():
        names.add(value.func.name)
        names |= {item.name for item in value.list.func}
    return names


def _tensor_names(info):
    sparse = info.coo_sparse
    names = {info.name, sparse.indices_tensor_name, sparse.values_tensor_name}
    names |= {sparse.dense_shape_tensor_name}
    names |= {component.name for component in info.composite_tensor.components}
    return names - {""}
