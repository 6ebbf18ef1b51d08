"""Compares the ways of calling: signatures, sessions, and modules that were saved once more."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np

from converter.assemble.signatures import SERVING_DEFAULT
from converter.compile.conventions import Spelling
from converter.parity.cases import Case
from converter.parity.compare import compare_facts
from converter.parity.evidence import (
    WHOLE_MODULE,
    Evidence,
    Found,
    compare_arrays,
    compare_gradients,
)
from converter.parity.observation import Call, ModuleFacts, Observation, digest
from converter.parity.values import to_parts


def check_serving(evidence: Evidence) -> Found:
    """The serving signatures through TensorFlow's Python loader, by their own names."""
    for case, expected, actual in evidence.pairs():
        yield from _compare_doors(
            case, expected.serving, actual.serving, evidence, expected.unresolved
        )


def check_session(evidence: Evidence) -> Found:
    """The serving signatures in a session, where tensors are named."""
    for case, expected, actual in evidence.pairs():
        # A session has neither tapes nor the variables' names.
        serving = {k: dataclasses.replace(c, gradients=None) for k, c in expected.serving.items()}
        yield from _compare_doors(case, serving, actual.session, evidence)


def check_conventions(evidence: Evidence) -> Found:
    """The calls of the module itself by the names that TF2 models have."""
    for case, expected, actual in evidence.pairs():
        for name, spelling in case.conventions.items():
            call = expected.plain or _with_gradients(expected)
            if spelling is not None:
                call = _spell_outputs(call, spelling)
            seen = actual.conventions.get(name)
            yield from compare_calls(case, f"{name}/", call, seen, evidence, expected.unresolved)


def _with_gradients(observation: Observation) -> Call:
    has_all = not observation.gradient_error and not observation.differentiated
    gradients = observation.gradients if has_all else None
    return dataclasses.replace(_as_call(observation), gradients=gradients)


def _spell_outputs(call: Call, spelling: Spelling) -> Call:
    """Names the outputs of a call as a spelling does; gradients are those of all outputs."""
    is_all = set(spelling.outputs.values()) == set(call.outputs)
    return dataclasses.replace(
        call,
        outputs=spelling.name_outputs(call.outputs),
        gradients=call.gradients if is_all else None,
    )


def check_after_saving(evidence: Evidence) -> Found:
    """The calls after the module was saved, as training saves it."""
    for case, expected, actual in evidence.pairs():
        yield from compare_calls(case, "", _as_call(expected), actual.after_saving, evidence)


def check_copy(evidence: Evidence) -> Found:
    """The calls in the copy that was saved, and the lists of that copy."""
    for case, expected, actual in evidence.pairs():
        yield from compare_calls(case, "", _as_call(expected), actual.in_copy, evidence)
    copy = evidence.copy_facts
    if copy is not None:
        one, other = _lists(evidence.facts), _lists(copy)
        for what, listed in one.items():
            yield WHOLE_MODULE, what, compare_facts(listed, other.get(what, "absent"))


def check_as_written(evidence: Evidence) -> Found:
    """The calls that draw random numbers, in the module as it lies on disk."""
    for case, expected, actual in evidence.pairs():
        if case.draws:
            call = actual.as_written or Call(error="it was not called")
            yield case.name, "call", compare_facts("runs", _ending(call))
            if not call.error:
                one, other = (_dtypes(c.outputs) for c in (_as_call(expected), call))
                yield case.name, "outputs", compare_facts(one, other)


def _compare_doors(
    case: Case,
    expected: Mapping[str, Call],
    actual: Mapping[str, Call],
    evidence: Evidence,
    unresolved: Collection[str] = (),
) -> Found:
    for name, call in expected.items():
        label = f"{SERVING_DEFAULT}/" if name == SERVING_DEFAULT else ""
        yield from compare_calls(case, label, call, actual.get(name), evidence, unresolved)


def compare_calls(
    case: Case,
    label: str,
    expected: Call,
    actual: Call | None,
    evidence: Evidence,
    unresolved: Collection[str] = (),
) -> Found:
    """Compares the results of two ways of calling; gradients where both sides have them."""
    actual = actual or Call(error="it was not called")
    if actual.error:
        yield case.name, f"{label}call", compare_facts("runs", _ending(actual))
        return
    for name, comparison in compare_arrays(expected.outputs, actual.outputs, evidence):
        yield case.name, f"{label}{name}", comparison
    gradients = compare_gradients(expected.gradients, actual.gradients, evidence, unresolved)
    for name, comparison in gradients:
        yield case.name, f"{label}gradient of {name}", comparison
    if actual.changed is not None:
        for name, comparison in compare_arrays(expected.changed or {}, actual.changed, evidence):
            yield case.name, f"{label}{name} after it", comparison


def _ending(call: Call) -> str:
    return f"raised {call.error}" if call.error else "runs"


def _as_call(observation: Observation) -> Call:
    return Call(to_parts(observation.outputs), observation.changed)


def _dtypes(outputs: Mapping[str, np.ndarray]) -> str:
    return ", ".join(f"{name}: {outputs[name].dtype}" for name in sorted(outputs))


def _lists(facts: ModuleFacts) -> dict[str, str]:
    """The variables of a module, and its lists and those of its callables, as text."""
    lists = {name: str(variable) for name, variable in facts.variables.items()}
    owners = {"lists": facts.root, **{f"{k}.lists": p for k, p in facts.callables.items()}}
    for name, owner in owners.items():
        losses = [digest(loss.value)[:16] for loss in owner.losses]
        lists[name] = f"{owner.variables}, trainable {owner.trainable_variables}, losses {losses}"
    return lists
