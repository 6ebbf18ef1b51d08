"""Makes the object graph of a checkpoint from that of its SavedModel.

TF2 restores variables by walking this graph together with that of the loaded objects; the Session
loader uses the keys in the graph's restore ops. Both must name the same entries.

Sources: trackable_object_graph.proto, saved_object_graph.proto, and
tensorflow/python/checkpoint/{graph_view,trackable}_utils.py.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from converter import errors

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


def make_object_graph(meta_graph: Any) -> ObjectGraph:
    """Makes the object graph of a SavedModel's MetaGraphDef.

    Raises:
      InternalError: if the restore ops in its graph ask for other keys.
    """
    nodes = meta_graph.object_graph_def.nodes
    paths = _find_paths(nodes)
    variables = [i for i, node in enumerate(nodes) if node.WhichOneof("kind") == "variable"]
    keys = {i: f"{paths[i]}/.ATTRIBUTES/{_VALUE}" for i in variables}
    asked = set(_restored_keys(meta_graph.graph_def)) - {OBJECT_GRAPH_KEY}
    if asked != set(keys.values()):
        different = sorted(asked.symmetric_difference(keys.values()))
        raise errors.InternalError(f"keys of variables differ from those restored: {different}")
    graph = trackable_object_graph_pb2.TrackableObjectGraph()
    for number, node in enumerate(nodes):
        copy = graph.nodes.add()
        for child in node.children:
            copy.children.add(node_id=child.node_id, local_name=child.local_name)
        if number in keys:
            name = node.variable.name.removesuffix(":0")
            copy.attributes.add(name=_VALUE, full_name=name, checkpoint_key=keys[number])
    return ObjectGraph(graph.SerializeToString(deterministic=True), keys)


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


def _restored_keys(graph_def: Any) -> Iterator[str]:
    """Yields the checkpoint keys that the RestoreV2 ops of a graph and its functions read."""
    bodies = [graph_def.node, *(function.node_def for function in graph_def.library.function)]
    for body in bodies:
        nodes = None
        for node in body:
            if node.op == "RestoreV2":
                nodes = nodes or {node.name: node for node in body}
                source = nodes[node.input[1].partition(":")[0]]
                names = tf.make_ndarray(source.attr["value"].tensor)
                yield from (name.decode() for name in names.flat)
