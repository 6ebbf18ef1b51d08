"""Finds all graphs of a SavedModel: main graphs, functions, and graphs serialized inside of them.

Reads protos only: saved_model.proto, graph.proto and function.proto of TensorFlow. Nothing is
rewritten or checked here, so damaged and hostile graphs can be looked at as well.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from google.protobuf import message
from tensorflow.core.framework import graph_pb2

from converter import limits
from converter.ir.attributes import functions_in
from converter.safety.serialized_graphs import SERIALIZED_GRAPH_OPS

# Ops with a serialized GraphDef in an attribute.
_GRAPH_ATTRS: Mapping[str, str] = {"TRTEngineOp": "serialized_segment"}


@dataclasses.dataclass(frozen=True, eq=False)
class Scope:
    """A graph, or the body of a function. Two are equal if they are the same object.

    Attributes:
      library: The graph and functions that it belongs to.
      function: The FunctionDef, or None for a graph.
      node_list: Its NodeDefs, in their order.
      nodes: The same by name, the first of each name.
    """

    library: Library
    function: Any | None
    node_list: tuple[Any, ...]
    nodes: Mapping[str, Any]

    @property
    def function_name(self) -> str | None:
        """The function's name; None for a graph."""
        return None if self.function is None else str(self.function.signature.name)

    @functools.cached_property
    def arg_numbers(self) -> Mapping[str, int]:
        """The arguments of a function, with their numbers."""
        if self.function is None:
            return {}
        return {arg.name: i for i, arg in enumerate(self.function.signature.input_arg)}

    @functools.cached_property
    def users(self) -> Mapping[str, Sequence[Any]]:
        """The NodeDefs that take an output of each node."""
        users: dict[str, list[Any]] = collections.defaultdict(list)
        for node in self.node_list:
            for name in set(map(node_of, data_inputs(node))):
                users[name].append(node)
        return dict(users)


@dataclasses.dataclass(eq=False)
class Library:
    """A GraphDef: a graph, and the functions that it may call.

    Attributes:
      meta_graph: The MetaGraphDef that holds it.
      holder: The scope and the node that hold it in serialized form; None for a main graph.
      graph: The graph itself.
      functions: Its functions by name, the first of each.
      others: Further functions of a name, which TensorFlow refuses, and which are looked at all the
        same.
      gradients: The names of functions that are gradients of others.
    """

    meta_graph: Any
    holder: tuple[Scope, str] | None = None
    graph: Scope = dataclasses.field(init=False)
    functions: dict[str, Scope] = dataclasses.field(default_factory=dict)
    others: list[Scope] = dataclasses.field(default_factory=list)
    gradients: frozenset[str] = frozenset()

    @property
    def depth(self) -> int:
        """The number of graphs around it."""
        return 0 if self.holder is None else 1 + self.holder[0].library.depth

    @property
    def scopes(self) -> Iterator[Scope]:
        """The graph, then the functions."""
        yield self.graph
        yield from self.functions.values()
        yield from self.others

    def find_function(self, name: str) -> Scope | None:
        """Finds a function in the library, or in those around it."""
        library: Library | None = self
        while library is not None:
            if name in library.functions:
                return library.functions[name]
            library = library.holder[0].library if library.holder else None
        return None


def read_library(
    graph_def: Any, meta_graph: Any, holder: tuple[Scope, str] | None = None
) -> Library:
    """Reads a GraphDef, without the graphs that it holds in serialized form."""
    library = Library(meta_graph, holder)
    library.graph = _read_scope(library, graph_def.node)
    for function in graph_def.library.function:
        scope = _read_scope(library, function.node_def, function)
        if library.functions.setdefault(function.signature.name, scope) is not scope:
            library.others.append(scope)
    library.gradients = frozenset(
        entry.gradient_func
        for entries in (graph_def.library.gradient, graph_def.library.registered_gradients)
        for entry in entries
    )
    return library


def _read_scope(library: Library, node_defs: Iterable[Any], function: Any = None) -> Scope:
    node_list = tuple(node_defs)
    nodes = {node.name: node for node in reversed(node_list)}
    return Scope(library, function, node_list, nodes)


@dataclasses.dataclass(frozen=True)
class Unreadable:
    """A place that should hold a serialized graph whose nodes cannot be read: the reason."""

    scope: Scope
    node: str
    reason: str


def read_libraries(saved_model: Any) -> tuple[list[Library], list[Unreadable]]:
    """Reads all graphs of a SavedModel, those in serialized form included."""
    libraries = [read_library(graph.graph_def, graph) for graph in saved_model.meta_graphs]
    unreadable: list[Unreadable] = []
    budget = _Budget(limits.MAX_NESTED_GRAPHS_RATIO * saved_model.ByteSize())
    for library in libraries:  # It grows.
        for scope in library.scopes:
            for node in scope.node_list:
                for value in _serialized_graphs(scope, node):
                    found = _parse_nested(scope, node.name, value, budget)
                    if isinstance(found, Unreadable):
                        unreadable.append(found)
                    else:
                        libraries.append(found)
    return libraries, unreadable


@dataclasses.dataclass
class _Budget:
    """What may still be read of graphs within graphs."""

    size_bytes: int
    graphs: int = limits.MAX_NESTED_GRAPHS

    def take(self, size_bytes: int) -> bool:
        self.graphs -= 1
        self.size_bytes -= size_bytes
        return self.graphs >= 0 and self.size_bytes >= 0


def _parse_nested(
    scope: Scope, node: str, value: bytes | None, budget: _Budget
) -> Library | Unreadable:
    if value is None:
        return Unreadable(scope, node, "it runs a graph that is computed, which nothing can check")
    if scope.library.depth >= limits.MAX_NESTED_GRAPH_DEPTH or not budget.take(len(value)):
        return Unreadable(scope, node, "it holds one more graph within graphs, too many to check")
    try:
        graph_def = graph_pb2.GraphDef.FromString(value)
    except message.DecodeError:
        return Unreadable(scope, node, "it holds a graph that cannot be read")
    return read_library(graph_def, scope.library.meta_graph, (scope, node))


def _serialized_graphs(scope: Scope, node: Any) -> Iterator[bytes | None]:
    """Yields the serialized graphs that a node runs; None for one that is computed."""
    if node.op in SERIALIZED_GRAPH_OPS:
        inputs = data_inputs(node)
        yield constant_string(scope, inputs[0]) if inputs else None
    if node.op in _GRAPH_ATTRS and node.attr[_GRAPH_ATTRS[node.op]].s:
        yield node.attr[_GRAPH_ATTRS[node.op]].s


def data_inputs(node: Any) -> list[str]:
    """Returns the inputs of a NodeDef but for control inputs."""
    return [name for name in node.input if not name.startswith("^")]


def node_of(name: str) -> str:
    """Returns the node of an input: `node`, `node:1`, `node:output:1` or `^node`."""
    return name.removeprefix("^").partition(":")[0]


def constant_string(scope: Scope, name: str) -> bytes | None:
    """Returns the value of a string scalar; None if it is not a constant of the same scope."""
    seen = set()
    while (node := scope.nodes.get(node_of(name))) is not None and node.name not in seen:
        seen.add(node.name)
        if node.op == "Const":
            values = node.attr["value"].tensor.string_val
            return values[0] if len(values) == 1 else None
        inputs = data_inputs(node)
        if node.op not in ("Identity", "PlaceholderWithDefault") or len(inputs) != 1:
            return None
        name = inputs[0]
    return None


def called_functions(library: Library, node: Any) -> Iterator[tuple[str, Scope]]:
    """Yields the functions that a node may call: the attribute, or "" for its op; the function."""
    function = library.find_function(node.op)
    if function is not None:
        yield "", function
    for key, value in node.attr.items():
        for named in functions_in(value):
            function = library.find_function(named.name)
            if function is not None:
                yield key, function
