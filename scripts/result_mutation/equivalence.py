"""Whether an edit changes nothing that anybody could observe, shown from the graph alone.

Nothing of `converter.parity` is asked: a mutant that verify overlooks is equivalent only where one
of these reasons holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import tensorflow as tf

from converter import tf_private
from result_mutation.files import Result
from result_mutation.mutants import Mutant

_COMMUTATIVE = frozenset(
    {
        "Add", "AddV2", "Equal", "LogicalAnd", "LogicalOr", "Maximum", "Minimum", "Mul", "NotEqual",
        "SquaredDifference",
    }
)  # fmt: skip


def explain(mutant: Mutant, result: Result) -> str:
    """Why the mutant is equivalent to the right result; empty if that cannot be shown."""
    if not mutant.function:
        return ""
    if "_destroyer_" in mutant.function:
        return "TensorFlow calls it when a resource is freed, and ignores what it returns"
    if mutant.function not in _live_functions(result):
        return "nothing calls the function"
    if not mutant.node:
        return ""
    function = result.function(mutant.function)
    if mutant.node not in _live_nodes(function):
        return "no output and no effect of the function depends on the node"
    node = next(n for n in function.node_def if n.name == mutant.node)
    for reason in (
        _explain_swap, _explain_control, _explain_stop, _explain_shape, _explain_table,
        _explain_stride,
    ):  # fmt: skip
        found = reason(mutant, node, function, result)
        if found:
            return found
    return ""


def _explain_swap(mutant: Mutant, node: Any, function: Any, result: Result) -> str:
    del function, result
    if mutant.kind != "inputs swapped" or not mutant.where.endswith(" 0, 1"):
        return ""
    shapes = node.attr["_output_shapes"].list.shape
    is_scalar = shapes and [dim.size for dim in shapes[0].dim] == [1, 1]
    if node.op == "MatMul" and node.attr["transpose_b"].b and is_scalar:
        return "it is the dot product of two rows"
    return "the op is commutative" if node.op in _COMMUTATIVE else ""


def _explain_control(mutant: Mutant, node: Any, function: Any, result: Result) -> str:
    del result
    if mutant.kind != "control dependency dropped":
        return ""
    before = mutant.where.rpartition("^")[2]
    nodes = {n.name: n for n in function.node_def}
    kept = [name for name in node.input if name != f"^{before}"]
    if before in _upstream(kept, nodes):
        return "another path keeps the order"
    ordered = [nodes[name] for name in _upstream([before], nodes) if name in nodes]
    if not any(_is_stateful(n) for n in ordered):
        return "what it waited for has no effect"
    runs = _upstream([*function.ret.values(), *function.control_ret.values()], nodes)
    later = [n for n in function.node_def if node.name in _upstream(n.input, nodes)]
    still = before in runs or before in _upstream_without(function, node.name, before)
    if still and not any(_touches_state(n) for n in (node, *later)):
        return "what waited touches no state, and what it waited for runs all the same"
    return ""


def _upstream_without(function: Any, name: str, before: str) -> set[str]:
    """The nodes that the outputs need when `name` no longer waits for `before`."""
    nodes = {}
    for node in function.node_def:
        copy = type(node)()
        copy.CopyFrom(node)
        if node.name == name:
            copy.input.remove(f"^{before}")
        nodes[node.name] = copy
    return _upstream([*function.ret.values(), *function.control_ret.values()], nodes)


def _explain_stop(mutant: Mutant, node: Any, function: Any, result: Result) -> str:
    if mutant.kind != "gradient stopped":
        return ""
    variables = _variables_behind(node, function, result)
    if variables and not any(variable.trainable for variable in variables):
        return "the variable is not trainable"
    if _float_ways(node, function):
        return ""
    return "no output of floats depends on the variable, only integers or effects do"


def _float_ways(node: Any, function: Any) -> bool:
    """Whether a float output depends on the node."""
    nodes = {n.name: n for n in function.node_def}
    floats = {
        arg.name for arg in function.signature.output_arg if tf.as_dtype(arg.type).is_floating
    }
    return any(node.name in _data_upstream(function.ret[name], nodes) for name in floats)


def _data_upstream(ref: str, nodes: dict[str, Any]) -> set[str]:
    """The nodes that a value depends on, its order of execution aside."""
    stack, seen = [_name(ref)], set()
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            inputs = nodes[name].input if name in nodes else ()
            stack.extend(_name(data) for data in inputs if not data.startswith("^"))
    return seen


def _variables_behind(node: Any, function: Any, result: Result) -> list[Any]:
    args = [arg.name for arg in function.signature.input_arg]
    concrete = result.objects.concrete_functions
    name = function.signature.name
    if name not in concrete or node.input[0] not in args:
        return []
    captured = concrete[name].bound_inputs
    position = args.index(node.input[0]) - (len(args) - len(captured))
    return [result.objects.nodes[captured[position]].variable] if position >= 0 else []


def _explain_shape(mutant: Mutant, node: Any, function: Any, result: Result) -> str:
    del result
    if mutant.kind == "attribute changed" and mutant.where.endswith(("seed", "seed2")):
        return ""
    users = [n for n in function.node_def if any(_name(ref) == node.name for ref in n.input)]
    only_shapes = users and all(n.op in ("Shape", "Rank", "Size") for n in users)
    returned = any(_name(ref) == node.name for ref in function.ret.values())
    if only_shapes and not returned and mutant.kind.startswith("constant"):
        return "only the shape of the constant is used"
    return ""


def _explain_table(mutant: Mutant, node: Any, function: Any, result: Result) -> str:
    """A table that no call changes is filled when its handle is missing: here, every time."""
    del result
    if mutant.kind != "update dropped":
        return ""
    value = next((n for n in function.node_def if n.name == _name(node.input[1])), None)
    is_table = value is not None and value.op == "AnonymousHashTable"
    return "the table is only filled anew in each call, with the same rows" if is_table else ""


def _explain_stride(mutant: Mutant, node: Any, function: Any, result: Result) -> str:
    """Of a dimension from which a slice takes one element, the stride changes nothing."""
    del result
    if mutant.kind != "integer constant by one":
        return ""
    users = [n for n in function.node_def if node.name in map(_name, n.input)]
    shrinks_all = (1 << tf.make_ndarray(node.attr["value"].tensor).size) - 1
    are_strides = all(
        user.op == "StridedSlice"
        and [_name(i) for i in user.input[:4]].index(node.name) == 3
        and user.attr["shrink_axis_mask"].i == shrinks_all
        for user in users
    )
    return "the slice takes one element of each dimension" if users and are_strides else ""


# Reachability.


def _live_functions(result: Result) -> set[str]:
    """The functions that the Python loader or a signature can call."""
    bodies = {f.signature.name: f for f in result.functions}
    roots = set(result.objects.concrete_functions)
    for node in result.objects.nodes:
        roots.update(node.function.concrete_functions)
        roots.add(node.bare_concrete_function.concrete_function_name)
    for node in result.meta_graph.graph_def.node:
        roots.update(_called(node, bodies))
    live: set[str] = set()
    stack = [name for name in roots if name in bodies]
    while stack:
        name = stack.pop()
        if name not in live:
            live.add(name)
            for node in bodies[name].node_def:
                stack.extend(_called(node, bodies))
    return live


def _called(node: Any, bodies: Collection[str]) -> Iterator[str]:
    if node.op in bodies:
        yield node.op
    for value in node.attr.values():
        for name in (value.func.name, *(func.name for func in value.list.func)):
            if name in bodies:
                yield name


def _live_nodes(function: Any) -> set[str]:
    nodes = {node.name: node for node in function.node_def}
    return _upstream([*function.ret.values(), *function.control_ret.values()], nodes)


def _upstream(refs: Collection[str], nodes: dict[str, Any]) -> set[str]:
    """The names of all nodes that some references depend on, themselves included."""
    stack, seen = [_name(ref) for ref in refs], set()
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack.extend(_name(ref) for ref in (nodes[name].input if name in nodes else ()))
    return seen


def _name(ref: str) -> str:
    return ref.lstrip("^").partition(":")[0]


def _is_stateful(node: Any) -> bool:
    op_def = tf_private.get_op_def(node.op)
    if node.op in ("ReadVariableOp", "NoOp", "VarHandleOp"):
        return False
    return op_def is None or op_def.is_stateful


def _touches_state(node: Any) -> bool:
    return node.op == "ReadVariableOp" or _is_stateful(node)
