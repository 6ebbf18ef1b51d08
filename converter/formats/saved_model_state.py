"""Reads the state of a graph of a TF1 SavedModel, as TensorFlow's own loaders restore it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from converter import errors
from converter.formats.collection_values import parse_ref
from converter.formats.graph_state import (
    VARIABLES,
    GraphState,
    assets_in_collection,
    find_aliases,
    read_assets,
    read_tables,
)
from converter.formats.initial_values import find_initial_value
from converter.formats.initialization import Initialization, find_initialization
from converter.formats.restore_ops import Restored, Stored, find_restored
from converter.formats.restored_tables import read_restored_tables
from converter.formats.variable_defs import find_trainable, make_spec, read_variables
from converter.ir.graph import Nodes, VariableSpec
from converter.tensor_bundle.checkpoint import NOT_STORED, Checkpoint


def read_state(checkpoint: Checkpoint, meta_graph: Any, nodes: Nodes) -> GraphState:
    """Reads the state of a graph.

    Args:
      checkpoint: The weights.
      meta_graph: The MetaGraphDef.
      nodes: The nodes of its graph.

    Raises:
      FormatError: if it is damaged, or is initialized in a way that cannot be carried over.
    """
    restored = _find_restored(checkpoint, meta_graph, nodes)
    initialization = find_initialization(meta_graph, nodes)
    for asset in (protos := list(meta_graph.asset_file_def) or assets_in_collection(meta_graph)):
        if parse_ref(asset.tensor_info.name).index:
            raise errors.FormatError(
                f"asset {asset.filename!r} is fed to tensor {asset.tensor_info.name!r}, expected"
                " the first output of a node"
            )
    tables = read_restored_tables(
        nodes, restored.tables, checkpoint, meta_graph.saver_def.filename_tensor_name
    )
    variables = _Variables(nodes, restored, initialization, find_trainable(meta_graph, nodes))
    return GraphState(
        variables=variables.specs(),
        tables=read_tables(nodes, initialization.ops, tables.ops, tables.unknown),
        assets=read_assets(protos),
        initial_values=variables.initial_values,
        unknown_values=variables.unknown_values,
        nodes=tables.nodes,
    )


def _find_restored(checkpoint: Checkpoint, meta_graph: Any, nodes: Nodes) -> Restored:
    """Where the variables are; without a saver in the file, loaders make one that goes by names."""
    if meta_graph.saver_def.restore_op_name:
        return find_restored(meta_graph.saver_def, nodes)
    named = read_variables(meta_graph, nodes, checkpoint)
    return Restored({node: Stored(spec.checkpoint_key, spec.slice) for node, spec in named.items()})


@dataclasses.dataclass(frozen=True)
class _Variables:
    """Describes the variables of a graph.

    Attributes:
      initial_values: As in `GraphState`, when `specs` has been called.
      unknown_values: As in `GraphState`, when `specs` has been called.
    """

    nodes: Nodes
    restored: Restored
    initialization: Initialization
    trainable: set[str]
    initial_values: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    unknown_values: dict[str, str] = dataclasses.field(default_factory=dict)

    def specs(self) -> Mapping[str, VariableSpec]:
        """Each variable under every node that stands for it.

        The node that is restored or initialized describes it.
        """
        specs: dict[str, VariableSpec] = {}
        known = (*self.restored.variables, *self.restored.computed, *self.initialization.assigned)
        for names in (dict.fromkeys(known), self.nodes):
            for name in names:
                if self.nodes[name].op in VARIABLES and name not in specs:
                    specs[name] = self._describe(name)
                    specs |= dict(find_aliases(self.nodes, {name: specs[name]}))
        return {name: specs[name] for name in self.nodes if name in specs}

    def _describe(self, name: str) -> VariableSpec:
        node = self.nodes[name]
        trainable = name in self.trainable
        reason = self._find_initial_value(name)
        stored = self.restored.variables.get(name)
        if name not in self.initialization.assigned and stored is not None:
            return make_spec(node, stored.key, stored.slice, trainable=trainable)
        if reason:
            self.unknown_values[name] = reason
        return make_spec(node, NOT_STORED, None, trainable=trainable)

    def _find_initial_value(self, name: str) -> str:
        """Keeps the initial value of a variable; returns why there is none, if there is none."""
        if name not in self.initialization.assigned:
            return self.restored.computed.get(name) or "nothing restores or initializes it"
        if name in self.initialization.assigned_twice:
            return "the init op assigns it twice"
        value = find_initial_value(self.nodes, self.initialization.assigned[name])
        if isinstance(value, str):
            return f"when it has been restored, it is {value}"
        self.initial_values[name] = value
        return ""
