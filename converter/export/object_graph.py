"""Makes the object graph of a checkpoint from that of its SavedModel.

TF2 restores variables by walking this graph together with that of the loaded objects.

Sources: trackable_object_graph.proto, saved_object_graph.proto, and
tensorflow/python/checkpoint/{graph_view,trackable}_utils.py.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping
from typing import Any

from tensorflow.core.protobuf import trackable_object_graph_pb2

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "VARIABLE_VALUE"


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectGraph:
    """The objects of a SavedModel.

    Attributes:
      serialized: A TrackableObjectGraph.
      keys: The checkpoint key of each variable, by its number among the objects.
    """

    serialized: bytes
    keys: Mapping[int, str]


def make_object_graph(objects: Any) -> ObjectGraph:
    """Makes the object graph of a checkpoint from a SavedObjectGraph."""
    nodes = objects.nodes
    paths = _find_paths(nodes)
    graph = trackable_object_graph_pb2.TrackableObjectGraph()
    keys: dict[int, str] = {}
    for number, node in enumerate(nodes):
        copy = graph.nodes.add()
        for child in node.children:
            copy.children.add(node_id=child.node_id, local_name=child.local_name)
        if node.WhichOneof("kind") == "variable":
            keys[number] = f"{paths[number]}/.ATTRIBUTES/{_VALUE}"
            name = node.variable.name.removesuffix(":0")
            copy.attributes.add(name=_VALUE, full_name=name, checkpoint_key=keys[number])
    _mark_values(graph.nodes)
    return ObjectGraph(graph.SerializeToString(deterministic=True), keys)


def _mark_values(nodes: Any) -> None:
    """Marks each object that has a value, itself or below it, so that others need not be loaded."""
    parents = collections.defaultdict(list)
    for number, node in enumerate(nodes):
        for child in node.children:
            parents[child.node_id].append(number)
    queue = [number for number, node in enumerate(nodes) if node.attributes]
    marked = set(queue)
    while queue:
        for parent in parents[queue.pop()]:
            if parent not in marked:
                marked.add(parent)
                queue.append(parent)
    for number, node in enumerate(nodes):
        node.has_checkpoint_values.value = number in marked


def _find_paths(nodes: Any) -> dict[int, str]:
    """Finds a shortest path of names from the root to each object, as TensorFlow does."""
    paths: dict[int, tuple[str, ...]] = {0: ()}
    queue = collections.deque([0])
    while queue:
        number = queue.popleft()
        for child in nodes[number].children:
            if child.node_id not in paths:
                name = child.local_name.replace(".", "..").replace("/", ".S")
                paths[child.node_id] = (*paths[number], name)
                queue.append(child.node_id)
    return {number: "/".join(path) for number, path in paths.items()}
