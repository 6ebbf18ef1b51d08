"""The gradients of a TF1 graph's outputs, computed in sessions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from converter import errors
from converter.ir.graph import Kind, TensorInfo
from converter.parity.legacy_failure import LegacyFailure
from converter.parity.legacy_import import control_flow_of
from converter.parity.legacy_variables import LegacyVariable
from converter.parity.values import as_array, loss_weights

Outputs = Mapping[str, TensorInfo]
Feeds = Mapping[str, np.ndarray]  # By tensor name.
Fetch = Callable[[Mapping[str, Any], Feeds], Mapping[str, Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """Gradients, or why there are none.

    Attributes:
      gradients: By variable, None where there is none.
      error: Why there are none at all.
      lost: Whether the original has them all the same, which this TensorFlow cannot compute.
    """

    gradients: Mapping[str, np.ndarray | None]
    error: str = ""
    lost: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class FoundOfSome:
    """The gradients of those outputs that have any.

    Attributes:
      found: The gradients of these together.
      outputs: Their names.
      others: Those whose gradients cannot be computed.
    """

    found: Found
    outputs: tuple[str, ...]
    others: Mapping[str, Found]


class Derivatives:
    """Differentiates outputs with respect to the variables of a graph.

    Args:
      graph: The graph, to which gradients are added.
      variables: Its variables.
      fetch: Runs it.
    """

    def __init__(self, graph: tf.Graph, variables: Sequence[LegacyVariable], fetch: Fetch) -> None:
        self._graph = graph
        self._variables = variables
        self._fetch = fetch
        self._made: dict[Any, dict[str, Any]] = {}

    def run(self, outputs: Outputs, feeds: Feeds) -> Found:
        """The gradients of a weighted sum of all float outputs."""
        try:
            gradients = self.make(outputs, feeds)
            present = {name: g for name, g in gradients.items() if g is not None}
            arrays = self._fetch(present, feeds)
        except AssertionError as error:
            # A condition of TensorFlow's own code: 1.15 need not have failed.
            reason = f"TensorFlow {tf.__version__} fails to differentiate the original"
            return Found({}, f"{reason}: {errors.summarize(error)}", lost=True)
        except (
            LookupError, AttributeError, NotImplementedError, LegacyFailure, ValueError, TypeError,
            tf.errors.OpError,
        ) as error:  # fmt: skip
            return Found({}, errors.summarize(error))
        return Found({k: as_array(arrays[k]) if k in arrays else None for k in gradients})

    def run_some(self, outputs: Outputs, feeds: Feeds) -> FoundOfSome | None:
        """The gradients of those outputs that have any by themselves; None if no output has.

        One op without a gradient is enough for all outputs together to have none.
        """
        alone = {name: self.run({name: info}, feeds) for name, info in outputs.items()}
        others = {name: found for name, found in alone.items() if found.error}
        chosen = {
            name: outputs[name]
            for name, found in alone.items()
            if any(gradient is not None for gradient in found.gradients.values())
        }
        together = self.run(chosen, feeds) if chosen and others else None
        if together is None or together.error:
            return None
        return FoundOfSome(together, tuple(chosen), others)

    def make(self, outputs: Outputs, feeds: Feeds) -> dict[str, Any]:
        """The gradients as tensors, which are added to the graph once."""
        key = (tuple(info.components for info in outputs.values()), tuple(feeds))
        if key not in self._made:
            with self._graph.as_default():
                self._made[key] = self._add(outputs, feeds)
        return self._made[key]

    def _add(self, outputs: Outputs, feeds: Feeds) -> dict[str, Any]:
        values = [
            info.components[1 if info.kind is Kind.SPARSE else 0] for info in outputs.values()
        ]
        tensors = [self._graph.get_tensor_by_name(str(ref)) for ref in values]
        targets = [tensor for tensor in tensors if tensor.dtype.base_dtype.is_floating]
        variables = [variable for variable in self._variables if variable.is_differentiable]
        handles = [handle for variable in variables for handle in variable.handles]
        if not targets or not handles:
            return {}
        # A session does not compute what makes a fed tensor, so no gradient may pass it.
        stops = [self._graph.get_tensor_by_name(name) for name in feeds]
        with control_flow_of(self._graph):
            weights = list(map(loss_weights, targets))
            found = iter(tf1.gradients(targets, handles, weights, stop_gradients=stops))
        return {
            variable.name: _sum([next(found) for _ in variable.handles]) for variable in variables
        }


def _sum(gradients: Sequence[Any]) -> Any:
    """The sum of a variable's gradients by each of its nodes, None if there are none."""
    present = [tf.convert_to_tensor(g) for g in gradients if g is not None]
    return tf.add_n(present) if present else None
