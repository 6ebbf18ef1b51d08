"""Traces the file names that ops read and write to where they come from.

TensorFlow feeds two kinds of file names when it loads a model: the places of the model's assets,
and that of its checkpoint. Every other file name is the graph's own choice, or the caller's.
"""

from __future__ import annotations

import collections
import enum
import functools
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf import message
from tensorflow.core.protobuf import meta_graph_pb2

from converter.ir import op_facts
from converter.safety.scopes import (
    Library,
    Scope,
    called_functions,
    constant_string,
    data_inputs,
    node_of,
)


class Origin(enum.Enum):
    """The source of a file name."""

    ASSET = "an asset of the model"
    CHECKPOINT = "the model's checkpoint"
    LEFTOVER = "a file name that savers have by default"
    CONSTANT = "a constant of the graph"
    ARGUMENT = "an argument of the caller"
    COMPUTED = "computed by the graph"


# The inputs of ops that are file names.
SAVER_FILE_INPUTS = {
    "MergeV2Checkpoints": (0, 1),
    "Restore": (0,),
    "RestoreSlice": (0,),
    "RestoreV2": (0,),
    "Save": (0,),
    "SaveSlices": (0,),
    "SaveV2": (0,),
}
FILE_INPUTS = {
    "InitializeTableFromTextFile": (1,),
    "InitializeTableFromTextFileV2": (1,),
    "ReadFile": (0,),
    **SAVER_FILE_INPUTS,
}

# Ops whose result is a file name if these inputs are; None for all inputs.
_PASS_ON: dict[str, slice] = {
    "ConcatV2": slice(0, -1),
    "ExpandDims": slice(0, 1),
    "Identity": slice(0, 1),
    "Pack": slice(None),
    "PlaceholderWithDefault": slice(0, 1),
    "Reshape": slice(0, 1),
    "Select": slice(1, None),
    "SelectV2": slice(1, None),
    "ShardedFilename": slice(0, 1),
}
# A saver's file names take few steps. A chain of thousands would take long to follow for every op.
_MAX_STEPS = 1000
_UNKNOWN = frozenset({Origin.COMPUTED})
_LEFTOVER_NAME = b"model"  # Of tf.compat.v1.train.Saver, for loaders to feed another.
_ASSETS = "saved_model_assets"
_BRANCHES = ("then_branch", "else_branch", "branches")


class PathTracer:
    """Finds the origins of file names in all graphs of a SavedModel.

    Args:
      libraries: The graphs.
    """

    def __init__(self, libraries: Iterable[Library]) -> None:
        self._libraries = list(libraries)
        self._known: dict[tuple[Scope, str], frozenset[Origin]] = {}
        self._fed = {
            library.graph: _fed_tensors(library.meta_graph)
            for library in self._libraries
            if library.holder is None
        }

    def find_origins(self, scope: Scope, node: Any) -> frozenset[Origin]:
        """Returns the origins of all file names that `node` takes."""
        inputs = data_inputs(node)
        places = [(scope, inputs[i]) for i in FILE_INPUTS[node.op] if i < len(inputs)]
        for place in places:
            if place not in self._known:  # All ops of a saver take the same.
                self._known[place] = self._follow(place)
        return frozenset().union(*(self._known[place] for place in places)) or _UNKNOWN

    def _follow(self, place: tuple[Scope, str]) -> frozenset[Origin]:
        """Returns the origins of a tensor."""
        found, seen, waiting = set[Origin](), set[tuple[Scope, str]](), [place]
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            if len(seen) > _MAX_STEPS or len(waiting) > _MAX_STEPS:
                return _UNKNOWN
            origin = self._find_origin(*place)
            if isinstance(origin, Origin):
                found.add(origin)
            else:
                waiting.extend(origin)
        return frozenset(found) or _UNKNOWN

    def _find_origin(self, scope: Scope, name: str) -> Origin | list[tuple[Scope, str]]:
        """Returns the origin of a tensor, or the tensors whose origin it has."""
        fed = self._fed.get(scope, {}).get(_with_index(name))
        if fed is not None:
            return fed
        node = scope.nodes.get(node_of(name))
        if node is None:
            return self._find_argument(scope, name)
        if node.op == "Const":
            value = constant_string(scope, name)
            return Origin.LEFTOVER if value == _LEFTOVER_NAME else Origin.CONSTANT
        inputs = data_inputs(node)
        if node.op == "ReadVariableOp" and inputs:
            return self._find_assigned(scope, inputs[0])
        if node.op == "StringJoin" and inputs:
            appended = all(map(functools.partial(_stays_beside, scope), inputs[1:]))
            stays = appended and b".." not in node.attr["separator"].s
            return [(scope, inputs[0])] if stays else Origin.COMPUTED
        if node.op in _PASS_ON:
            return [(scope, text) for text in inputs[_PASS_ON[node.op]]]
        return Origin.COMPUTED

    def _find_argument(self, scope: Scope, name: str) -> Origin | list[tuple[Scope, str]]:
        """Returns what the callers of a function pass as an argument."""
        number = scope.arg_numbers.get(name)
        calls = self._calls.get(scope, [])
        if number is None or len(calls) > _MAX_STEPS:
            return Origin.COMPUTED
        found: list[Any] = [_passed(caller, node, key, number) for caller, node, key in calls]
        found += self._bound_values(scope, number - len(scope.arg_numbers))
        if any(value is None for value in found):
            return Origin.COMPUTED
        origins = {value for value in found if isinstance(value, Origin)}
        if origins - {Origin.ASSET}:
            return (origins - {Origin.ASSET}).pop()
        return [value for value in found if not isinstance(value, Origin)] or (
            Origin.ASSET if origins else Origin.ARGUMENT
        )

    def _find_assigned(self, scope: Scope, name: str) -> Origin | list[tuple[Scope, str]]:
        """Returns the tensors assigned to a variable: TF2 keeps paths of assets in variables."""
        handle = scope.nodes.get(node_of(name))
        if handle is None or handle.op != "VarHandleOp":
            return Origin.COMPUTED
        assigned: list[tuple[Scope, str]] = []
        aliases = self._variables[_variable_key(handle)]
        if sum(1 + len(place.users.get(alias, ())) for place, alias in aliases) > _MAX_STEPS:
            return Origin.COMPUTED
        for place, alias in aliases:
            for user in place.users.get(alias, ()):
                if user.op == "AssignVariableOp" and len(data_inputs(user)) == 2:
                    assigned.append((place, data_inputs(user)[1]))
                elif user.op not in op_facts.VARIABLE_READS:
                    return Origin.COMPUTED
        return assigned or Origin.COMPUTED

    @functools.cached_property
    def _variables(self) -> dict[tuple[bytes, bytes], list[tuple[Scope, str]]]:
        """The handles of each variable, which is one by its name in all graphs."""
        found = collections.defaultdict(list)
        for scope in (scope for library in self._libraries for scope in library.scopes):
            for node in scope.node_list:
                if node.op == "VarHandleOp":
                    found[_variable_key(node)].append((scope, node.name))
        return dict(found)

    @functools.cached_property
    def _calls(self) -> dict[Scope, list[tuple[Scope, Any, str]]]:
        """The nodes that may call each function, with the attributes that name it."""
        calls = collections.defaultdict(list)
        for scope in (scope for library in self._libraries for scope in library.scopes):
            for node in scope.node_list:
                for key, function in called_functions(scope.library, node):
                    calls[function].append((scope, node, key))
        return dict(calls)

    def _bound_values(self, scope: Scope, number: int) -> Iterator[Origin]:
        """Yields the origin of argument `number`, from the end, of a function of objects."""
        objects = scope.library.meta_graph.object_graph_def
        if scope.function_name not in objects.concrete_functions:
            return
        bound = objects.concrete_functions[scope.function_name].bound_inputs
        if -number > len(bound) or not 0 <= bound[number] < len(objects.nodes):
            yield Origin.ARGUMENT
        elif objects.nodes[bound[number]].WhichOneof("kind") == "asset":
            yield Origin.ASSET
        else:
            yield Origin.COMPUTED


def _variable_key(handle: Any) -> tuple[bytes, bytes]:
    """Returns the container and the name under which TensorFlow keeps a variable."""
    return handle.attr["container"].s, handle.attr["shared_name"].s or handle.name.encode()


def _fed_tensors(meta_graph: Any) -> dict[str, Origin]:
    """Returns the tensors of a main graph that loaders feed."""
    fed = {_with_index(name): Origin.ASSET for name, _ in find_assets(meta_graph)}
    if meta_graph.saver_def.filename_tensor_name:
        fed[_with_index(meta_graph.saver_def.filename_tensor_name)] = Origin.CHECKPOINT
    return fed


def _passed(caller: Scope, node: Any, key: str, number: int) -> tuple[Scope, str] | None:
    """Returns the tensor that a call passes as argument `number`; None if that is not known."""
    inputs = data_inputs(node)
    if key in _BRANCHES:
        number += 1
    elif key != "" and node.op not in op_facts.CALL_OPS:
        return None
    return (caller, inputs[number]) if number < len(inputs) else None


def _stays_beside(scope: Scope, name: str) -> bool:
    """Whether a string is a constant, or one of two, that leads to no other folder above."""
    node = scope.nodes.get(node_of(name))
    if node is not None and node.op in ("Select", "SelectV2"):
        names = data_inputs(node)[1:]
    else:
        names = [name]
    values = [constant_string(scope, text) for text in names]
    return bool(values) and all(value is not None and b".." not in value for value in values)


def _with_index(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def find_assets(meta_graph: Any) -> Iterator[tuple[str, str]]:
    """Yields the tensor and the file name of each asset, of TF1 and TF2."""
    found = list(meta_graph.asset_file_def)
    if _ASSETS in meta_graph.collection_def:
        for value in meta_graph.collection_def[_ASSETS].any_list.value:
            try:
                found.append(meta_graph_pb2.AssetFileDef.FromString(value.value))
            except message.DecodeError:
                continue
    for asset in found:
        yield asset.tensor_info.name, asset.filename
