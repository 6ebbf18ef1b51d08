"""Runs the TF1 graphs of a module in sessions: the oracle."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from converter.compile.variants import Tags
from converter.formats.hub_module import read_saved_model
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import VariableSpec
from converter.parity.cases import Case
from converter.parity.legacy_graph import PreparedGraph
from converter.parity.legacy_needs import Needs, needs_of_signatures
from converter.parity.legacy_variant import LegacyVariant
from converter.parity.observation import Loss, Observation, VariableFacts, digest
from converter.parity.values import as_array
from converter.safety.allowed_ops import NONE, AllowedOps
from converter.tensor_bundle.tensorflow_reader import read_with_tensorflow


class LegacyRunner:
    """Runs cases in the graph variants of a module.

    Args:
      legacy: The module.
      needs: What will be run of each graph variant; by default all signatures.
      allowed: The unsafe ops that the user lets through.
    """

    def __init__(
        self,
        legacy: LegacyModule,
        needs: Mapping[Tags, Needs] | None = None,
        allowed: AllowedOps = NONE,
    ) -> None:
        self._legacy = legacy
        self._needs = needs or {}
        self._allowed = allowed
        self._meta_graphs = {
            frozenset(graph.meta_info_def.tags): graph
            for graph in read_saved_model(legacy.directory).meta_graphs
        }
        self._variants: dict[Tags, LegacyVariant] = {}
        self._values: dict[str, np.ndarray] = {}

    def observe(self, case: Case) -> Observation:
        """Runs a case.

        Raises:
          LegacyFailure: if the graph does not run with its inputs.
          ParityError: if TensorFlow cannot import the graph.
          UnsafeModuleError: if what is run of the graph is not safe.
        """
        return self._variant(case.tags).observe(case)

    def losses(self, tags: Tags) -> tuple[Loss, ...]:
        """The regularization losses of a variant that are functions of the weights alone."""
        return self._variant(tags).losses()

    def variables(self, tags: Tags) -> dict[str, VariableFacts]:
        """The variables of a variant that are in the checkpoint, by name."""
        return {
            spec.name: VariableFacts(
                dtype=tf.as_dtype(spec.dtype).name,
                shape=spec.shape,
                trainable=spec.trainable,
                digest=digest(self._read(spec)),
            )
            for spec in self._legacy.variants[tags].variables.values()
            if not self._legacy.checkpoint.lacks(spec)
        }

    def random_ops(self) -> list[str]:
        """The random ops that were replaced in what the cases run so far needed."""
        return sorted(op for variant in self._variants.values() for op in variant.random_ops())

    @property
    def graphs(self) -> list[PreparedGraph]:
        """The graphs of the variants run so far."""
        return [variant.prepared for variant in self._variants.values()]

    def _variant(self, tags: Tags) -> LegacyVariant:
        if tags not in self._variants:
            needs = self._needs.get(tags) or needs_of_signatures(self._legacy.variants[tags])
            self._variants[tags] = LegacyVariant(
                self._legacy, self._meta_graphs[tags], self._read, needs, self._allowed
            )
        return self._variants[tags]

    def _read(self, spec: VariableSpec) -> np.ndarray:
        if spec.name not in self._values:
            self._values[spec.name] = as_array(read_with_tensorflow(self._legacy.checkpoint, spec))
        return self._values[spec.name]
