"""Prepares a graph variant for TensorFlow's own import: protos in, protos out."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from converter.formats.legacy_module import LegacyModule
from converter.ir import op_facts
from converter.ir.graph import Program
from converter.parity.function_library import find_callers
from converter.parity.legacy_gather_tree import replace_gather_trees
from converter.parity.legacy_gradients import prepare_overrides
from converter.parity.legacy_needs import Needs
from converter.parity.legacy_reduction import Reduction, reduce_graph
from converter.parity.legacy_tables import restore_tables
from converter.parity.random_ops import RandomOps, make_deterministic
from converter.parity.source_facts import find_initializers
from converter.safety.allowed_ops import AllowedOps

_PREPARED = itertools.count()
# TensorFlow cannot differentiate V1 control flow without these.
_KEPT_COLLECTIONS = frozenset({"cond_context", "while_context"})


@dataclasses.dataclass(frozen=True, slots=True)
class PreparedGraph:
    """A MetaGraphDef that can be imported and run here.

    Attributes:
      meta_graph: The message.
      random: The random ops in it.
      overrides: By node, the gradient overrides that no library resolves: names of Python
        functions that only the exporter's process had.
      nested_loops: The functional loops with loops or branches in their bodies, by node name.
      reduction: What was left out of it.
      restoring: Those of its initializers that run before the others, since they restore tables.
      gather_trees: How many ops `GatherTree`, which TensorFlow 2 lacks, NumPy stands in for.
    """

    meta_graph: Any
    random: RandomOps
    overrides: Mapping[str, str]
    nested_loops: frozenset[str]
    reduction: Reduction
    restoring: frozenset[str] = frozenset()
    gather_trees: int = 0


def prepare(
    meta_graph: Any, legacy: LegacyModule, program: Program, needs: Needs, allowed: AllowedOps
) -> PreparedGraph:
    """Returns a copy with this place's asset paths, without devices, and deterministic.

    Raises:
      UnsafeModuleError: if what is needed of it may not reach TensorFlow.
    """
    prepared = type(meta_graph)()
    prepared.CopyFrom(meta_graph)
    restoring = [] if legacy.is_hub_module else restore_tables(prepared, legacy.checkpoint)
    initializers = find_initializers(meta_graph, is_hub_module=legacy.is_hub_module)
    reduction = reduce_graph(prepared, program, needs, allowed, [*restoring, *initializers])
    graph_def = prepared.graph_def
    for key in set(prepared.collection_def) - _KEPT_COLLECTIONS:
        del prepared.collection_def[key]
    prepared.ClearField("saver_def")
    for node in _all_nodes(graph_def):
        node.device = ""
    overrides = prepare_overrides(graph_def)
    _set_asset_paths(graph_def, legacy, program)
    gather_trees = replace_gather_trees(graph_def)
    nested = frozenset(_find_nested_loops(graph_def))
    random = make_deterministic(graph_def)
    _make_function_names_unique(graph_def, next(_PREPARED))
    return PreparedGraph(
        prepared, random, overrides, nested, reduction, frozenset(restoring), gather_trees
    )


def _make_function_names_unique(graph_def: Any, number: int) -> None:
    """Gives library functions names that no other module has.

    TensorFlow names the gradients of functional loops after them, for the whole process.
    """
    functions = graph_def.library.function
    names = {f.signature.name: f"{f.signature.name}_tf1_{number}" for f in functions}
    for function in functions:
        function.signature.name = names[function.signature.name]
    for gradient in graph_def.library.gradient:
        gradient.function_name = names.get(gradient.function_name, gradient.function_name)
        gradient.gradient_func = names.get(gradient.gradient_func, gradient.gradient_func)
    for node in _all_nodes(graph_def):
        node.op = names.get(node.op, node.op)
        for value in node.attr.values():
            named = [value.func] if value.HasField("func") else value.list.func
            for func in named:
                func.name = names.get(func.name, func.name)


def _find_nested_loops(graph_def: Any) -> Iterator[str]:
    """The `While` nodes of the graph whose body, or what it calls, has control flow again."""
    branching = find_callers(graph_def, op_facts.FUNCTIONAL_CONTROL_FLOW)
    for node in graph_def.node:
        if node.op in ("StatelessWhile", "While") and node.attr["body"].func.name in branching:
            yield node.name


def _all_nodes(graph_def: Any) -> Iterator[Any]:
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def


def _set_asset_paths(graph_def: Any, legacy: LegacyModule, program: Program) -> None:
    for node in graph_def.node:
        if node.name in program.assets:
            path = str(legacy.asset_path(program.assets[node.name].filename))
            value = np.array(path.encode(), dtype=object)
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
