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
from converter.ir import attributes, constants, op_facts, query
from converter.ir.graph import (
    VARIABLE_OP,
    VARIABLE_VALUE_OP,
    AttrValue,
    Graph,
    Node,
    Program,
    TensorRef,
)

# Nodes that give a handle as they got it.
_PASSING = frozenset({"Enter", "Exit", "Identity", "NextIteration", "Switch"})


def hoist_variable_reads(graph: Graph, program: Program) -> Graph:
    """Replaces reads of unchanged variables by one value for each variable.

    Raises:
      UnsupportedOpError: if a handle is that of one variable or of another.
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
      UnsupportedOpError: if a handle is that of one variable or of another.
    """
    handles: dict[TensorRef, str] = {}
    for name in query.topological_order(graph.nodes):
        node = graph.nodes[name]
        key = _passed_key(node, handles)
        if node.op == VARIABLE_OP:
            handles[TensorRef(name)] = node.attrs["key"].s.decode()
        elif key is not None:
            for index in range(op_facts.output_count(node) or 0):
                handles[TensorRef(name, index)] = key
    for node in graph.nodes.values():
        if node.op == "Merge":
            _passed_key(node, handles)
    return handles


def _passed_key(node: Node, handles: Mapping[TensorRef, str]) -> str | None:
    """The variable whose handle a node passes on, or None."""
    if node.op not in _PASSING | {"Merge"}:
        return None
    inputs = node.inputs if node.op == "Merge" else node.inputs[:1]
    keys = {handles[ref] for ref in inputs if ref in handles}
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
        if node.op not in op_facts.VARIABLE_READS | _PASSING | {"Merge"}
        for ref in node.inputs
        if ref in handles
    }


class _Hoisting:
    def __init__(self, graph: Graph, handles: Mapping[TensorRef, str], changed: set[str]) -> None:
        self._graph = graph
        self._handles = handles
        self._changed = changed
        self._nodes: dict[str, Node] = {}
        self._values: dict[str, TensorRef] = {}
        self._twins: dict[str, str] = {}
        self._makers: dict[str, Node] = {}
        for node in graph.nodes.values():
            if node.op == VARIABLE_OP:
                self._makers.setdefault(node.attrs["key"].s.decode(), node)
        self._taken = set(graph.nodes)

    def run(self) -> Graph:
        for name, node in self._graph.nodes.items():
            self._nodes[name] = self._rewrite(node) if self._is_hoisted(node) else node
        if not self._values:
            return self._graph
        return query.drop_dead(dataclasses.replace(self._graph, nodes=self._nodes))

    def _is_hoisted(self, node: Node) -> bool:
        """Whether a node reads what the call does not change, in a place where that matters."""
        if node.op not in op_facts.VALUE_READS:
            return False
        if self._handles.get(node.inputs[0], "") in {*self._changed, ""}:
            return False
        in_control_flow = self._graph.nodes[node.inputs[0].node].op != VARIABLE_OP
        return node.op == "ReadVariableOp" or in_control_flow

    def _rewrite(self, node: Node) -> Node:
        value = self._value(node.inputs[0], node.attrs["dtype"])
        if node.op == "ReadVariableOp":
            return dataclasses.replace(
                node, op="Identity", inputs=(value,), attrs={"T": node.attrs["dtype"]}
            )
        types = {"Tparams": node.attrs["dtype"], "Tindices": node.attrs["Tindices"]}
        if node.op == "ResourceGatherNd":
            inputs = (value, node.inputs[1])
            return dataclasses.replace(node, op="GatherNd", inputs=inputs, attrs=types)
        batch_dims = node.attrs["batch_dims"].i if "batch_dims" in node.attrs else 0
        axis = self._unique(f"{node.name}/axis")
        int32 = attributes.type_attr(op_facts.DT_INT32)
        self._nodes[axis] = constants.int_constant(axis, batch_dims)
        types |= {"Taxis": int32, "batch_dims": attributes.int_attr(batch_dims)}
        return dataclasses.replace(
            node, op="GatherV2", inputs=(value, node.inputs[1], TensorRef(axis)), attrs=types
        )

    def _value(self, handle: TensorRef, dtype: AttrValue) -> TensorRef:
        """The value behind a handle, steered into the same loop and branch."""
        node = self._graph.nodes[handle.node]
        if node.op != VARIABLE_OP:
            return TensorRef(self._twin(node, dtype), handle.index)
        key = self._handles[handle]
        if key not in self._values:
            maker = self._makers[key]
            name = self._unique(f"{maker.name}/value")
            self._nodes[name] = Node(name, VARIABLE_VALUE_OP, attrs=maker.attrs)
            self._values[key] = TensorRef(name)
        return self._values[key]

    def _twin(self, node: Node, dtype: AttrValue) -> str:
        """A node that passes the value on as `node` does the handle."""
        if node.name not in self._twins:
            name = self._twins[node.name] = self._unique(f"{node.name}/value")
            attrs = {k: v for k, v in node.attrs.items() if k != attributes.INFERRED_SHAPES}
            inputs = [
                self._value(ref, dtype) if ref in self._handles else ref for ref in node.inputs
            ]
            self._nodes[name] = dataclasses.replace(
                node, name=name, inputs=tuple(inputs), attrs={**attrs, "T": dtype}
            )
        return self._twins[node.name]

    def _unique(self, wanted: str) -> str:
        return query.claim_name(wanted, self._taken)
