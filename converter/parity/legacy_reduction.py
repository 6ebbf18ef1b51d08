"""Keeps from TensorFlow what it must not see of the TF1 graph, which the converter prunes as well.

TensorFlow runs ops while it imports a graph (see `safety/check_safety.py`), those that no call
needs among them. So a graph with an op that is not allowed, or with constants that would take too
much memory, is reduced to what the comparison runs, which is as the file has it. A session prunes
a graph in the same way before it runs it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from tensorflow.core.framework import attr_value_pb2, node_def_pb2, types_pb2

from converter import errors
from converter.ir import op_facts
from converter.ir.attributes import Shape, functions_in
from converter.ir.graph import ASSET_OP, Node, Program, TensorRef
from converter.ir.query import claim_name
from converter.ir.serde import graph_from_function_def, nodes_from_graph_def
from converter.parity.legacy_contexts import keep_in_contexts, nodes_inside, pivots, read_contexts
from converter.parity.legacy_needs import (
    PLACEHOLDERS,
    Needs,
    find_needed,
    needs_placeholder,
)
from converter.parity.source_facts import ops_in_collection
from converter.safety.allowed_ops import AllowedOps
from converter.safety.check_safety import check_nodes
from converter.safety.graph_bounds import check_graph_bounds
from converter.safety.op_rules import TABLE_FILE_OPS
from converter.safety.op_table import read_table
from converter.safety.path_origins import Origin, PathTracer
from converter.safety.scopes import Scope, read_library
from converter.safety.serialized_graphs import list_graphs

INITIALIZERS = "table_initializer"


@dataclasses.dataclass(frozen=True, slots=True)
class Reduction:
    """What was left out of a graph.

    Attributes:
      initializers: The ops that fill the tables that are left, in their order.
      left_out: The nodes that are gone; those that only stay to be fed are not among them.
      reason: Why; empty if the graph is as the file has it.
    """

    initializers: tuple[str, ...]
    left_out: frozenset[str] = frozenset()
    reason: str = ""


def reduce_graph(meta_graph: Any, program: Program, needs: Needs, allowed: AllowedOps) -> Reduction:
    """Removes what `needs` does not need from a graph that is not safe to import.

    Raises:
      UnsafeModuleError: if what is needed is not safe.
    """
    try:
        _check(meta_graph, program, allowed)
    except errors.ConversionError as error:
        reason = error.message + (f" (at node {error.node!r})" if error.node else "")
    else:
        return Reduction(tuple(ops_in_collection(meta_graph, INITIALIZERS)))
    try:
        # Where gradients end in zeros, and where in None, depends on results of a loop that
        # nothing needs.
        return _reduce(meta_graph, program, needs, allowed, reason, whole_loops=True)
    except errors.UnsafeModuleError:
        return _reduce(meta_graph, program, needs, allowed, reason, whole_loops=False)


def _reduce(
    meta_graph: Any,
    program: Program,
    needs: Needs,
    allowed: AllowedOps,
    reason: str,
    *,
    whole_loops: bool,
) -> Reduction:
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    kept = _Search(meta_graph, nodes, needs, whole_loops=whole_loops).run(program)
    stand_ins = _stand_ins(nodes, kept, needs.fed)
    reduced = _copy(meta_graph)
    keep_in_contexts(reduced, kept)
    _keep_nodes(reduced.graph_def, kept, stand_ins)
    _keep_functions(reduced.graph_def)
    _check(reduced, program, allowed)
    initializers = [name for name, _ in _list_initializers(meta_graph) if name in kept]
    meta_graph.CopyFrom(reduced)
    left_out = frozenset(nodes.keys() - kept - stand_ins.keys())
    return Reduction(tuple(initializers), left_out, reason)


def _check(meta_graph: Any, program: Program, allowed: AllowedOps) -> None:
    """Checks that TensorFlow may see a graph and all of its functions."""
    graph_def = meta_graph.graph_def
    library = read_library(graph_def, meta_graph)
    tracer = PathTracer([library])
    # A function may not pass for an op.
    calls = {f.signature.name for f in graph_def.library.function} - read_table().keys()
    for nodes, scope in zip(list_graphs(graph_def), _scopes(library, graph_def), strict=True):
        checked = [_with_assets(node, program, scope, tracer) for node in nodes]
        check_nodes([node for node in checked if node.op not in calls], allowed)
    check_graph_bounds(nodes_from_graph_def(graph_def), program.producer, allowed)
    for function in graph_def.library.function:
        body = graph_from_function_def(function, _library_of(graph_def), {})
        check_graph_bounds(body.nodes, program.producer, allowed)


def _scopes(library: Any, graph_def: Any) -> Iterator[Scope]:
    yield library.graph
    for function in graph_def.library.function:
        yield library.functions[function.signature.name]


def _library_of(graph_def: Any) -> dict[str, Any]:
    return {function.signature.name: function for function in graph_def.library.function}


def _with_assets(node: Node, program: Program, scope: Scope, tracer: PathTracer) -> Node:
    """Marks assets, and the ops in functions that read nothing else, as the passes do."""
    if scope.function is None:
        is_asset = node.name in program.assets
    else:
        is_asset = node.op in TABLE_FILE_OPS and (
            tracer.find_origins(scope, scope.nodes[node.name]) == {Origin.ASSET}
        )
    return dataclasses.replace(node, op=ASSET_OP) if is_asset else node


class _Search:
    """Finds the nodes of a graph that a comparison runs."""

    def __init__(
        self, meta_graph: Any, nodes: Mapping[str, Any], needs: Needs, *, whole_loops: bool
    ) -> None:
        self._meta_graph = meta_graph
        self._nodes = nodes
        self._needs = needs
        self._whole_loops = whole_loops
        self._found: set[str] = set()

    def run(self, program: Program) -> set[str]:
        for call in self._needs.calls:
            self._found |= find_needed(self._nodes, call.outputs, call.given)
            if call.training:
                self._add_independent(ops_in_collection(self._meta_graph, "update_ops"), call.given)
        if self._needs.losses:
            self._add_independent(ops_in_collection(self._meta_graph, "regularization_losses"))
        self._found |= {n for n in program.variables if not self._nodes[n].input}
        self._add_what_belongs_to_it()
        return self._found

    def _add_independent(self, ops: Iterable[str], given: Collection[TensorRef] = ()) -> None:
        """Adds the ops that run without further feeds."""
        for op in ops:
            needed = find_needed(self._nodes, [op], given)
            if not needs_placeholder(self._nodes, needed):
                self._found |= needed

    def _add_what_belongs_to_it(self) -> None:
        """Adds what fills the tables, and what gradients of loops and branches look at."""
        contexts = [(nodes_inside(c), pivots(c)) for c in read_contexts(self._meta_graph)]
        if self._whole_loops:
            contexts = [(inside, points | inside) for inside, points in contexts]
        initializers = list(_list_initializers(self._meta_graph))
        count = -1
        while count < len(self._found):
            count = len(self._found)
            roots = {p for inside, points in contexts if inside & self._found for p in points}
            tables = {_resource_key(self._nodes[name]) for name in self._found}
            roots |= {name for name, table in initializers if table in tables}
            self._found |= find_needed(self._nodes, roots - self._found)


def _list_initializers(meta_graph: Any) -> Iterator[tuple[str, tuple[bytes, bytes]]]:
    """Yields each op that fills a table, and the key of that table; looks into groups of ops."""
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    waiting, seen = list(reversed(ops_in_collection(meta_graph, INITIALIZERS))), set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in nodes:
            continue
        seen.add(name)
        inputs = nodes[name].input
        if nodes[name].op == "NoOp":
            waiting.extend(source.removeprefix("^") for source in reversed(inputs))
        elif inputs:
            yield name, _resource_key(_source(nodes, inputs[0]))


def _source(nodes: Mapping[str, Any], name: str) -> Any:
    node = nodes[name.removeprefix("^").partition(":")[0]]
    while node.op == "Identity" and node.input:
        node = nodes[node.input[0].removeprefix("^").partition(":")[0]]
    return node


def _resource_key(node: Any) -> tuple[bytes, bytes]:
    """The container and the name under which a session keeps a table."""
    if not node.attr.get("shared_name") or not node.attr["shared_name"].s:
        return b"", node.name.encode()
    return node.attr["container"].s, node.attr["shared_name"].s


# Editing the graph.


def _stand_ins(
    nodes: Mapping[str, Any], kept: set[str], fed: Mapping[TensorRef, tuple[int, Shape]]
) -> dict[str, list[Any]]:
    """Nodes in place of those that calls feed, and that nothing else needs."""
    by_node: dict[str, dict[int, tuple[int, Shape]]] = {}
    for ref, described in fed.items():
        if ref.node in nodes and ref.node not in kept:
            by_node.setdefault(ref.node, {})[ref.index] = described
    taken = set(nodes)
    return {name: _stand_in(nodes[name], outputs, taken) for name, outputs in by_node.items()}


def _stand_in(node: Any, outputs: Mapping[int, tuple[int, Shape]], taken: set[str]) -> list[Any]:
    if node.op in PLACEHOLDERS:
        copy = node_def_pb2.NodeDef()
        copy.CopyFrom(node)
        del copy.input[:]
        return [copy]
    if outputs.keys() == {0}:
        return [_placeholder(node.name, *outputs[0])]
    # One node that has as many outputs.
    unknown = (types_pb2.DT_FLOAT, None)
    made = [
        _placeholder(claim_name(f"{node.name}/fed", taken), *outputs.get(index, unknown))
        for index in range(max(outputs) + 1)
    ]
    joined = node_def_pb2.NodeDef(name=node.name, op="IdentityN", input=[p.name for p in made])
    joined.attr["T"].list.type.extend(p.attr["dtype"].type for p in made)
    return [*made, joined]


def _placeholder(name: str, dtype: int, shape: Shape) -> Any:
    node = node_def_pb2.NodeDef(name=name, op="Placeholder")
    node.attr["dtype"].type = dtype
    proto = attr_value_pb2.AttrValue().shape
    proto.unknown_rank = shape is None
    for size in shape or ():
        proto.dim.add(size=-1 if size is None else size)
    node.attr["shape"].shape.CopyFrom(proto)
    return node


def _keep_nodes(graph_def: Any, kept: set[str], stand_ins: Mapping[str, list[Any]]) -> None:
    left = []
    for node in graph_def.node:
        if node.name in kept:
            left.append(_copy(node))
        left += stand_ins.get(node.name, ())
    present = {node.name for node in left}
    for node in left:  # Fed placeholders wait for nothing, and nothing waits for them.
        node.input[:] = [i for i in node.input if not i.startswith("^") or i[1:] in present]
    del graph_def.node[:]
    graph_def.node.extend(left)


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _keep_functions(graph_def: Any) -> None:
    """Keeps the functions that the graph calls, and what runs in them."""
    functions = _library_of(graph_def)
    gradients = {g.function_name: g.gradient_func for g in graph_def.library.gradient}
    waiting = [name for node in graph_def.node for name in _called(node)]
    kept: dict[str, Any] = {}
    while waiting:
        name = waiting.pop()
        if name in functions and name not in kept:
            kept[name] = _reduce_body(functions[name], functions)
            waiting += [called for node in kept[name].node_def for called in _called(node)]
            waiting.append(gradients.get(name, ""))
    library = graph_def.library
    registered = [_copy(g) for g in library.registered_gradients if g.gradient_func in kept]
    library.Clear()
    library.function.extend(kept[name] for name in functions if name in kept)
    for name, gradient in gradients.items():
        if name in kept:
            library.gradient.add(function_name=name, gradient_func=gradient)
    library.registered_gradients.extend(registered)


def _called(node: Any) -> Iterator[str]:
    yield node.op
    for value in node.attr.values():
        yield from (function.name for function in functions_in(value))


def _reduce_body(function: Any, functions: Mapping[str, Any]) -> Any:
    """A copy of a function with the nodes that TensorFlow runs in it."""
    copy = _copy(function)
    nodes = {node.name: node for node in function.node_def}
    roots = {name.partition(":")[0] for name in function.ret.values()}
    roots |= set(function.control_ret.values())
    roots |= {name for name, node in nodes.items() if _always_runs(node, functions)}
    needed = find_needed(nodes, roots)
    del copy.node_def[:]
    copy.node_def.extend(_copy(node) for node in function.node_def if node.name in needed)
    return copy


def _always_runs(node: Any, functions: Mapping[str, Any]) -> bool:
    """Whether TensorFlow runs a node of a function whose outputs nothing needs."""
    called = functions.get(node.op)
    op_def = op_facts.find_op_def(node.op) if called is None else called.signature
    return op_def is not None and bool(op_def.is_stateful)
