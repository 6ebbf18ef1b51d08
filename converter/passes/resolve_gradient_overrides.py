"""Keeps the gradient overrides that TensorFlow 1.15 resolves, and drops all others.

A node that keeps attribute `_gradient_op_type` is emitted as a call of a function with that
gradient. Dropped are names that no process but the exporter's knows: TF1 itself fails to
differentiate such a node after loading it, and here its op has its natural gradient. `convert`
warns of them.

An `Identity` may turn into something else on the way, such as the read of a variable. So a
second one carries its override.

Before:
    x = _Arg[T=float]()
    a = Identity[T=float, _gradient_op_type="CustomGradient-1"](x)
    b = Sign[T=float, _gradient_op_type="Identity"](a)
    c = Identity[T=float, _gradient_op_type="Relu"](b)
    return c

After:
    x = _Arg[T=float]()
    a = Identity[T=float](x)
    b = Sign[T=float, _gradient_op_type="Identity"](a)
    c/before = Identity[T=float](b)
    c = Identity[T=float, _gradient_op_type="Relu"](c/before)
    return c
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from converter import errors
from converter.ir import attributes, gradient_overrides, op_facts, query
from converter.ir.gradient_overrides import ATTRIBUTE, Source
from converter.ir.graph import (
    CUSTOM_GRADIENT_OP,
    AttrValue,
    Graph,
    Node,
    Nodes,
    Program,
    TensorRef,
)
from converter.ir.rewrite import GraphEditor

_SOURCES_KEPT = (Source.REGISTERED, Source.LIBRARY, Source.STOPPED)
_STRUCTURE = op_facts.V1_CONTROL_FLOW | op_facts.TENSOR_ARRAY_OPS


def resolve_gradient_overrides(graph: Graph, program: Program) -> Graph:
    """Leaves attribute `_gradient_op_type` on nodes whose gradient differs from their op's.

    Ops that TensorFlow 1.15 does not differentiate, while TensorFlow 2 does, get it as well.

    Raises:
      UnsupportedOpError: if the gradient of an op is overridden that cannot be moved into a
        function, such as an op of control flow.
    """
    del program
    editor = GraphEditor(graph)
    for node in graph.nodes.values():
        resolved = _resolve(node)
        if resolved.op == "Identity" and ATTRIBUTE in resolved.attrs:
            plain = query.without_attr(resolved, ATTRIBUTE)
            plain = dataclasses.replace(plain, name=f"{node.name}/before")
            before = editor.insert_fresh(node.name, plain)
            resolved = dataclasses.replace(resolved, inputs=(before,), control_inputs=())
        editor.replace(resolved)
    return editor.finish()


def find_unresolved_overrides(graph: Graph, program: Program) -> dict[str, str]:
    """The overrides that no library resolves, by the names of their nodes.

    Args:
      graph: What a call runs, before any pass.
      program: Its variant, whose functions loops and branches may run as bodies. TensorFlow 1.15
        does not look at overrides in the body of a plain call.

    Returns:
      The name in each override, by node name; nodes of bodies are called `function/node`.
    """
    found = {
        node.name: gradient_overrides.override_of(node) or ""
        for node in graph.nodes.values()
        if gradient_overrides.is_unresolved(node) and not _is_call(node.op, program)
    }
    waiting = [name for node in graph.nodes.values() for name in _body_names(node.op, node.attrs)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in program.functions:
            continue
        seen.add(name)
        for node_def in program.functions[name].node_def:
            waiting.extend(_body_names(node_def.op, node_def.attr))
            node = Node(
                f"{name}/{node_def.name}",
                node_def.op,
                tuple(map(TensorRef, node_def.input)),
                attrs=node_def.attr,
            )
            if gradient_overrides.is_unresolved(node) and not _is_call(node.op, program):
                found[node.name] = gradient_overrides.override_of(node) or ""
    return found


def _is_call(op: str, program: Program) -> bool:
    return op in program.functions or op in op_facts.CALL_OPS


def _body_names(op: str, attrs: Mapping[str, AttrValue]) -> Iterator[str]:
    """The functions that functional control flow runs."""
    if op in op_facts.FUNCTIONAL_CONTROL_FLOW:
        for key in op_facts.FUNCTION_ATTRS.get(op, ()):
            if key in attrs:
                yield from (function.name for function in attributes.functions_in(attrs[key]))


def check_overrides_kept(before: Nodes, after: Nodes) -> None:
    """Checks that the passes between two graphs kept the override of every node.

    Raises:
      UnsupportedOpError: if one has.
    """
    for name, node in before.items():
        now = after.get(name) if ATTRIBUTE in node.attrs else None
        if now is not None and ATTRIBUTE not in now.attrs:
            # A list stands for what in V1 is the flow of a TensorArray: a float without meaning,
            # and so is its gradient, as long as there is one.
            is_list = "T" in now.attrs and now.attrs["T"].type == op_facts.DT_VARIANT
            override = gradient_overrides.override_of(node)
            source = gradient_overrides.find_source(node.op, override)
            if not is_list or source is Source.STOPPED:
                raise _uncarriable(node)


def _resolve(node: Node) -> Node:
    override = gradient_overrides.override_of(node)
    if override is None and node.op not in gradient_overrides.CHANGED_OPS:
        return node
    source = gradient_overrides.find_source(node.op, override)
    if source not in _SOURCES_KEPT or not _is_differentiable(node):
        return query.without_attr(node, ATTRIBUTE)
    if _is_bound_to_its_place(node):
        raise _uncarriable(node)
    if override is not None:
        return node
    natural = attributes.string_attr(node.op)
    return dataclasses.replace(node, attrs={**node.attrs, ATTRIBUTE: natural})


def _is_differentiable(node: Node) -> bool:
    """Whether gradients can come to the outputs of a node, and go on to its inputs."""
    if node.op == CUSTOM_GRADIENT_OP:
        return False  # Functions of the library come with a gradient.
    takes, gives = op_facts.dtypes(node)
    return not (
        op_facts.CARRY_GRADIENTS.isdisjoint(takes) or op_facts.CARRY_GRADIENTS.isdisjoint(gives)
    )


def _is_bound_to_its_place(node: Node) -> bool:
    """Whether a node cannot be moved into a function."""
    if node.op in _STRUCTURE or any(op_facts.takes_ref(node, i) for i in range(len(node.inputs))):
        return True
    takes, gives = op_facts.dtypes(node)
    return not op_facts.HANDLES.isdisjoint(takes + gives)


def _uncarriable(node: Node) -> errors.UnsupportedOpError:
    override = gradient_overrides.override_of(node) or node.op
    return errors.UnsupportedOpError(
        f"the gradient of op {node.op!r} is overridden by that of {override!r}, which cannot be"
        " carried over for this op",
        node=node.name,
        remedy="Export the module without this override.",
    )
