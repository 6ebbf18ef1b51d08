"""Each check finds what it is for, and nothing in what is the same."""

import dataclasses

import numpy as np
import pytest
from parity.evidence_samples import (
    CASE,
    FACTS,
    ONE,
    OUTPUTS,
    PIECE,
    SAME,
    SEEN,
    SIGNATURE,
    TWO,
    VARIABLES,
    find_failures,
    with_actual,
    with_expected,
    with_facts,
)

from converter.parity.checks import CHECKS, run_checks
from converter.parity.evidence import Tolerances
from converter.parity.observation import (
    Call,
    Loss,
)
from converter.parity.source_facts import SignatureFacts


def _dict_returns(outputs):
    """The calls by convention, of which that with a dict returns `outputs`."""
    call = dataclasses.replace(SEEN.conventions["dict"], outputs=outputs)
    return {**SEEN.conventions, "dict": call}


def test_nothing_differs_in_what_is_the_same():
    assert find_failures(SAME) == []
    assert {row.check for row in run_checks(SAME)} == {name for name, _ in CHECKS} - {
        "calls", "as written"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (with_actual(error="TypeError: no"), [("calls", "call")]),
        (with_actual(outputs={**SEEN.outputs, "default": TWO}), [("outputs", "default")]),
        (with_actual(outputs={"default": ONE}), [("outputs", "other")]),
        (with_actual(outputs={**SEEN.outputs, "more": ONE}), [("outputs", "more")]),
        (
            with_actual(plain=Call({"default": TWO}, {"w": ONE}, {"w": ONE})),
            [("default output", "default")],
        ),
        (with_actual(plain=None), [("default output", "call")]),
        (
            with_actual(plain=Call({"default": ONE}, {"w": ONE}, {"w": TWO})),
            [("default output", "gradient of w")],
        ),
        (
            with_actual(plain=Call({"default": ONE}, {}, {"w": ONE})),
            [("default output", "w after it")],
        ),
        (with_actual(gradients={"w": TWO}), [("gradients", "w")]),
        (with_actual(gradients={"w": None}), [("gradients", "w")]),
        (with_actual(gradients={"w": ONE, "b": ONE}), [("gradients", "b")]),
        (with_actual(gradient_error="LookupError: no"), [("gradients", "all")]),
        (with_actual(changed={}), [("effects", "w")]),
        (with_actual(changed={"w": ONE, "b": ONE}), [("effects", "b")]),
        (
            with_actual(serving={}),
            [("serving", "call"), ("serving", "serving_default/call")],
        ),
        (
            with_actual(serving={**SEEN.serving, "f": Call({"default": TWO}, {"w": ONE})}),
            [("serving", "default")],
        ),
        (
            with_actual(serving={**SEEN.serving, "f": Call({"default": ONE}, {})}),
            [("serving", "w after it")],
        ),
        (
            with_actual(session={**SEEN.session, "serving_default": Call({"default": TWO})}),
            [("session", "serving_default/default")],
        ),
        (
            with_actual(session={**SEEN.session, "f": Call(error="KeyError: f")}),
            [("session", "call")],
        ),
        (with_actual(after_saving=Call(error="gone")), [("after saving", "call")]),
        (
            with_actual(in_copy=Call({**OUTPUTS, "default": TWO}, {"w": ONE})),
            [("in a copy", "default")],
        ),
        (with_actual(in_copy=Call(OUTPUTS, {})), [("in a copy", "w after it")]),
        (
            dataclasses.replace(
                SAME,
                copy_facts=dataclasses.replace(FACTS, root=dataclasses.replace(PIECE, losses=())),
            ),
            [("in a copy", "lists")],
        ),
        (
            dataclasses.replace(
                SAME,
                cases=(dataclasses.replace(CASE, draws=True),),
                actual=(dataclasses.replace(SEEN, as_written=Call(error="no")),),
            ),
            [("as written", "call")],
        ),
        (with_facts(signatures=("f",)), [("signatures", "serving_default in Python")]),
        (
            dataclasses.replace(
                SAME,
                signatures={
                    "f": SignatureFacts({"y": "float32"}, {"default": "float32"}),
                    "serving_default": SIGNATURE,
                },
            ),
            [("signatures", "f")],
        ),
        (dataclasses.replace(SAME, offered=frozenset()), [("offer", "f of {}")]),
        (
            dataclasses.replace(SAME, record={"root": "g", "variable w": "float32"}),
            [("record", "root")],
        ),
        (
            with_actual(conventions={**SEEN.conventions, "serve": Call(error="TypeError: no")}),
            [("conventions", "serve/call")],
        ),
        (
            with_actual(conventions={"serve": SEEN.conventions["serve"]}),
            [("conventions", "dict/call")],
        ),
        (
            with_actual(conventions=_dict_returns({"result": ONE, "again": TWO})),
            [("conventions", "dict/again")],
        ),
        (
            with_actual(conventions=_dict_returns({"result": ONE})),
            [("conventions", "dict/again")],
        ),
        (
            with_actual(
                conventions={**SEEN.conventions, "serve": Call({"default": ONE}, {}, {"w": ONE})}
            ),
            [("conventions", "serve/w after it")],
        ),
        (dataclasses.replace(SAME, files={}), [("files", "assets/words")]),
        (dataclasses.replace(SAME, invented={"f/decay": "0.99"}), [("constants", "f/decay")]),
        (dataclasses.replace(SAME, record={"root": "f"}), [("record", "variable w")]),
        (
            with_facts(
                variables={**VARIABLES, "b": dataclasses.replace(VARIABLES["b"], digest="")}
            ),
            [("variables", "b")],
        ),
        (with_facts(variables={"w": VARIABLES["w"]}), [("variables", "b")]),
        (
            with_facts(root=dataclasses.replace(PIECE, variables=("w", "b", "c"))),
            [("variables", "variables")],
        ),
        (
            # "b" is only used by an endpoint, and has to be there, too.
            with_facts(root=dataclasses.replace(PIECE, variables=("w",))),
            [("variables", "variables")],
        ),
        (
            with_facts(callables={"f": dataclasses.replace(PIECE, variables=("w",))}),
            [("variables", "f.variables")],
        ),
        (
            with_facts(root=dataclasses.replace(PIECE, variables=("w", "b", "w"))),
            [("variables", "variables")],
        ),
        (
            with_facts(root=dataclasses.replace(PIECE, trainable_variables=())),
            [("trainable", "trainable_variables")],
        ),
        (with_facts(root=dataclasses.replace(PIECE, losses=())), [("losses", "0")]),
        (with_facts(root=dataclasses.replace(PIECE, losses=(Loss(TWO),))), [("losses", "0")]),
        (
            with_facts(root=dataclasses.replace(PIECE, losses=(Loss(ONE), Loss(ONE)))),
            [("losses", "count")],
        ),
    ],
)
def test_finds(evidence, expected):
    assert find_failures(evidence) == expected


def test_every_check_has_a_test_that_it_fails():
    cases = test_finds.pytestmark[0].args[1]
    assert {check for _, expected in cases for check, _ in expected} == {n for n, _ in CHECKS}


def test_a_gradient_that_is_not_there_is_zero():
    zeros = np.zeros(1, np.float32)
    assert find_failures(with_actual(gradients={"w": ONE, "b": zeros})) == []
    assert find_failures(with_expected(gradients={"w": ONE, "b": zeros})) == []


def test_a_gradient_that_cannot_be_compared_is_not():
    uncomparable = {"w": "it comes through Python code"}
    wrong = {"gradients": {"w": TWO}}
    assert find_failures(with_expected(**wrong, unresolved=uncomparable)) == []
    other = {"v": "it comes through Python code"}
    failures = find_failures(with_expected(**wrong, unresolved=other))
    assert failures == [("gradients", "w")]


def test_gradients_that_tf1_has_not_are_not_compared():
    assert find_failures(with_expected(gradients={}, gradient_error="LookupError: no")) == []


def test_gradients_of_some_outputs_are_not_those_of_conventions():
    # Both sides have those of `default` alone, a convention's call those of all its outputs.
    plain = dataclasses.replace(SEEN, plain=None, differentiated=("default",))
    same = dataclasses.replace(SAME, expected=(plain,))
    other = Call({"default": ONE}, {"w": ONE}, {"w": TWO})
    changed = dataclasses.replace(SAME.actual[0], conventions={"serve": other})
    case = dataclasses.replace(CASE, conventions={"serve": None}, differentiated=("default",))
    evidence = dataclasses.replace(same, cases=(case,), actual=(changed,))
    assert ("conventions", "serve/gradient of w") not in find_failures(evidence)
    lacking = dataclasses.replace(changed, gradient_error="LookupError: no. In general every op")
    evidence = dataclasses.replace(evidence, actual=(lacking,))
    assert ("gradients", "default") in find_failures(evidence)


def test_noise_counts_against_the_largest_gradient():
    large, small = np.array([1e3], np.float32), np.array([1e-4], np.float32)
    same = {"w": large, "b": small}
    evidence = dataclasses.replace(
        SAME,
        expected=(dataclasses.replace(SEEN, gradients=same),),
        actual=(dataclasses.replace(SEEN, gradients={"w": large, "b": -small}),),
    )
    assert find_failures(evidence) == []
    alone = dataclasses.replace(
        SAME,
        expected=(dataclasses.replace(SEEN, gradients={"b": small}),),
        actual=(dataclasses.replace(SEEN, gradients={"b": -small}),),
    )
    assert find_failures(alone) == [("gradients", "b")]


def test_tolerances_of_the_user_replace_the_defaults():
    array = np.ones(1, np.float32)
    assert Tolerances().of(array).rtol == 1e-5
    assert Tolerances(rtol=0.5).of(array).rtol == 0.5
    assert Tolerances(rtol=0.5).of(array).noise > 0
    exact = Tolerances(rtol=0.0, atol=0.0).of(array)
    assert (exact.rtol, exact.atol, exact.noise) == (0, 0, 0)


def test_what_draws_is_compared_under_a_condition():
    drawing = dataclasses.replace(
        SAME,
        cases=(dataclasses.replace(CASE, draws=True),),
        actual=(dataclasses.replace(SEEN, as_written=Call({"default": TWO, "other": TWO})),),
    )
    rows = run_checks(drawing)
    outputs = next(row for row in rows if row.check == "outputs")
    assert outputs.conditions == ("random ops replaced",)
    # Only the numbers may be others in the module as it lies on disk.
    assert find_failures(drawing) == [("as written", "outputs")]
    assert all(not row.conditions for row in rows if row.is_fact)


def test_gradients_that_no_library_has_are_left_out():
    unresolved = {"w": "its gradient is registered as 'Mine'"}
    evidence = with_expected(unresolved=unresolved, gradients={"w": TWO, "b": None})
    assert find_failures(evidence) == []
    assert not any(row.check == "gradients" for row in run_checks(evidence))


def test_facts_are_not_tensors():
    facts = {row.check for row in run_checks(SAME) if row.is_fact}
    assert facts == {
        "in a copy", "variables", "trainable", "signatures", "offer", "constants", "files",
        "record",
    }  # fmt: skip
