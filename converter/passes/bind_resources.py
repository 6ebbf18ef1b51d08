"""Binds variables, tables and assets to the objects that the SavedModel will hold.

A handle op names a resource of a session; after this pass it names an object of the module,
which all callables share. `converter/assemble` captures the object's handle in its place. The node
of a resource that never changes stays; no other graph of the process shares it by name.

Before:
    w = VarHandleOp[dtype=float, shape=[2]]()
    w/read = ReadVariableOp[dtype=float](w)
    return w/read

After:
    w = _Variable[key="w"]()
    w/read = ReadVariableOp[dtype=float](w)
    return w/read
"""

from __future__ import annotations

import dataclasses

from converter import errors
from converter.ir import attributes, op_facts, query
from converter.ir.graph import (
    ASSET_OP,
    BOUND_OPS,
    TABLE_OP,
    VARIABLE_OP,
    Graph,
    Node,
    Program,
)


def bind_resources(graph: Graph, program: Program) -> Graph:
    """Replaces handle ops, and the constants that hold paths of assets, with pseudo-ops.

    Control edges from them vanish: they have no effect to wait for.

    Raises:
      WeightsError: if a variable is not among the module's variables, and so has no value.
      UnsupportedOpError: if an op holds state of another kind.
    """
    bound = query.map_nodes(graph, lambda node: _bind(node, program))
    if bound is graph:
        return graph
    stateless = {name for name, node in bound.nodes.items() if node.op in BOUND_OPS}
    return query.drop_dead(query.map_nodes(bound, lambda node: query.not_after(node, stateless)))


def _bind(node: Node, program: Program) -> Node:
    if node.op in op_facts.VARIABLE_HANDLES:
        spec = program.variables.get(node.name)
        if spec is None:
            raise errors.WeightsError(
                f"variable {node.name!r} is used but is not in the VARIABLES collection, so the"
                " module holds no value for it",
                node=node.name,
                remedy="Export the module with this variable among its global variables.",
            )
        return _pseudo(node, VARIABLE_OP, spec.name)
    if node.op in op_facts.TABLE_HANDLES:
        return _pseudo(node, TABLE_OP, node.name)
    if node.name in program.assets:
        if node.op != "Const":
            raise errors.FormatError(
                f"an asset's path must be a Const, found {node.op!r}", node=node.name
            )
        return _pseudo(node, ASSET_OP, node.name)
    if node.op in op_facts.CONSTANT_RESOURCES:
        return _unshared(node)
    _check_no_other_state(node)
    return node


def _unshared(node: Node) -> Node:
    """The node of a resource without a name: another model's resource may have the same one."""
    if op_facts.SHARING_ATTRS.isdisjoint(node.attrs):
        return node
    attrs = {key: attr for key, attr in node.attrs.items() if key not in op_facts.SHARING_ATTRS}
    return dataclasses.replace(node, attrs=attrs)


def _pseudo(node: Node, op: str, key: str) -> Node:
    return Node(node.name, op, attrs={"key": attributes.string_attr(key)})


def _check_no_other_state(node: Node) -> None:
    op_def = op_facts.find_op_def(node.op)
    if op_def is None or not op_def.is_stateful or node.op in BOUND_OPS:
        return
    if any(arg.type == op_facts.DT_RESOURCE or arg.is_ref for arg in op_def.output_arg) and not (
        op_def.input_arg
    ):
        raise errors.UnsupportedOpError(
            f"op {node.op!r} holds state that is neither a variable nor a table", node=node.name
        )
