"""Reads each variable that a call never changes once, when the call starts.

TensorFlow returns silently wrong gradients, after save and load, for variables that are read
inside of nested control flow (2.15 and 2.21; plain TF2 code shows it too). A value that comes
from outside is exact. So is a lookup in such a value; outside of control flow, lookups stay as
they are, since their gradients are sparse.

Before:
    w = _Variable[key="w"]()
    a = ReadVariableOp[dtype=float](w)
    b = ReadVariableOp[dtype=float](w)
    y = Add[T=float](a, b)
    return y

After:
    w/value = _VariableValue[key="w"]()
    a = Identity[T=float](w/value)
    b = Identity[T=float](w/value)
    y = Add[T=float](a, b)
    return y
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from converter import errors
from converter.ir import attributes, op_facts, query
from converter.ir.aliases import ENTRANCES, EXITS, forwarded_inputs
from converter.ir.constants import int_constant
from converter.ir.graph import (
    VARIABLE_OP,
    VARIABLE_VALUE_OP,
    Graph,
    Node,
    Program,
    TensorRef,
)
from converter.ir.rewrite import GraphEditor

# Ops that pass a handle on.
_ALIASES = frozenset({"Identity", "Merge"}) | ENTRANCES | EXITS


def hoist_variable_reads(graph: Graph, program: Program) -> Graph:
    """Replaces reads of unchanged variables by one value for each variable.

    Raises:
      UnsupportedOpError: if a handle may be that of either of two variables.
    """
    del program
    handles = find_handles(graph)
    if not handles:
        return graph
    hoisting = _Hoisting(graph, handles, find_changed(graph, handles))
    return hoisting.run()


def find_handles(graph: Graph) -> dict[TensorRef, str]:
    """The variable, by key, of each tensor that is a handle of one.

    Raises:
      UnsupportedOpError: if a handle may be that of either of two variables.
    """
    handles: dict[TensorRef, str] = {}
    for name in query.topological_order(graph.nodes):
        node = graph.nodes[name]
        key = _passed_key(node, handles)
        if node.op == VARIABLE_OP:
            handles[TensorRef(name)] = attributes.get_key(node)
        elif key is not None:
            for index in range(op_facts.output_count(node) or 0):
                handles[TensorRef(name, index)] = key
    for node in graph.nodes.values():
        if node.op == "Merge":
            _passed_key(node, handles)
    return handles


def _passed_key(node: Node, handles: Mapping[TensorRef, str]) -> str | None:
    """The variable whose handle a node passes on, or None."""
    if node.op not in _ALIASES:
        return None
    keys = {handles[ref] for ref in forwarded_inputs(node) if ref in handles}
    if len(keys) > 1:
        raise errors.UnsupportedOpError(
            f"a loop or conditional chooses between variables {sorted(keys)}", node=node.name
        )
    return keys.pop() if keys else None


def find_changed(graph: Graph, handles: Mapping[TensorRef, str]) -> set[str]:
    """The variables, by key, that the computation may change."""
    return {
        handles[ref]
        for node in graph.nodes.values()
        if node.op not in op_facts.VARIABLE_READS | _ALIASES
        for ref in node.inputs
        if ref in handles
    }


class _Hoisting:
    def __init__(self, graph: Graph, handles: Mapping[TensorRef, str], changed: set[str]) -> None:
        self._graph = graph
        self._handles = handles
        self._changed = changed
        self._editor = GraphEditor(graph)
        self._values: dict[str, TensorRef] = {}
        self._twins: dict[str, str] = {}
        self._makers: dict[str, Node] = {}
        for node in graph.nodes.values():
            if node.op == VARIABLE_OP:
                self._makers.setdefault(attributes.get_key(node), node)

    def run(self) -> Graph:
        for node in self._graph.nodes.values():
            if self._is_hoisted(node):
                self._editor.replace(self._rewrite(node))
        return self._editor.finish(drop_dead=True)

    def _is_hoisted(self, node: Node) -> bool:
        """Whether a node reads what the call does not change, in a place where that matters."""
        if node.op not in op_facts.VALUE_READS:
            return False
        key = self._handles.get(node.inputs[0])
        if key is None or key in self._changed:
            return False
        in_control_flow = self._graph.nodes[node.inputs[0].node].op != VARIABLE_OP
        return node.op == "ReadVariableOp" or in_control_flow

    def _rewrite(self, read: Node) -> Node:
        handle, *indices = read.inputs
        value, dtype = self._value(handle, read), read.attrs["dtype"]
        if read.op == "ReadVariableOp":
            return dataclasses.replace(read, op="Identity", inputs=(value,), attrs={"T": dtype})
        attrs = {"Tparams": dtype, "Tindices": read.attrs["Tindices"]}
        if read.op == "ResourceGatherNd":
            return dataclasses.replace(read, op="GatherNd", inputs=(value, *indices), attrs=attrs)
        batch_dims = attributes.find_int(read, "batch_dims")
        axis = self._editor.insert_fresh(read.name, int_constant(f"{read.name}/axis", batch_dims))
        attrs["Taxis"] = attributes.type_attr(op_facts.DT_INT32)
        attrs["batch_dims"] = attributes.int_attr(batch_dims)
        return dataclasses.replace(read, op="GatherV2", inputs=(value, *indices, axis), attrs=attrs)

    def _value(self, handle: TensorRef, read: Node) -> TensorRef:
        """The value behind a handle, steered into the same loop and branch for `read`."""
        node = self._graph.nodes[handle.node]
        if node.op != VARIABLE_OP:
            return TensorRef(self._twin(node, read), handle.index)
        key = self._handles[handle]
        if key not in self._values:
            maker = self._makers[key]
            value = Node(f"{maker.name}/value", VARIABLE_VALUE_OP, attrs=maker.attrs)
            self._values[key] = self._editor.insert_fresh(read.name, value)
        return self._values[key]

    def _twin(self, node: Node, read: Node) -> str:
        """The name of a node that passes the value on as `node` does the handle."""
        if node.name not in self._twins:
            name = self._twins[node.name] = self._editor.fresh(f"{node.name}/value")
            inputs = tuple(
                self._value(ref, read) if ref in self._handles else ref for ref in node.inputs
            )
            attrs = attributes.without(node.attrs, attributes.INFERRED_SHAPES)
            attrs["T"] = read.attrs["dtype"]
            twin = dataclasses.replace(node, name=name, inputs=inputs, attrs=attrs)
            self._editor.insert_before(read.name, twin)
        return self._twins[node.name]
