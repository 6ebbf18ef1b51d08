"""What is compared. A new check is one function and one line in `CHECKS`."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np

from converter.assemble.plan import ModulePlan
from converter.assemble.signatures import SERVING_DEFAULT
from converter.parity.cases import Case
from converter.parity.compare import (
    Comparison,
    Tolerance,
    compare,
    default_tolerance,
    magnitude,
    missing,
)
from converter.parity.observation import Loss, ModuleFacts, Observation, VariableFacts
from converter.parity.values import Value, part_names, to_components

WHOLE_MODULE = "module"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One tensor, or one fact, that was compared.

    Attributes:
      case: The call, or `module`.
      check: The check, by its name in `CHECKS`.
      tensor: What was compared.
      comparison: What came of it.
    """

    case: str
    check: str
    tensor: str
    comparison: Comparison


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
      tolerances: How far numbers may be apart.
    """

    plan: ModulePlan
    cases: tuple[Case, ...]
    expected: tuple[Observation, ...]
    actual: tuple[Observation, ...]
    variables: Mapping[str, VariableFacts]
    losses: tuple[Loss, ...]
    facts: ModuleFacts
    tolerances: Tolerances

    def pairs(self) -> Iterator[tuple[Case, Observation, Observation]]:
        """Each case with what was expected and what was seen, where it ran at all."""
        for case, expected, actual in zip(self.cases, self.expected, self.actual, strict=True):
            if not actual.error:
                yield case, expected, actual

    def used(self, attribute: str, *, surely: bool = False) -> set[str]:
        """The variables that calls of a callable, all outputs included, depend on, or surely do."""
        return {
            name
            for case, expected in zip(self.cases, self.expected, strict=True)
            if case.attribute == attribute
            for name in expected.used
            if not (surely and name in expected.unsure)
        }


Found = Iterator[tuple[str, str, Comparison]]


def check_calls(evidence: Evidence) -> Found:
    """The converted module runs every case at all."""
    for case, actual in zip(evidence.cases, evidence.actual, strict=True):
        if actual.error:
            yield case.name, "call", _compare_texts("runs", f"raised {actual.error}")


def check_outputs(evidence: Evidence) -> Found:
    """All outputs of every call."""
    for case, expected, actual in evidence.pairs():
        for name, comparison in _compare_values(expected.outputs, actual.outputs, evidence):
            yield case.name, name, comparison


def check_default_output(evidence: Evidence) -> Found:
    """What a call without `return_endpoints` returns, and the variables that it changes."""
    for case, expected, actual in evidence.pairs():
        if expected.plain is None:
            continue
        plain = {} if actual.plain is None else {"default": actual.plain}
        for name, comparison in _compare_values({"default": expected.plain}, plain, evidence):
            yield case.name, name, comparison
        changed = expected.plain_changed, actual.plain_changed
        for name, comparison in _compare_arrays(*changed, evidence):
            yield case.name, f"{name} after it", comparison


def check_serving(evidence: Evidence) -> Found:
    """What the serving signatures return, by the names that they have."""
    for case, expected, actual in evidence.pairs():
        if expected.serving is not None:
            served = _compare_arrays(expected.serving, actual.serving or {}, evidence)
            for name, comparison in served:
                yield case.name, name, comparison


def check_gradients(evidence: Evidence) -> Found:
    """Gradients of the sum of all float outputs by every trainable variable."""
    for case, expected, actual in evidence.pairs():
        if expected.gradient_error:
            continue  # The original has none either; the report says so.
        if actual.gradient_error:
            yield case.name, "all", _compare_texts("gradients", actual.gradient_error)
            continue
        pairs = _pair_gradients(expected.gradients, actual.gradients)
        scale = max((magnitude(one) for one, _ in pairs.values()), default=0.0)
        for name, (one, other) in pairs.items():
            if name in expected.uncomparable_gradients:
                continue
            tolerance = evidence.tolerances.of(one)
            yield case.name, name, compare(one, other, tolerance, group_scale=scale)


def check_effects(evidence: Evidence) -> Found:
    """The variables that a call changes, in training by its update ops, and their new values."""
    for case, expected, actual in evidence.pairs():
        for name, comparison in _compare_arrays(expected.changed, actual.changed, evidence):
            yield case.name, name, comparison


def check_losses(evidence: Evidence) -> Found:
    """The regularization losses of the module and of its callables, in order."""
    for piece, listed, actual in _pieces(evidence):
        expected = [loss for loss in _losses_of(evidence, piece) if loss.used <= set(listed)]
        for index, loss in enumerate(expected):
            if index < len(actual):
                tolerance = evidence.tolerances.of(loss.value)
                comparison = compare(loss.value, actual[index].value, tolerance)
            else:
                comparison = missing(loss.value)
            yield piece, str(index), comparison
        if len(actual) > len(expected):
            yield piece, "count", _compare_texts(str(len(expected)), str(len(actual)))


def check_variables(evidence: Evidence) -> Found:
    """Names, dtypes, shapes and values of the variables, and who lists which."""
    used = {attribute: evidence.used(attribute) for attribute in _attributes(evidence)}
    surely = {attribute: evidence.used(attribute, surely=True) for attribute in used}
    for name in sorted(set().union(*surely.values(), evidence.facts.variables)):
        expected, actual = evidence.variables.get(name), evidence.facts.variables.get(name)
        yield WHOLE_MODULE, name, _compare_texts(_text(expected), _text(actual))
    for attribute, most in used.items():
        piece = evidence.facts.callables.get(attribute)
        listed = piece.variables if piece else ()
        yield from _compare_lists(f"{attribute}.variables", listed, surely[attribute], most)
    root = evidence.plan.root
    if root is None or root in used:  # Else nothing is known of what it should list.
        attributes = [root] if root else list(used)
        least = set().union(*(surely[a] for a in attributes))
        most = set().union(*(used[a] for a in attributes))
        yield from _compare_lists("variables", evidence.facts.root.variables, least, most)


def check_trainable(evidence: Evidence) -> Found:
    """Whether the trainable variables of each list are those of TRAINABLE_VARIABLES in it."""
    pieces = {"": evidence.facts.root, **evidence.facts.callables}
    for attribute, piece in pieces.items():
        what = f"{attribute}.trainable_variables".lstrip(".")
        expected = {
            name
            for name in piece.variables
            if name in evidence.variables and evidence.variables[name].trainable
        }
        yield from _compare_lists(what, piece.trainable_variables, expected, expected)


def check_signatures(evidence: Evidence) -> Found:
    """The names of the serving signatures."""
    expected = {case.served_as for case in evidence.cases if case.served_as}
    if evidence.plan.root is not None:
        expected.add(SERVING_DEFAULT)
    for name in sorted(expected):
        actual = "served" if name in evidence.facts.signatures else "missing"
        yield WHOLE_MODULE, name, _compare_texts("served", actual)


# In the order of the report.
CHECKS: tuple[tuple[str, Callable[[Evidence], Found]], ...] = (
    ("calls", check_calls),
    ("outputs", check_outputs),
    ("default output", check_default_output),
    ("gradients", check_gradients),
    ("effects", check_effects),
    ("serving", check_serving),
    ("losses", check_losses),
    ("variables", check_variables),
    ("trainable", check_trainable),
    ("signatures", check_signatures),
)


def run_checks(evidence: Evidence) -> tuple[Row, ...]:
    """Runs all checks."""
    return tuple(
        Row(case, name, tensor, comparison)
        for name, check in CHECKS
        for case, tensor, comparison in check(evidence)
    )


# Parts of checks.


def _compare_values(
    expected: Mapping[str, Value], actual: Mapping[str, Value], evidence: Evidence
) -> Iterator[tuple[str, Comparison]]:
    yield from _compare_arrays(_to_parts(expected), _to_parts(actual), evidence)


def _compare_arrays(
    expected: Mapping[str, np.ndarray], actual: Mapping[str, np.ndarray], evidence: Evidence
) -> Iterator[tuple[str, Comparison]]:
    for name, array in expected.items():
        if name in actual:
            yield name, compare(array, actual[name], evidence.tolerances.of(array))
        else:
            yield name, missing(array)
    for name in sorted(set(actual) - set(expected)):
        yield name, _compare_texts("absent", "present")


def _to_parts(values: Mapping[str, Value]) -> dict[str, np.ndarray]:
    return {
        part: array
        for name, value in values.items()
        for part, array in zip(part_names(name, value), to_components(value), strict=True)
    }


def _pair_gradients(
    expected: Mapping[str, np.ndarray | None], actual: Mapping[str, np.ndarray | None]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The gradients that are there on either side; one that is not there counts as zeros."""
    pairs = {}
    for name in (*expected, *sorted(set(actual) - set(expected))):
        one, other = expected.get(name), actual.get(name)
        if one is None and other is None:
            continue
        if one is None:
            one = np.zeros_like(other)
        pairs[name] = (one, np.zeros_like(one) if other is None else other)
    return pairs


def _attributes(evidence: Evidence) -> list[str]:
    return list(dict.fromkeys(case.attribute for case in evidence.cases))


def _pieces(evidence: Evidence) -> Iterator[tuple[str, tuple[str, ...], tuple[Loss, ...]]]:
    root = evidence.facts.root
    yield WHOLE_MODULE, root.variables, root.losses
    for attribute, piece in evidence.facts.callables.items():
        yield attribute, piece.variables, piece.losses


def _losses_of(evidence: Evidence, piece: str) -> list[Loss]:
    """The losses of the graph variant that a callable trains with; each once for the module."""
    plan = evidence.plan
    attribute = plan.root if piece == WHOLE_MODULE else piece
    if attribute is not None:
        variant = plan.variants.loss_variant(plan.callables[attribute].tags)
        return [loss for loss in evidence.losses if loss.variant == variant]
    found: dict[tuple[bytes, frozenset[str], int], Loss] = {}
    times: collections.Counter[Any] = collections.Counter()
    for loss in evidence.losses:
        key = loss.value.tobytes(), loss.used
        times[key, loss.variant] += 1
        found.setdefault((*key, times[key, loss.variant]), loss)
    return list(found.values())


def _compare_lists(
    what: str, listed: Collection[str], least: Collection[str], most: Collection[str]
) -> Found:
    """Whether a list has all names of `least`, none beyond `most`, and each once."""
    lacking, surplus = sorted(set(least) - set(listed)), sorted(set(listed) - set(most))
    twice = sorted({name for name in listed if list(listed).count(name) > 1})
    faults = [
        f"{fault}: {', '.join(names)}"
        for fault, names in (("lacks", lacking), ("has also", surplus), ("repeats", twice))
        if names
    ]
    yield WHOLE_MODULE, what, _compare_texts("complete", "; ".join(faults) or "complete")


def _compare_texts(expected: str, actual: str) -> Comparison:
    one, other = (np.array(text, dtype=object) for text in (expected, actual))
    return compare(one, other, Tolerance())


def _text(variable: VariableFacts | None) -> str:
    return "absent" if variable is None else str(variable)
