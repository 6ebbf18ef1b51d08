"""Gives functions of a SavedModel the traces of others, with which they differ in defaults only.

A loaded function looks among its traces for one whose arguments fit, those with defaults included.
So a function with other defaults costs nothing but its object.

Sources: saved_object_graph.proto, and tensorflow/python/saved_model/function_deserialization.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def share_traces(objects: Any, attribute: str, traces: Sequence[str]) -> None:
    """Gives a function that was saved without traces those of other functions.

    Args:
      objects: The SavedObjectGraph.
      attribute: The function, as an attribute of the root.
      traces: The names of the concrete functions.
    """
    places = {
        node.bare_concrete_function.concrete_function_name: number
        for number, node in enumerate(objects.nodes)
        if node.WhichOneof("kind") == "bare_concrete_function"
    }
    children = objects.nodes[0].children
    function = objects.nodes[next(c.node_id for c in children if c.local_name == attribute)]
    function.function.concrete_functions.extend(traces)
    for index, trace in enumerate(traces):
        for listed in (function.children, function.dependencies):  # These are loaded first.
            listed.add(node_id=places[trace], local_name=f"trace_{index}")
