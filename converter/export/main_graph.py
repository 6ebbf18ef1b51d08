"""The graph of a SavedModel that Sessions run, with its functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tensorflow.core.framework import function_pb2, node_def_pb2, types_pb2

from converter import tf_private
from converter.export.function_protos import SCALAR, make_node, type_attr
from converter.ir import query


class MainGraph:
    """Adds nodes and functions to the graph of a SavedModel.

    Args:
      meta_graph: The MetaGraphDef, with the names that `canonicalize` gives.
      tensors: For each tensor that functions capture, the tensor of the graph, or the variable
        there that holds it.
    """

    def __init__(self, meta_graph: Any, tensors: Mapping[Any, Any]) -> None:
        self.meta_graph = meta_graph
        _drop_object_graph(meta_graph.graph_def.node)
        self._tensors = tensors
        self._names = {node.name for node in meta_graph.graph_def.node}
        self._functions = {f.signature.name: f for f in meta_graph.graph_def.library.function}
        self._reads: dict[str, str] = {}

    def claim_name(self, wanted: str) -> str:
        """Returns a name for a new node."""
        return query.claim_name(wanted, self._names)

    def claim_scope(self, wanted: str) -> str:
        """Returns a name with which no node's name begins, for new nodes `scope/…`."""
        scope = query.claim_name(wanted, {name.partition("/")[0] for name in self._names})
        self._names.add(scope)
        return scope

    def add_node(self, node: node_def_pb2.NodeDef) -> str:
        """Adds a node; returns its name."""
        self.meta_graph.graph_def.node.append(node)
        return node.name

    def function(self, name: str) -> function_pb2.FunctionDef:
        """Returns the function of that name."""
        return self._functions[name]

    def name_function(self, base: str) -> str:
        """Returns a name for the next function, numbered by its place as `canonicalize` does."""
        return f"{base}_{len(self._functions)}"

    def add_function(self, function: function_pb2.FunctionDef) -> None:
        """Adds a function."""
        self.meta_graph.graph_def.library.function.append(function)
        self._functions[function.signature.name] = function

    def captured(self, tensor: Any) -> str:
        """Returns the graph's tensor in place of one that a function captures."""
        mapped = self._tensors[tensor]
        if not hasattr(mapped, "handle"):
            return str(mapped.name).removesuffix(":0")
        variable = str(mapped.handle.op.name)  # It holds the path of an asset.
        if variable not in self._reads:
            attrs = {"dtype": type_attr(types_pb2.DT_STRING)}
            name = self.claim_name(f"{variable}/Read")
            node = make_node(name, "ReadVariableOp", [variable], [SCALAR], attrs=attrs)
            self._reads[variable] = self.add_node(node)
        return self._reads[variable]

    def list_ops(self) -> None:
        """Completes the list of the ops that the graph uses."""
        graph_def = self.meta_graph.graph_def
        bodies = [graph_def.node, *(function.node_def for function in graph_def.library.function)]
        used = {node.op for body in bodies for node in body}
        ops = self.meta_graph.meta_info_def.stripped_op_list.op
        missing = map(tf_private.get_op_def, used.difference(op.name for op in ops))
        ops.extend(op for op in missing if op is not None)
        ops.sort(key=lambda op: op.name)


def _drop_object_graph(nodes: Any) -> None:
    """Drops the last node if it is the object graph for a saver.

    TensorFlow (2.15 to 2.21) adds that constant even when it adds no saver.
    """
    if nodes and nodes[-1].op == "Const" and nodes[-1].attr["dtype"].type == types_pb2.DT_STRING:
        nodes.pop()
