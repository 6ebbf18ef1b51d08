"""The parity checks. A new check is one function and one line in `CHECKS`."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from converter.parity.cases import Case
from converter.parity.compare import Comparison, compare, compare_facts, missing
from converter.parity.door_checks import (
    check_after_saving,
    check_as_written,
    check_conventions,
    check_copy,
    check_serving,
    check_session,
    compare_calls,
)
from converter.parity.evidence import (
    WHOLE_MODULE,
    Evidence,
    Found,
    compare_arrays,
    compare_gradients,
    compare_values,
)
from converter.parity.observation import Loss, Observation, VariableFacts

RANDOM_OPS_REPLACED = ("random ops replaced",)
# What TensorFlow adds to its errors about ops without gradients, for those who write ops.
_ADVICE = " In general every operation must"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One tensor, or one fact, that was compared.

    Attributes:
      case: The call, or `module`.
      check: The check, by its name in `CHECKS`.
      tensor: What was compared.
      comparison: The result.
      conditions: What had to be changed on both sides before it could be compared.
    """

    case: str
    check: str
    tensor: str
    comparison: Comparison
    conditions: tuple[str, ...] = ()

    @property
    def is_fact(self) -> bool:
        """Whether it is a fact rather than a tensor."""
        return self.comparison.is_fact


def check_calls(evidence: Evidence) -> Found:
    """The converted module runs every case at all."""
    for case, actual in zip(evidence.cases, evidence.actual, strict=True):
        if actual.error:
            yield case.name, "call", compare_facts("runs", f"raised {actual.error}")


def check_outputs(evidence: Evidence) -> Found:
    """All outputs of every call."""
    for case, expected, actual in evidence.pairs():
        for name, comparison in compare_values(expected.outputs, actual.outputs, evidence):
            yield case.name, name, comparison


def check_default_output(evidence: Evidence) -> Found:
    """Calls without `return_endpoints`."""
    for case, expected, actual in evidence.pairs():
        if expected.plain is not None:
            yield from compare_calls(
                case, "", expected.plain, actual.plain, evidence, expected.unresolved
            )


def check_gradients(evidence: Evidence) -> Found:
    """Gradients of a weighted sum of all float outputs by every trainable variable."""
    for case, expected, actual in evidence.pairs():
        if expected.gradient_error:
            continue  # The original has none either; the report says so.
        if actual.gradient_error:
            yield case.name, *_lack_gradients(case, actual)
            continue
        gradients = expected.gradients, actual.gradients
        for name, comparison in compare_gradients(*gradients, evidence, expected.unresolved):
            yield case.name, name, comparison


def check_effects(evidence: Evidence) -> Found:
    """The variables that a call changes, in training by its update ops, and their new values."""
    for case, expected, actual in evidence.pairs():
        for name, comparison in compare_arrays(expected.changed, actual.changed, evidence):
            yield case.name, name, comparison


def check_losses(evidence: Evidence) -> Found:
    """The regularization losses of the module and of its callables, in order."""
    unresolved = {name for seen in evidence.expected for name in seen.unresolved}
    facts = evidence.facts
    for name, owner in ((WHOLE_MODULE, facts.root), *facts.callables.items()):
        listed, actual = set(owner.variables), owner.losses
        expected = [loss for loss in _losses_of(evidence, name) if loss.used <= listed]
        for index, loss in enumerate(expected):
            if index >= len(actual):
                yield name, str(index), missing(loss.value)
                continue
            tolerance = evidence.tolerances.of(loss.value)
            yield name, str(index), compare(loss.value, actual[index].value, tolerance)
            gradients = loss.gradients, actual[index].gradients
            for variable, comparison in compare_gradients(*gradients, evidence, unresolved):
                yield name, f"{index}, gradient of {variable}", comparison
        if len(actual) > len(expected):
            yield name, "count", compare_facts(str(len(expected)), str(len(actual)))


def check_variables(evidence: Evidence) -> Found:
    """Names, dtypes, shapes and values of the variables, and who lists which."""
    called = dict.fromkeys(case.attribute for case in evidence.cases)
    used = {attribute: evidence.used(attribute) for attribute in called}
    surely = {attribute: evidence.used(attribute, surely=True) for attribute in used}
    for name in sorted(set().union(*surely.values(), evidence.facts.variables)):
        expected, actual = evidence.variables.get(name), evidence.facts.variables.get(name)
        yield WHOLE_MODULE, name, compare_facts(_text(expected), _text(actual))
    for attribute, most in used.items():
        owner = evidence.facts.callables.get(attribute)
        listed = owner.variables if owner else ()
        yield from _compare_lists(f"{attribute}.variables", listed, surely[attribute], most)
    root = evidence.plan.root
    if root is None or root in used:  # Else nothing is known of what it should list.
        attributes = [root] if root else list(used)
        least = set().union(*(surely[a] for a in attributes))
        most = set().union(*(used[a] for a in attributes))
        yield from _compare_lists("variables", evidence.facts.root.variables, least, most)


def check_trainable(evidence: Evidence) -> Found:
    """Whether the trainable variables of each list are those of TRAINABLE_VARIABLES in it."""
    owners = {"": evidence.facts.root, **evidence.facts.callables}
    for attribute, owner in owners.items():
        what = f"{attribute}.trainable_variables".lstrip(".")
        expected = {
            name
            for name in owner.variables
            if name in evidence.variables and evidence.variables[name].trainable
        }
        yield from _compare_lists(what, owner.trainable_variables, expected, expected)


def check_signatures(evidence: Evidence) -> Found:
    """The serving signatures, with the names and dtypes that the source's SignatureDefs have."""
    for name, expected in sorted(evidence.expected_signatures().items()):
        actual = evidence.signatures.get(name)
        yield WHOLE_MODULE, name, compare_facts(str(expected), str(actual or "missing"))
        loaded = "offered" if name in evidence.facts.signatures else "missing"
        yield WHOLE_MODULE, f"{name} in Python", compare_facts("offered", loaded)


def check_offer(evidence: Evidence) -> Found:
    """Each signature of each usable graph variant of the source is a callable."""
    for tags, signatures in evidence.source.signatures.items():
        if tags in evidence.plan.variants.left_out:
            continue
        for name in signatures:
            offered = "offered" if (tags, name) in evidence.offered else "missing"
            what = f"{name} of {{{', '.join(sorted(tags))}}}"
            yield WHOLE_MODULE, what, compare_facts("offered", offered)


def check_files(evidence: Evidence) -> Found:
    """Assets are those of the source, byte for byte."""
    for name, expected in evidence.source_files.items():
        # One that two graph variants name differently may have another name.
        renamed = expected if expected in evidence.files.values() else "absent"
        actual = evidence.files.get(name, renamed)
        yield WHOLE_MODULE, name, compare_facts(expected, actual)


def check_constants(evidence: Evidence) -> Found:
    """All float constants, seeds and comparisons of floats are some of the source, to the bit."""
    yield WHOLE_MODULE, "constants", compare_facts("the source's", "the source's")
    for node, values in evidence.invented.items():
        yield WHOLE_MODULE, node, compare_facts("what the source has", values)


def check_record(evidence: Evidence) -> Found:
    """The record says what the module is."""
    for name, expected in evidence.expected_record.items():
        kind, _, variable = name.partition(" ")
        # A variable that no signature reaches need not be in it.
        if kind == "variable" and variable not in evidence.facts.variables:
            continue
        actual = evidence.record.get(name, "absent")
        yield WHOLE_MODULE, name, compare_facts(expected, actual)


Checks: TypeAlias = tuple[tuple[str, Callable[[Evidence], Found]], ...]

# What a call shows by itself, in whatever way it is made.
OF_CALLS: Checks = (
    ("calls", check_calls),
    ("outputs", check_outputs),
    ("gradients", check_gradients),
    ("effects", check_effects),
)
# In the order of the report.
CHECKS: Checks = (
    ("calls", check_calls),
    ("outputs", check_outputs),
    ("default output", check_default_output),
    ("gradients", check_gradients),
    ("effects", check_effects),
    ("serving", check_serving),
    ("session", check_session),
    ("conventions", check_conventions),
    ("after saving", check_after_saving),
    ("in a copy", check_copy),
    ("as written", check_as_written),
    ("losses", check_losses),
    ("variables", check_variables),
    ("trainable", check_trainable),
    ("signatures", check_signatures),
    ("offer", check_offer),
    ("constants", check_constants),
    ("files", check_files),
    ("record", check_record),
)


def run_checks(evidence: Evidence, checks: Checks = CHECKS) -> tuple[Row, ...]:
    """Runs the checks, or all of them."""
    drawing = {case.name for case in evidence.cases if case.draws}
    return tuple(
        Row(
            case,
            name,
            tensor,
            comparison,
            RANDOM_OPS_REPLACED if case in drawing and not comparison.is_fact else (),
        )
        for name, check in checks
        for case, tensor, comparison in check(evidence)
    )


# Parts of checks.


def _lack_gradients(case: Case, actual: Observation) -> tuple[str, Comparison]:
    """The comparison where only TF1 has gradients."""
    reason = actual.gradient_error.partition(_ADVICE)[0]
    if not case.differentiated:
        return "all", compare_facts("gradients", reason)
    # Functions have one backward pass for all outputs, `tf.gradients` one for those asked for.
    why = f"none, since TensorFlow 2 differentiates all outputs of a call at once: {reason}"
    return ", ".join(case.differentiated), compare_facts("gradients", why)


def _losses_of(evidence: Evidence, name: str) -> list[Loss]:
    """The losses of the graph variant that a callable trains with; each once for the module."""
    plan = evidence.plan
    attribute = plan.root if name == WHOLE_MODULE else name
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
    yield WHOLE_MODULE, what, compare_facts("complete", "; ".join(faults) or "complete")


def _text(variable: VariableFacts | None) -> str:
    return "absent" if variable is None else str(variable)
