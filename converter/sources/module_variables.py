"""The variables of a graph variant, as the spec of a module in memory describes them."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import numpy as np

from converter.formats.collection_values import parse_ref, read_collection
from converter.formats.variable_defs import read_variable_def, read_variables
from converter.ir.graph import Nodes, VariableSpec
from converter.tensor_bundle.checkpoint import Checkpoint

_NO_CHECKPOINT = Checkpoint(pathlib.Path(), {})


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleVariable:
    """A variable.

    Attributes:
      spec: Its name, dtype and shape, and where a checkpoint has its value.
      initializer: The node that assigns it its initial value.
    """

    spec: VariableSpec
    initializer: str


@dataclasses.dataclass(frozen=True, slots=True)
class StoredValue:
    """The value of a variable, for a checkpoint."""

    spec: VariableSpec
    value: np.ndarray


def store(spec: VariableSpec, value: Any) -> StoredValue:
    """Returns a value as a session gives it: an array, or the bytes of one string."""
    is_string = isinstance(value, bytes)
    return StoredValue(spec, np.asarray(value, dtype=object if is_string else None))


def list_variables(meta_graph: Any, nodes: Nodes) -> list[ModuleVariable]:
    """Lists the variables that hub restores: those in the collection of global ones.

    Args:
      meta_graph: A MetaGraphDef.
      nodes: The nodes of its graph.

    Raises:
      FormatError: if the collection is damaged.
    """
    specs = read_variables(meta_graph, nodes, _NO_CHECKPOINT)
    found = {}
    for value in read_collection(meta_graph, "variables", "bytes"):
        proto = read_variable_def(value)
        spec = specs[parse_ref(proto.variable_name).node]
        found[spec.name] = ModuleVariable(spec, parse_ref(proto.initializer_name).node)
    return list(found.values())
