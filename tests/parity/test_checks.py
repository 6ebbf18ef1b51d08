import dataclasses

import numpy as np
import pytest

from converter.assemble.plan import CallablePlan, ModulePlan
from converter.assemble.variants import VariantChoice
from converter.parity.cases import Case
from converter.parity.checks import CHECKS, Evidence, Tolerances, run_checks
from converter.parity.observation import (
    Loss,
    ModuleFacts,
    Observation,
    PieceFacts,
    VariableFacts,
)

_INFERENCE = frozenset()
_PLAN = ModulePlan(
    variants=VariantChoice(_INFERENCE, None, (), {}),
    callables={"f": CallablePlan("f", "f", _INFERENCE, None, "f", ("x",), ())},
    root="f",
    warnings=(),
)
_CASE = Case(
    attribute="f",
    signature="f",
    source="f",
    tags=_INFERENCE,
    training=False,
    inputs={},
    positional=("x",),
    keywords={},
    takes_training=False,
    takes_endpoints=True,
    is_root=True,
    served_as="f",
)
_ONE = np.array([1.0], np.float32)
_SEEN = Observation(
    outputs={"default": _ONE, "other": np.array([b"x"], object)},
    plain=_ONE,
    serving={"default": _ONE},
    gradients={"w": _ONE, "b": None},
    changed={"w": _ONE},
    plain_changed={"w": _ONE},
    used=frozenset({"w", "b"}),
    plain_used=frozenset({"w"}),
)
_VARIABLES = {
    "w": VariableFacts("float32", (1,), True, "digest w"),
    "b": VariableFacts("float32", None, False, "digest b"),
}
_PIECE = PieceFacts(("w",), ("w",), (Loss(_ONE),))
_FACTS = ModuleFacts(
    _VARIABLES, _PIECE, {"f": PieceFacts(("w", "b"), ("w",), (Loss(_ONE),))},
    ("f", "serving_default"),
)  # fmt: skip
_SAME = Evidence(
    plan=_PLAN,
    cases=(_CASE,),
    expected=(_SEEN,),
    actual=(dataclasses.replace(_SEEN, used=frozenset(), plain_used=frozenset()),),
    variables=_VARIABLES,
    losses=(Loss(_ONE, frozenset({"w"})), Loss(_ONE, frozenset({"w", "unreached"}))),
    facts=_FACTS,
    tolerances=Tolerances(),
)
_TWO = np.array([2.0], np.float32)


def _failures(evidence):
    rows = run_checks(evidence)
    return [(row.check, row.tensor) for row in rows if not row.comparison.passed]


def _with_actual(**fields):
    return dataclasses.replace(_SAME, actual=(dataclasses.replace(_SAME.actual[0], **fields),))


def _with_expected(**fields):
    return dataclasses.replace(_SAME, expected=(dataclasses.replace(_SEEN, **fields),))


def _with_facts(**fields):
    return dataclasses.replace(_SAME, facts=dataclasses.replace(_FACTS, **fields))


def test_nothing_differs_in_what_is_the_same():
    assert _failures(_SAME) == []
    assert {row.check for row in run_checks(_SAME)} == {name for name, _ in CHECKS} - {"calls"}


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (_with_actual(error="TypeError: no"), [("calls", "call")]),
        (_with_actual(outputs={**_SEEN.outputs, "default": _TWO}), [("outputs", "default")]),
        (_with_actual(outputs={"default": _ONE}), [("outputs", "other")]),
        (_with_actual(outputs={**_SEEN.outputs, "more": _ONE}), [("outputs", "more")]),
        (_with_actual(plain=_TWO), [("default output", "default")]),
        (_with_actual(plain=None), [("default output", "default")]),
        (_with_actual(plain_changed={}), [("default output", "w after it")]),
        (_with_actual(gradients={"w": _TWO}), [("gradients", "w")]),
        (_with_actual(gradients={"w": None}), [("gradients", "w")]),
        (_with_actual(gradients={"w": _ONE, "b": _ONE}), [("gradients", "b")]),
        (_with_actual(gradient_error="LookupError: no"), [("gradients", "all")]),
        (_with_actual(changed={}), [("effects", "w")]),
        (_with_actual(changed={"w": _ONE, "b": _ONE}), [("effects", "b")]),
        (_with_actual(serving=None), [("serving", "default")]),
        (_with_actual(serving={"default": _TWO}), [("serving", "default")]),
        (_with_facts(signatures=("f",)), [("signatures", "serving_default")]),
        (
            _with_facts(
                variables={**_VARIABLES, "b": dataclasses.replace(_VARIABLES["b"], digest="")}
            ),
            [("variables", "b")],
        ),
        (_with_facts(variables={"w": _VARIABLES["w"]}), [("variables", "b")]),
        (
            _with_facts(root=dataclasses.replace(_PIECE, variables=("w", "b"))),
            [("variables", "variables")],
        ),
        (
            _with_facts(root=dataclasses.replace(_PIECE, variables=("w", "w"))),
            [("variables", "variables")],
        ),
        (
            _with_facts(root=dataclasses.replace(_PIECE, trainable_variables=())),
            [("trainable", "trainable_variables")],
        ),
        (_with_facts(root=dataclasses.replace(_PIECE, losses=())), [("losses", "0")]),
        (_with_facts(root=dataclasses.replace(_PIECE, losses=(Loss(_TWO),))), [("losses", "0")]),
        (
            _with_facts(root=dataclasses.replace(_PIECE, losses=(Loss(_ONE), Loss(_ONE)))),
            [("losses", "count")],
        ),
    ],
)
def test_finds(evidence, expected):
    assert _failures(evidence) == expected


def test_every_check_has_a_test_that_it_fails():
    cases = test_finds.pytestmark[0].args[1]
    assert {check for _, expected in cases for check, _ in expected} == {n for n, _ in CHECKS}


_UNSURE = {
    "unsure": frozenset({"b"}), "used": frozenset({"w", "b"}), "plain_used": frozenset({"w", "b"})
}  # fmt: skip


def _unsure(**facts):
    return dataclasses.replace(_with_expected(**_UNSURE), facts=_with_facts(**facts).facts)


@pytest.mark.parametrize("listed", [("w",), ("w", "b")])
def test_variables_that_a_call_may_use_may_be_listed(listed):
    piece = PieceFacts(listed, ("w",), (Loss(_ONE),))
    assert _failures(_unsure(root=piece, callables={"f": piece})) == []


def test_variables_that_a_call_may_use_may_be_absent():
    only = {"w": _VARIABLES["w"]}
    piece = PieceFacts(("w",), ("w",), (Loss(_ONE),))
    assert _failures(_unsure(variables=only, root=piece, callables={"f": piece})) == []


def test_variables_that_a_call_may_use_are_compared_if_they_are_there():
    other = {**_VARIABLES, "b": dataclasses.replace(_VARIABLES["b"], digest="")}
    assert _failures(_unsure(variables=other)) == [("variables", "b")]


def test_variables_that_a_call_surely_uses_must_be_listed():
    piece = PieceFacts(("b",), (), (Loss(_ONE),))
    found = _failures(_unsure(root=piece, callables={"f": piece}))
    assert ("variables", "f.variables") in found
    assert ("variables", "variables") in found


def test_other_variables_than_a_call_may_use_must_not_be_listed():
    piece = PieceFacts(("w", "b", "c"), ("w",), (Loss(_ONE),))
    found = _failures(_unsure(root=piece, callables={"f": piece}))
    assert found == [("variables", "f.variables"), ("variables", "variables")]


def test_what_one_call_may_use_another_may_surely_use():
    both = dataclasses.replace(_CASE, attribute="g", signature="g", served_as="g", is_root=False)
    evidence = dataclasses.replace(
        _unsure(
            root=_PIECE,
            callables={"f": _PIECE, "g": _PIECE},
            signatures=("f", "g", "serving_default"),
        ),
        cases=(_CASE, both),
    )
    unsure, sure = evidence.expected[0], dataclasses.replace(_SEEN, plain_used=frozenset("wb"))
    evidence = dataclasses.replace(evidence, expected=(unsure, sure), actual=(_SAME.actual[0],) * 2)
    assert _failures(evidence) == [("variables", "g.variables")]


def test_a_gradient_that_is_not_there_is_zero():
    zeros = np.zeros(1, np.float32)
    assert _failures(_with_actual(gradients={"w": _ONE, "b": zeros})) == []
    assert _failures(_with_expected(gradients={"w": _ONE, "b": zeros})) == []


def test_a_gradient_that_cannot_be_compared_is_not():
    uncomparable = {"w": "it comes through Python code"}
    wrong = {"gradients": {"w": _TWO}}
    assert _failures(_with_expected(**wrong, uncomparable_gradients=uncomparable)) == []
    other = {"v": "it comes through Python code"}
    failures = _failures(_with_expected(**wrong, uncomparable_gradients=other))
    assert failures == [("gradients", "w")]


def test_gradients_that_tf1_has_not_are_not_compared():
    assert _failures(_with_expected(gradients={}, gradient_error="LookupError: no")) == []


def test_noise_counts_against_the_largest_gradient():
    large, small = np.array([1e3], np.float32), np.array([1e-4], np.float32)
    same = {"w": large, "b": small}
    evidence = dataclasses.replace(
        _SAME,
        expected=(dataclasses.replace(_SEEN, gradients=same),),
        actual=(dataclasses.replace(_SEEN, gradients={"w": large, "b": -small}),),
    )
    assert _failures(evidence) == []
    alone = dataclasses.replace(
        _SAME,
        expected=(dataclasses.replace(_SEEN, gradients={"b": small}),),
        actual=(dataclasses.replace(_SEEN, gradients={"b": -small}),),
    )
    assert _failures(alone) == [("gradients", "b")]


def test_tolerances_of_the_user_replace_the_defaults():
    array = np.ones(1, np.float32)
    assert Tolerances().of(array).rtol == 1e-5
    assert Tolerances(rtol=0.5).of(array).rtol == 0.5
    assert Tolerances(rtol=0.5).of(array).noise > 0
    exact = Tolerances(rtol=0.0, atol=0.0).of(array)
    assert (exact.rtol, exact.atol, exact.noise) == (0, 0, 0)
