"""The observations of a module that runs, be it the original or the converted one."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from converter.parity.values import Value

Gradients: TypeAlias = Mapping[str, np.ndarray | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """The results of one way of calling, from the checkpoint's values.

    Attributes:
      outputs: The tensors that it returned, by the names of a serving signature.
      changed: The variables that it changed, with their new values; None where nobody looked.
      gradients: Of a weighted sum of all float outputs by each trainable variable, None where there
        is none; None altogether where nobody looked, or they cannot be computed.
      error: Why it did not run.
    """

    outputs: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    changed: Mapping[str, np.ndarray] | None = None
    gradients: Gradients | None = None
    error: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Observation:
    """The results of one case. Every part starts from the checkpoint's values.

    Attributes:
      outputs: All outputs by name.
      plain: What a call without `return_endpoints` showed, where that returns less than all.
      serving: What each serving signature for the same call showed, by its name; of the converted
        module through TensorFlow's Python loader.
      session: The same through the loader of V1 sessions; of the converted module only.
      after_saving: What the call showed after the module was saved once more; of the converted
        module only.
      in_copy: The same in the copy that was saved; of the converted module only.
      conventions: What the same call by the names of TF2 models showed, by convention; of the
        converted module only.
      as_written: What a call that draws random numbers showed in the module as it lies on disk;
        of the converted module only.
      gradients: Of a weighted sum of all float outputs by each trainable variable, None where there
        is none.
      changed: The variables that the call changed, with their new values.
      used: The variables that the call depends on; known of the TF1 graph only.
      unsure: Those that only functional loops or branches take, which may not look at them.
      error: Why the case could not be run at all.
      gradient_error: Why there are no gradients.
      gradients_lost: Whether the original has gradients all the same, which this TensorFlow cannot
        compute.
      differentiated: The outputs that `gradients` are of, where all together have none in TF1;
        empty for all. Known of the TF1 graph only.
      undifferentiated: The other outputs that may have gradients, and why there are none.
      unresolved: Variables whose gradients pass a gradient that no library has, with the reason:
        they cannot be compared.
      drawn: The random ops that the call runs; known of the TF1 graph only.
    """

    outputs: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    plain: Call | None = None
    serving: Mapping[str, Call] = dataclasses.field(default_factory=dict)
    session: Mapping[str, Call] = dataclasses.field(default_factory=dict)
    after_saving: Call | None = None
    in_copy: Call | None = None
    conventions: Mapping[str, Call] = dataclasses.field(default_factory=dict)
    as_written: Call | None = None
    gradients: Gradients = dataclasses.field(default_factory=dict)
    changed: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    used: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    error: str = ""
    gradient_error: str = ""
    gradients_lost: bool = False
    differentiated: tuple[str, ...] = ()
    undifferentiated: Mapping[str, str] = dataclasses.field(default_factory=dict)
    unresolved: Mapping[str, str] = dataclasses.field(default_factory=dict)
    drawn: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class VariableFacts:
    """A variable, with its value as a digest: values must be equal to the bit."""

    dtype: str
    shape: tuple[int | None, ...] | None
    trainable: bool
    digest: str

    def __str__(self) -> str:
        shape = "unknown" if self.shape is None else list(self.shape)
        kind = "trainable" if self.trainable else "not trainable"
        return f"{self.dtype} {shape} {kind} value {self.digest[:16]}"


@dataclasses.dataclass(frozen=True, slots=True)
class Loss:
    """A regularization loss: its value and, of the TF1 graph, what is known besides.

    Attributes:
      value: A scalar.
      used: The variables that it depends on.
      variant: The tag set of the graph variant that has it.
      gradients: Its gradients by the trainable variables; None where they cannot be computed.
    """

    value: np.ndarray
    used: frozenset[str] = frozenset()
    variant: frozenset[str] = frozenset()
    gradients: Gradients | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ListFacts:
    """The lists of the module, or of one of its callables."""

    variables: tuple[str, ...]
    trainable_variables: tuple[str, ...]
    losses: tuple[Loss, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleFacts:
    """The variables, callables and signatures of the converted module.

    Attributes:
      variables: By TF1 name.
      root: What the module itself lists.
      callables: What each callable lists, by attribute.
      signatures: The names of the serving signatures.
    """

    variables: Mapping[str, VariableFacts]
    root: ListFacts
    callables: Mapping[str, ListFacts]
    signatures: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Observations:
    """The observations of the converted module: one for each case, and its facts.

    Attributes:
      cases: One observation for each case.
      facts: What the module has.
      copy_facts: What the copy has that was saved from it; None where it could not be loaded.
    """

    cases: tuple[Observation, ...]
    facts: ModuleFacts
    copy_facts: ModuleFacts | None = None


def digest(array: np.ndarray) -> str:
    """A digest of an array's elements."""
    content = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
    return hashlib.sha256(content).hexdigest()


def find_changed(
    before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The arrays of `after` that are not as they were, to the bit."""
    return {
        name: array
        for name, array in after.items()
        if array.shape != before[name].shape or digest(array) != digest(before[name])
    }
