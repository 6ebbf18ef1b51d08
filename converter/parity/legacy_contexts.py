"""The control flow contexts of a MetaGraphDef, which TensorFlow's V1 gradients follow.

Source: control_flow.proto, and `_init_values_from_proto` in ops/control_flow_ops.py: the importer
looks up every op that a context names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tensorflow.core.protobuf import control_flow_pb2

_KINDS: dict[str, Callable[[], Any]] = {
    "cond_context": control_flow_pb2.CondContextDef,
    "while_context": control_flow_pb2.WhileContextDef,
}
_PIVOTS = (
    "pred_name", "pivot_name", "pivot_for_pred_name", "pivot_for_body_name",
    "maximum_iterations_name",
)  # fmt: skip


def read_contexts(meta_graph: Any) -> Iterator[Any]:
    """Yields all contexts, each before those inside of it."""
    for key, make in _KINDS.items():
        if key in meta_graph.collection_def:
            for value in meta_graph.collection_def[key].bytes_list.value:
                context = make()
                context.ParseFromString(value)
                yield from _with_nested(context)


def _with_nested(context: Any) -> Iterator[Any]:
    yield context
    for nested in context.nested_contexts:
        yield from _with_nested(getattr(nested, nested.WhichOneof("ctxt")))


def nodes_inside(context: Any) -> set[str]:
    """The nodes in a context."""
    inside = set(context.values_def.values) - set(context.values_def.external_values)
    return {_node(name) for name in inside}


def pivots(context: Any) -> set[str]:
    """The nodes without which a context means nothing."""
    present = {field.name for field in context.DESCRIPTOR.fields}
    names = (getattr(context, key) for key in _PIVOTS if key in present)
    return {_node(name) for name in names if name}


def keep_in_contexts(meta_graph: Any, kept: set[str]) -> None:
    """Removes from the contexts what is not among the nodes `kept`."""
    for key, make in _KINDS.items():
        if key not in meta_graph.collection_def:
            continue
        values = meta_graph.collection_def[key].bytes_list.value
        contexts = [make() for _ in values]
        for context, value in zip(contexts, values, strict=True):
            context.ParseFromString(value)
        left = [context for context in contexts if _keep(context, kept)]
        values[:] = [context.SerializeToString() for context in left]


def _keep(context: Any, kept: set[str]) -> bool:
    """Removes what is not kept; returns whether anything is left."""
    if not pivots(context) <= kept or kept.isdisjoint(nodes_inside(context)):
        return False
    values = context.values_def
    gone = {k for k, v in values.external_values.items() if _node(v) not in kept}
    for key in gone:
        del values.external_values[key]
    values.values[:] = [
        name
        for name in values.values
        if name not in gone and (_node(name) in kept or name in values.external_values)
    ]
    for field in ("loop_exit_names", "loop_enter_names"):
        if field in context.DESCRIPTOR.fields_by_name:
            names = getattr(context, field)
            names[:] = [name for name in names if _node(name) in kept]
    nested = list(context.nested_contexts)
    left = [inner for inner in nested if _keep(getattr(inner, inner.WhichOneof("ctxt")), kept)]
    del context.nested_contexts[:]
    context.nested_contexts.extend(left)
    return True


def _node(name: str) -> str:
    return name.partition(":")[0]
