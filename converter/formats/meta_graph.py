"""Reads a MetaGraphDef as a `Program` (source: meta_graph.proto, hub's saved_model_lib.py)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, TypeAlias

from tensorflow.core.protobuf import control_flow_pb2

from converter import errors
from converter.formats import hub_protos
from converter.formats.collection_values import parse_message, parse_ref, read_collection
from converter.formats.contexts import find_loops_without_gradient
from converter.formats.graph_limits import check_limits
from converter.formats.graph_state import GraphState
from converter.formats.graph_versions import check_versions
from converter.formats.signature_defs import read_signatures
from converter.ir import op_facts, serde
from converter.ir.graph import PSEUDO_OPS, FunctionDef, Nodes, Program

_CONTEXTS = {
    "while_context": control_flow_pb2.WhileContextDef,
    "cond_context": control_flow_pb2.CondContextDef,
}
_ATTACHMENTS = "hub_module_attachments"
# Reads the state of a MetaGraphDef with these nodes.
StateReader: TypeAlias = Callable[[Any, Nodes], GraphState]


def read_program(
    meta_graph: Any, read_state: StateReader, hidden: Collection[str] = ()
) -> tuple[Program, GraphState]:
    """Reads one graph variant, and the state that it uses.

    Args:
      meta_graph: A MetaGraphDef.
      read_state: Reads its state, as the format has it.
      hidden: The signatures that are for loaders, and not for users.

    Raises:
      FormatError: if a part of it is damaged.
    """
    check_versions(meta_graph.graph_def.versions)
    check_limits(meta_graph)
    nodes = serde.nodes_from_graph_def(meta_graph.graph_def)
    library = meta_graph.graph_def.library
    state = read_state(meta_graph, nodes)
    nodes = {**nodes, **state.nodes}
    program = Program(
        tags=frozenset(meta_graph.meta_info_def.tags),
        nodes=nodes,
        functions=_read_functions(library),
        gradients=_by_name(
            ((entry.function_name, entry.gradient_func) for entry in library.gradient),
            "gradients of function",
        ),
        signatures=read_signatures(meta_graph, nodes, hidden),
        variables=state.variables,
        tables=state.tables,
        assets=state.assets,
        regularization_losses=tuple(
            parse_ref(name) for name in read_collection(meta_graph, "regularization_losses", "node")
        ),
        update_ops=tuple(
            dict.fromkeys(
                parse_ref(name).node for name in read_collection(meta_graph, "update_ops", "node")
            )
        ),
        attachments=_read_attachments(meta_graph),
        producer=meta_graph.graph_def.versions.producer,
        loops_without_gradient=frozenset(
            find_loops_without_gradient(_read_contexts(meta_graph), nodes)
        ),
    )
    return program, state


def _read_functions(library: Any) -> dict[str, FunctionDef]:
    functions: dict[str, FunctionDef] = _by_name(
        ((function.signature.name, function) for function in library.function),
        "functions of the name",
    )
    for name in functions:
        if name in PSEUDO_OPS or op_facts.find_op_def(name) is not None:
            raise errors.FormatError(f"function {name!r} has the name of an op of TensorFlow")
    for function in functions.values():
        for node_def in function.node_def:
            serde.check_no_pseudo_op(node_def)
    return functions


def _by_name(items: Iterable[tuple[str, Any]], what: str) -> dict[str, Any]:
    """Returns a mapping of items, which must have different names."""
    found: dict[str, Any] = {}
    for name, item in items:
        if name in found:
            raise errors.FormatError(f"the graph has two {what} {name!r}")
        found[name] = item
    return found


def _read_contexts(meta_graph: Any) -> Iterator[Any]:
    for key, kind in _CONTEXTS.items():
        for value in read_collection(meta_graph, key, "bytes"):
            yield parse_message(kind, value, f"an entry of collection {key!r}")


def _read_attachments(meta_graph: Any) -> dict[str, bytes]:
    attachments = (
        parse_message(hub_protos.ModuleAttachment, value, "an attached message")
        for value in read_collection(meta_graph, _ATTACHMENTS, "bytes")
    )
    return {attachment.key: attachment.value for attachment in attachments}
