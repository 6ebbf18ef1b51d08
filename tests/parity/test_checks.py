import dataclasses

import numpy as np
import pytest

from converter.compile.plan import CallablePlan, ModulePlan
from converter.compile.variants import VariantChoice
from converter.parity.cases import Case
from converter.parity.checks import CHECKS, run_checks
from converter.parity.evidence import Evidence, Tolerances
from converter.parity.observation import (
    Call,
    ListFacts,
    Loss,
    ModuleFacts,
    Observation,
    VariableFacts,
)
from converter.parity.source_facts import SignatureFacts, SourceFacts

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
    served_as=("f", "serving_default"),
)
_ONE = np.array([1.0], np.float32)
_OUTPUTS = {"default": _ONE, "other": np.array([b"x"], object)}
_SERVED = Call({"default": _ONE}, {"w": _ONE})
_CALLED = Call(_OUTPUTS, {"w": _ONE})
_SEEN = Observation(
    outputs=_OUTPUTS,
    plain=Call({"default": _ONE}, {"w": _ONE}, {"w": _ONE}),
    serving={"f": _SERVED, "serving_default": _SERVED},
    session={name: Call({"default": _ONE}) for name in ("f", "serving_default")},
    after_saving=_CALLED,
    in_copy=_CALLED,
    gradients={"w": _ONE, "b": None},
    changed={"w": _ONE},
    used=frozenset({"w", "b"}),
)
_VARIABLES = {
    "w": VariableFacts("float32", (1,), True, "digest w"),
    "b": VariableFacts("float32", None, False, "digest b"),
}
_PIECE = ListFacts(("w", "b"), ("w",), (Loss(_ONE),))
_FACTS = ModuleFacts(_VARIABLES, _PIECE, {"f": _PIECE}, ("f", "serving_default"))
_SIGNATURE = SignatureFacts({"x": "float32"}, {"default": "float32"})
_SOURCE = SourceFacts(
    signatures={_INFERENCE: {"f": _SIGNATURE}},
    variables={_INFERENCE: frozenset("wb")},
    trainable={_INFERENCE: frozenset("w")},
)
_SAME = Evidence(
    plan=_PLAN,
    cases=(_CASE,),
    expected=(_SEEN,),
    actual=(dataclasses.replace(_SEEN, used=frozenset()),),
    variables=_VARIABLES,
    losses=(Loss(_ONE, frozenset({"w"})), Loss(_ONE, frozenset({"w", "unreached"}))),
    facts=_FACTS,
    source=_SOURCE,
    offered=frozenset({(_INFERENCE, "f")}),
    signatures={"f": _SIGNATURE, "serving_default": _SIGNATURE},
    tolerances=Tolerances(),
    copy_facts=_FACTS,
    expected_record={"root": "f", "variable w": "float32", "variable unreached": "float32"},
    record={"root": "f", "variable w": "float32"},
    source_files={"assets/words": "digest"},
    files={"assets/words": "digest"},
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
    facts = dataclasses.replace(_FACTS, **fields)
    return dataclasses.replace(_SAME, facts=facts, copy_facts=facts)


def test_nothing_differs_in_what_is_the_same():
    assert _failures(_SAME) == []
    assert {row.check for row in run_checks(_SAME)} == {name for name, _ in CHECKS} - {
        "calls", "as written"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (_with_actual(error="TypeError: no"), [("calls", "call")]),
        (_with_actual(outputs={**_SEEN.outputs, "default": _TWO}), [("outputs", "default")]),
        (_with_actual(outputs={"default": _ONE}), [("outputs", "other")]),
        (_with_actual(outputs={**_SEEN.outputs, "more": _ONE}), [("outputs", "more")]),
        (
            _with_actual(plain=Call({"default": _TWO}, {"w": _ONE}, {"w": _ONE})),
            [("default output", "default")],
        ),
        (_with_actual(plain=None), [("default output", "call")]),
        (
            _with_actual(plain=Call({"default": _ONE}, {"w": _ONE}, {"w": _TWO})),
            [("default output", "gradient of w")],
        ),
        (
            _with_actual(plain=Call({"default": _ONE}, {}, {"w": _ONE})),
            [("default output", "w after it")],
        ),
        (_with_actual(gradients={"w": _TWO}), [("gradients", "w")]),
        (_with_actual(gradients={"w": None}), [("gradients", "w")]),
        (_with_actual(gradients={"w": _ONE, "b": _ONE}), [("gradients", "b")]),
        (_with_actual(gradient_error="LookupError: no"), [("gradients", "all")]),
        (_with_actual(changed={}), [("effects", "w")]),
        (_with_actual(changed={"w": _ONE, "b": _ONE}), [("effects", "b")]),
        (
            _with_actual(serving={}),
            [("serving", "call"), ("serving", "serving_default/call")],
        ),
        (
            _with_actual(serving={**_SEEN.serving, "f": Call({"default": _TWO}, {"w": _ONE})}),
            [("serving", "default")],
        ),
        (
            _with_actual(serving={**_SEEN.serving, "f": Call({"default": _ONE}, {})}),
            [("serving", "w after it")],
        ),
        (
            _with_actual(session={**_SEEN.session, "serving_default": Call({"default": _TWO})}),
            [("session", "serving_default/default")],
        ),
        (
            _with_actual(session={**_SEEN.session, "f": Call(error="KeyError: f")}),
            [("session", "call")],
        ),
        (_with_actual(after_saving=Call(error="gone")), [("after saving", "call")]),
        (
            _with_actual(in_copy=Call({**_OUTPUTS, "default": _TWO}, {"w": _ONE})),
            [("in a copy", "default")],
        ),
        (_with_actual(in_copy=Call(_OUTPUTS, {})), [("in a copy", "w after it")]),
        (
            dataclasses.replace(
                _SAME,
                copy_facts=dataclasses.replace(_FACTS, root=dataclasses.replace(_PIECE, losses=())),
            ),
            [("in a copy", "lists")],
        ),
        (
            dataclasses.replace(
                _SAME,
                cases=(dataclasses.replace(_CASE, draws=True),),
                actual=(dataclasses.replace(_SEEN, as_written=Call(error="no")),),
            ),
            [("as written", "call")],
        ),
        (_with_facts(signatures=("f",)), [("signatures", "serving_default in Python")]),
        (
            dataclasses.replace(
                _SAME,
                signatures={
                    "f": SignatureFacts({"y": "float32"}, {"default": "float32"}),
                    "serving_default": _SIGNATURE,
                },
            ),
            [("signatures", "f")],
        ),
        (dataclasses.replace(_SAME, offered=frozenset()), [("offer", "f of {}")]),
        (
            dataclasses.replace(_SAME, record={"root": "g", "variable w": "float32"}),
            [("record", "root")],
        ),
        (dataclasses.replace(_SAME, files={}), [("files", "assets/words")]),
        (dataclasses.replace(_SAME, invented={"f/decay": "0.99"}), [("constants", "f/decay")]),
        (dataclasses.replace(_SAME, record={"root": "f"}), [("record", "variable w")]),
        (
            _with_facts(
                variables={**_VARIABLES, "b": dataclasses.replace(_VARIABLES["b"], digest="")}
            ),
            [("variables", "b")],
        ),
        (_with_facts(variables={"w": _VARIABLES["w"]}), [("variables", "b")]),
        (
            _with_facts(root=dataclasses.replace(_PIECE, variables=("w", "b", "c"))),
            [("variables", "variables")],
        ),
        (
            # "b" is only used by an endpoint, and has to be there, too.
            _with_facts(root=dataclasses.replace(_PIECE, variables=("w",))),
            [("variables", "variables")],
        ),
        (
            _with_facts(callables={"f": dataclasses.replace(_PIECE, variables=("w",))}),
            [("variables", "f.variables")],
        ),
        (
            _with_facts(root=dataclasses.replace(_PIECE, variables=("w", "b", "w"))),
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


_UNSURE = {"unsure": frozenset({"b"}), "used": frozenset({"w", "b"})}


def _unsure(**facts):
    evidence = _with_facts(**facts)
    expected = _with_expected(**_UNSURE).expected
    return dataclasses.replace(evidence, expected=expected)


@pytest.mark.parametrize("listed", [("w",), ("w", "b")])
def test_variables_that_a_call_may_use_may_be_listed(listed):
    piece = ListFacts(listed, ("w",), (Loss(_ONE),))
    assert _failures(_unsure(root=piece, callables={"f": piece})) == []


def test_variables_that_a_call_may_use_may_be_absent():
    only = {"w": _VARIABLES["w"]}
    piece = ListFacts(("w",), ("w",), (Loss(_ONE),))
    assert _failures(_unsure(variables=only, root=piece, callables={"f": piece})) == []


def test_variables_that_a_call_may_use_are_compared_if_they_are_there():
    other = {**_VARIABLES, "b": dataclasses.replace(_VARIABLES["b"], digest="")}
    assert _failures(_unsure(variables=other)) == [("variables", "b")]


def test_variables_that_a_call_surely_uses_must_be_listed():
    piece = ListFacts(("b",), (), (Loss(_ONE),))
    found = _failures(_unsure(root=piece, callables={"f": piece}))
    assert ("variables", "f.variables") in found
    assert ("variables", "variables") in found


def test_other_variables_than_a_call_may_use_must_not_be_listed():
    piece = ListFacts(("w", "b", "c"), ("w",), (Loss(_ONE),))
    found = _failures(_unsure(root=piece, callables={"f": piece}))
    assert found == [("variables", "f.variables"), ("variables", "variables")]


def test_what_one_call_may_use_another_may_surely_use():
    both = dataclasses.replace(_CASE, attribute="g", signature="g", served_as=("f",), is_root=False)
    evidence = dataclasses.replace(
        _unsure(
            root=ListFacts(("w",), ("w",), (Loss(_ONE),)),
            callables={name: ListFacts(("w",), ("w",), (Loss(_ONE),)) for name in ("f", "g")},
            signatures=("f", "g", "serving_default"),
        ),
        cases=(_CASE, both),
        plan=dataclasses.replace(_PLAN, callables=dict.fromkeys("fg", _PLAN.callables["f"])),
    )
    unsure, sure = evidence.expected[0], _SEEN
    evidence = dataclasses.replace(evidence, expected=(unsure, sure), actual=(_SAME.actual[0],) * 2)
    assert _failures(evidence) == [("variables", "g.variables")]


def _with_variants(variants, callables, expected, actual):
    plans = {
        name: dataclasses.replace(_PLAN.callables["f"], attribute=name, tags=tags)
        for name, tags in callables.items()
    }
    piece = dataclasses.replace(_PIECE, losses=())
    return dataclasses.replace(
        _SAME,
        plan=ModulePlan(VariantChoice(None, None, *variants), plans, None, ()),
        losses=expected,
        source=dataclasses.replace(
            _SOURCE, signatures={tags: {"f": _SIGNATURE} for tags in callables.values()}
        ),
        facts=dataclasses.replace(
            _FACTS,
            root=dataclasses.replace(_PIECE, losses=actual.pop("root")),
            callables={
                name: dataclasses.replace(piece, losses=losses) for name, losses in actual.items()
            },
        ),
    )


def test_losses_are_those_of_the_variant_that_a_callable_trains_with():
    a, b, a_train = frozenset("a"), frozenset("b"), frozenset(["a", "train"])
    of_w = {tags: Loss(value, frozenset("w"), tags) for tags, value in ((a_train, _ONE), (b, _TWO))}

    def failures(**actual):
        variants = (a, b), {}, {a: a_train}
        losses = tuple(of_w.values())
        found = _failures(_with_variants(variants, {"f": a, "g": b}, losses, actual))
        return [failure for failure in found if failure[0] == "losses"]

    one, two = Loss(_ONE), Loss(_TWO)
    assert failures(root=(one, two), f=(one,), g=(two,)) == []
    assert failures(root=(one, two), f=(one, two), g=(two,)) == [("losses", "count")]
    assert failures(root=(one, two), f=(one,), g=(one,)) == [("losses", "0")]
    assert failures(root=(one,), f=(one,), g=(two,)) == [("losses", "1")]


def test_a_loss_that_variants_share_is_listed_once_by_a_module_that_cannot_be_called():
    a, b = frozenset("a"), frozenset("b")
    expected = tuple(Loss(_ONE, frozenset("w"), tags) for tags in (a, a, b, b))
    one = Loss(_ONE)
    same = _with_variants(
        ((a, b), {}), {"f": a, "g": b}, expected,
        {"root": (one, one), "f": (one, one), "g": (one, one)},
    )  # fmt: skip
    assert not [failure for failure in _failures(same) if failure[0] == "losses"]


def test_a_gradient_that_is_not_there_is_zero():
    zeros = np.zeros(1, np.float32)
    assert _failures(_with_actual(gradients={"w": _ONE, "b": zeros})) == []
    assert _failures(_with_expected(gradients={"w": _ONE, "b": zeros})) == []


def test_a_gradient_that_cannot_be_compared_is_not():
    uncomparable = {"w": "it comes through Python code"}
    wrong = {"gradients": {"w": _TWO}}
    assert _failures(_with_expected(**wrong, unresolved=uncomparable)) == []
    other = {"v": "it comes through Python code"}
    failures = _failures(_with_expected(**wrong, unresolved=other))
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


def test_what_draws_is_compared_under_a_condition():
    drawing = dataclasses.replace(
        _SAME,
        cases=(dataclasses.replace(_CASE, draws=True),),
        actual=(dataclasses.replace(_SEEN, as_written=Call({"default": _TWO, "other": _TWO})),),
    )
    rows = run_checks(drawing)
    outputs = next(row for row in rows if row.check == "outputs")
    assert outputs.conditions == ("random ops replaced",)
    # Only the numbers may be others in the module as it lies on disk.
    assert _failures(drawing) == [("as written", "outputs")]
    assert all(not row.conditions for row in rows if row.is_fact)


def test_gradients_that_no_library_has_are_left_out():
    unresolved = {"w": "its gradient is registered as 'Mine'"}
    evidence = _with_expected(unresolved=unresolved, gradients={"w": _TWO, "b": None})
    assert _failures(evidence) == []
    assert not any(row.check == "gradients" for row in run_checks(evidence))


def test_facts_are_not_tensors():
    facts = {row.check for row in run_checks(_SAME) if row.is_fact}
    assert facts == {
        "in a copy", "variables", "trainable", "signatures", "offer", "constants", "files",
        "record",
    }  # fmt: skip
