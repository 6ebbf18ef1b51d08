"""Finds out what runs a node: loading the model, calling it, training it, or nothing.

Every node of a function that may be called counts as run, whether or not a result needs it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from converter.ir import op_facts
from converter.safety.scopes import (
    Library,
    Scope,
    called_functions,
    data_inputs,
    node_of,
)


class Run(enum.Enum):
    """An occasion on which TensorFlow runs a node."""

    CONVERSION = "conversion"
    LOAD = "load"
    CALL = "call"
    TRAINING = "training"
    SAVE = "save"
    RESTORE = "restore"


Reached: TypeAlias = Mapping[tuple[Scope, str], frozenset[Run]]
_Start: TypeAlias = tuple[Run, Scope, Iterable[str]]

_LOAD_COLLECTIONS = (
    "table_initializer",
    "saved_model_main_op",
    "legacy_init_op",
    "init_op",
    "local_init_op",
    "ready_op",
)
_TRAINING_COLLECTIONS = ("update_ops", "regularization_losses", "train_op", "saved_model_train_op")
_LOAD_SIGNATURES = frozenset({"__saved_model_init_op"})
_TRAINING_SIGNATURES = frozenset({"__saved_model_train_op"})
# Methods of restored objects that the loader calls, or the object when it is deleted.
_LOAD_METHODS = frozenset(
    {"_create_resource", "_initialize", "_destroy_resource", "_deserialize_from_proto"}
)
# Nodes without a value before somebody feeds one.
_FED = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "_Arg"})


def find_runs(libraries: Iterable[Library]) -> Reached:
    """Returns the occasions on which each node is run; nodes that nothing runs are missing."""
    nested: dict[tuple[Scope, str], list[Library]] = {}
    libraries = list(libraries)
    for library in libraries:
        if library.holder is not None:
            nested.setdefault(library.holder, []).append(library)
    reached: dict[tuple[Scope, str], set[Run]] = {}
    entered = set[tuple[Run, Scope]]()
    for run, scope, names in (start for library in libraries for start in _starts(library)):
        _spread(run, scope, names, reached, nested, entered)
    return {place: frozenset(runs) for place, runs in reached.items()}


def _spread(
    run: Run,
    scope: Scope,
    names: Iterable[str],
    reached: dict[tuple[Scope, str], set[Run]],
    nested: Mapping[tuple[Scope, str], list[Library]],
    entered: set[tuple[Run, Scope]],
) -> None:
    """Marks nodes, and everything that they need; `entered` has the functions marked as a whole."""
    waiting = [(scope, node_of(name)) for name in names]
    while waiting:
        place = waiting.pop()
        scope, name = place
        node = scope.nodes.get(name)
        if node is None or run in reached.setdefault(place, set()):
            continue
        reached[place].add(run)
        waiting.extend((scope, node_of(needed)) for needed in node.input)
        run_inside = [function for _, function in called_functions(scope.library, node)]
        run_inside += [library.graph for library in nested.get(place, ())]
        for inner in run_inside:
            if (run, inner) not in entered:
                entered.add((run, inner))
                waiting.extend((inner, inner_name) for inner_name in inner.nodes)


def _starts(library: Library) -> Iterator[_Start]:
    for name in library.gradients:
        function = library.find_function(name)
        if function is not None:
            yield Run.TRAINING, function, function.nodes
    if library.holder is None:
        yield from _starts_of_graph(library)
        yield from _starts_of_objects(library)


def _starts_of_graph(library: Library) -> Iterator[_Start]:
    """What sessions run: signatures, the saver, and operations in collections."""
    meta_graph, graph = library.meta_graph, library.graph
    for name, signature in meta_graph.signature_def.items():
        run = Run.LOAD if name in _LOAD_SIGNATURES else Run.CALL
        run = Run.TRAINING if name in _TRAINING_SIGNATURES else run
        yield run, graph, [n for info in signature.outputs.values() for n in _tensors(info)]
    saver = meta_graph.saver_def
    yield Run.SAVE, graph, [saver.save_tensor_name]
    yield Run.RESTORE, graph, [saver.restore_op_name]
    for run, keys in ((Run.LOAD, _LOAD_COLLECTIONS), (Run.TRAINING, _TRAINING_COLLECTIONS)):
        for key in keys:
            if key in meta_graph.collection_def:
                yield run, graph, meta_graph.collection_def[key].node_list.value


def _tensors(info: Any) -> Iterator[str]:
    """Yields the names of the tensors of a `TensorInfo`."""
    encoding = info.WhichOneof("encoding")
    if encoding == "name":
        yield info.name
    elif encoding == "coo_sparse":
        sparse = info.coo_sparse
        yield sparse.values_tensor_name
        yield sparse.indices_tensor_name
        yield sparse.dense_shape_tensor_name
    elif encoding == "composite_tensor":
        for part in info.composite_tensor.components:
            yield from [part.name] if part.WhichOneof("encoding") == "name" else ()


def _starts_of_objects(library: Library) -> Iterator[_Start]:
    """What `tf.saved_model.load` runs, and the functions that its objects offer."""
    objects = library.meta_graph.object_graph_def
    loading = set(_loading_functions(objects.nodes))
    for name in objects.concrete_functions:
        function = library.find_function(name)
        if function is not None:
            yield Run.LOAD if name in loading else Run.CALL, function, function.nodes


def _loading_functions(nodes: Any) -> Iterator[str]:
    children = [
        child.node_id
        for node in nodes
        for child in node.children
        if child.local_name in _LOAD_METHODS
    ]
    for node in nodes:
        for saveable in node.saveable_objects.values():
            children += [saveable.save_function, saveable.restore_function]
    for number in children:
        if 0 <= number < len(nodes):
            yield from nodes[number].function.concrete_functions
            yield nodes[number].bare_concrete_function.concrete_function_name


def find_evaluated_on_import(scope: Scope) -> frozenset[str]:
    """Returns the nodes that TensorFlow may run while it imports the graph.

    Shape inference runs stateless ops whose inputs are constants, to know a shape that depends on
    their value (source: EvaluateConstantTensor of core/common_runtime/eval_const_tensor.cc).
    """
    inputs = {name: set(map(node_of, data_inputs(node))) for name, node in scope.nodes.items()}
    missing = {name: len(needed) for name, needed in inputs.items()}
    waiting = [name for name, count in missing.items() if count == 0]
    found = set[str]()
    while waiting:
        name = waiting.pop()
        if not _is_stateless(scope.nodes[name].op):
            continue
        found.add(name)
        for user in dict.fromkeys(user.name for user in scope.users.get(name, ())):
            if name in inputs[user]:
                missing[user] -= 1
                if missing[user] == 0:
                    waiting.append(user)
    return frozenset(found)


def _is_stateless(op: str) -> bool:
    if op in _FED or op in op_facts.V1_CONTROL_FLOW:
        return False  # Its value differs between calls.
    op_def = op_facts.find_op_def(op)
    return op_def is not None and not op_def.is_stateful
