"""The observations of both modules, and how values are compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

import numpy as np

from converter.assemble.signatures import SERVING_DEFAULT
from converter.compile.plan import ModulePlan
from converter.compile.signature_names import serving_names
from converter.parity.cases import Case
from converter.parity.compare import (
    Comparison,
    Tolerance,
    compare,
    compare_facts,
    default_tolerance,
    magnitude,
    missing,
)
from converter.parity.observation import Gradients, Loss, ModuleFacts, Observation, VariableFacts
from converter.parity.source_facts import SignatureFacts, SourceFacts, Tags
from converter.parity.values import Value, to_parts

WHOLE_MODULE = "module"

# The call, or `module`; what was compared of it; and what came of that.
Found: TypeAlias = Iterator[tuple[str, str, Comparison]]


@dataclasses.dataclass(frozen=True, slots=True)
class Tolerances:
    """The tolerance for each dtype: the default, but for what the user sets."""

    rtol: float | None = None
    atol: float | None = None

    def of(self, array: np.ndarray) -> Tolerance:
        """The tolerance for an array."""
        tolerance = default_tolerance(array.dtype.name)
        if self.rtol is not None:
            tolerance = dataclasses.replace(tolerance, rtol=self.rtol)
        if self.atol is not None:
            tolerance = dataclasses.replace(tolerance, atol=self.atol, noise=0.0)
        return tolerance


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """All that was seen of both modules.

    Attributes:
      plan: What the converted module should offer.
      cases: The calls.
      expected: What the TF1 graph showed, one observation a case.
      actual: What the converted module showed.
      variables: The variables of the TF1 module, by name.
      losses: Its regularization losses.
      facts: What the converted module has.
      source: What the files of the TF1 module say.
      offered: The graph variants and signatures that the converted module was asked for.
      signatures: The signatures that the files of the converted module have.
      tolerances: How far numbers may be apart.
      copy_facts: What the copy has that was saved from it, if that could be loaded.
      invented: The nodes of the converted module with constants, seeds or comparisons of floats
        that the source has not.
      source_files: The digests of the source's assets that the graphs name, by their names.
      files: Those of the converted module's assets.
      expected_record: What the record should say.
      record: What it says.
    """

    plan: ModulePlan
    cases: tuple[Case, ...]
    expected: tuple[Observation, ...]
    actual: tuple[Observation, ...]
    variables: Mapping[str, VariableFacts]
    losses: tuple[Loss, ...]
    facts: ModuleFacts
    source: SourceFacts
    offered: frozenset[tuple[Tags, str]]
    signatures: Mapping[str, SignatureFacts]
    tolerances: Tolerances
    copy_facts: ModuleFacts | None = None
    invented: Mapping[str, str] = dataclasses.field(default_factory=dict)
    source_files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    expected_record: Mapping[str, str] = dataclasses.field(default_factory=dict)
    record: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def pairs(self) -> Iterator[tuple[Case, Observation, Observation]]:
        """Each case with what was expected and what was seen, where it ran at all."""
        for case, expected, actual in zip(self.cases, self.expected, self.actual, strict=True):
            if not actual.error:
                yield case, expected, actual

    def expected_signatures(self) -> dict[str, SignatureFacts]:
        """The signatures to be served: each of the inference variant, and the root's again.

        A module without an inference variant serves all of its callables.
        """
        callables, inference = self.plan.callables, self.plan.variants.inference
        plans = ((served, callables[name]) for name, served in serving_names(self.plan).items())
        expected = {
            served: self.source.signatures[plan.tags][plan.signature] for served, plan in plans
        }
        if inference is not None:
            forgotten = set(self.source.signatures[inference]) - {
                part.signature for part in callables.values() if part.tags == inference
            }
            expected |= {name: self.source.signatures[inference][name] for name in forgotten}
        if self.plan.root is not None:
            root = callables[self.plan.root]
            default = self.source.signatures[root.tags][root.signature]
            expected.setdefault(SERVING_DEFAULT, default)
        return expected

    def used(self, attribute: str, *, surely: bool = False) -> set[str]:
        """The variables that calls of a callable, all outputs included, depend on, or surely do."""
        return {
            name
            for case, expected in zip(self.cases, self.expected, strict=True)
            if case.attribute == attribute
            for name in expected.used
            if not (surely and name in expected.unsure)
        }


def compare_values(
    expected: Mapping[str, Value], actual: Mapping[str, Value], evidence: Evidence
) -> Iterator[tuple[str, Comparison]]:
    """Compares values by the names of their parts."""
    yield from compare_arrays(to_parts(expected), to_parts(actual), evidence)


def compare_arrays(
    expected: Mapping[str, np.ndarray], actual: Mapping[str, np.ndarray], evidence: Evidence
) -> Iterator[tuple[str, Comparison]]:
    """Compares arrays by name."""
    for name, array in expected.items():
        if name in actual:
            yield name, compare(array, actual[name], evidence.tolerances.of(array))
        else:
            yield name, missing(array)
    for name in sorted(set(actual) - set(expected)):
        yield name, compare_facts("absent", "present")


def compare_gradients(
    expected: Gradients | None,
    actual: Gradients | None,
    evidence: Evidence,
    unresolved: Collection[str] = (),
) -> Iterator[tuple[str, Comparison]]:
    """Compares gradients by variable, against the largest of them; nothing where TF1 has none.

    One that is not there counts as zeros. Those that pass a gradient that no library has are left
    out: the report says so.
    """
    if expected is None:
        return
    if actual is None:
        yield "all", compare_facts("gradients", "none can be computed")
        return
    pairs: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name in (*expected, *sorted(set(actual) - set(expected))):
        one, other = expected.get(name), actual.get(name)
        if name not in unresolved and (one is not None or other is not None):
            shape = other if one is None else one
            zeros = np.zeros_like(shape)
            pairs[name] = (zeros if one is None else one, zeros if other is None else other)
    scale = max((magnitude(one) for one, _ in pairs.values()), default=0.0)
    for name, (one, other) in pairs.items():
        yield name, compare(one, other, evidence.tolerances.of(one), group_scale=scale)
