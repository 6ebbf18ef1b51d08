"""Adds nodes to the graphs of modules, as text."""

from tensorflow.core.framework import types_pb2

from converter.ir import serde
from converter.ir.text import parse_graph


def add_nodes(meta_graph, text):
    """Adds the nodes of a text to a MetaGraphDef.

    Its placeholders become inputs of the signature `default`, and `bomb` another output.
    """
    nodes = parse_graph(text).nodes
    graph_def = serde.graph_def_from_nodes(nodes.values(), 0)
    meta_graph.graph_def.node.extend(graph_def.node)
    signature = meta_graph.signature_def["default"]
    for node in nodes.values():
        if node.op == "Placeholder":
            info = signature.inputs[node.name]
            info.name, info.dtype = f"{node.name}:0", node.attrs["dtype"].type
            info.tensor_shape.CopyFrom(node.attrs["shape"].shape)
    info = signature.outputs["bomb"]
    info.name, info.dtype = "bomb:0", types_pb2.DT_FLOAT
    info.tensor_shape.unknown_rank = True
