"""The checks of variables and losses, where a call may or may not use some."""

import dataclasses

import pytest
from parity.evidence_samples import (
    CASE,
    FACTS,
    ONE,
    PIECE,
    PLAN,
    SAME,
    SEEN,
    SIGNATURE,
    SOURCE,
    TWO,
    VARIABLES,
    find_failures,
    with_expected,
    with_facts,
)

from converter.compile.plan import ModulePlan
from converter.compile.variants import VariantChoice
from converter.parity.observation import (
    ListFacts,
    Loss,
)

_UNSURE = {"unsure": frozenset({"b"}), "used": frozenset({"w", "b"})}


def _unsure(**facts):
    evidence = with_facts(**facts)
    expected = with_expected(**_UNSURE).expected
    return dataclasses.replace(evidence, expected=expected)


@pytest.mark.parametrize("listed", [("w",), ("w", "b")])
def test_variables_that_a_call_may_use_may_be_listed(listed):
    piece = ListFacts(listed, ("w",), (Loss(ONE),))
    assert find_failures(_unsure(root=piece, callables={"f": piece})) == []


def test_variables_that_a_call_may_use_may_be_absent():
    only = {"w": VARIABLES["w"]}
    piece = ListFacts(("w",), ("w",), (Loss(ONE),))
    assert find_failures(_unsure(variables=only, root=piece, callables={"f": piece})) == []


def test_variables_that_a_call_may_use_are_compared_if_they_are_there():
    other = {**VARIABLES, "b": dataclasses.replace(VARIABLES["b"], digest="")}
    assert find_failures(_unsure(variables=other)) == [("variables", "b")]


def test_variables_that_a_call_surely_uses_must_be_listed():
    piece = ListFacts(("b",), (), (Loss(ONE),))
    found = find_failures(_unsure(root=piece, callables={"f": piece}))
    assert ("variables", "f.variables") in found
    assert ("variables", "variables") in found


def test_other_variables_than_a_call_may_use_must_not_be_listed():
    piece = ListFacts(("w", "b", "c"), ("w",), (Loss(ONE),))
    found = find_failures(_unsure(root=piece, callables={"f": piece}))
    assert found == [("variables", "f.variables"), ("variables", "variables")]


def test_what_one_call_may_use_another_may_surely_use():
    both = dataclasses.replace(CASE, attribute="g", signature="g", served_as=("f",), is_root=False)
    evidence = dataclasses.replace(
        _unsure(
            root=ListFacts(("w",), ("w",), (Loss(ONE),)),
            callables={name: ListFacts(("w",), ("w",), (Loss(ONE),)) for name in ("f", "g")},
            signatures=("f", "g", "serving_default"),
        ),
        cases=(CASE, both),
        plan=dataclasses.replace(PLAN, callables=dict.fromkeys("fg", PLAN.callables["f"])),
    )
    unsure, sure = evidence.expected[0], SEEN
    evidence = dataclasses.replace(evidence, expected=(unsure, sure), actual=(SAME.actual[0],) * 2)
    assert find_failures(evidence) == [("variables", "g.variables")]


def _with_variants(variants, callables, expected, actual):
    plans = {
        name: dataclasses.replace(PLAN.callables["f"], attribute=name, tags=tags)
        for name, tags in callables.items()
    }
    piece = dataclasses.replace(PIECE, losses=())
    return dataclasses.replace(
        SAME,
        plan=ModulePlan(VariantChoice(None, None, *variants), plans, None, ()),
        losses=expected,
        source=dataclasses.replace(
            SOURCE, signatures={tags: {"f": SIGNATURE} for tags in callables.values()}
        ),
        facts=dataclasses.replace(
            FACTS,
            root=dataclasses.replace(PIECE, losses=actual.pop("root")),
            callables={
                name: dataclasses.replace(piece, losses=losses) for name, losses in actual.items()
            },
        ),
    )


def test_losses_are_those_of_the_variant_that_a_callable_trains_with():
    a, b, a_train = frozenset("a"), frozenset("b"), frozenset(["a", "train"])
    of_w = {tags: Loss(value, frozenset("w"), tags) for tags, value in ((a_train, ONE), (b, TWO))}

    def failures(**actual):
        variants = (a, b), {}, {a: a_train}
        losses = tuple(of_w.values())
        found = find_failures(_with_variants(variants, {"f": a, "g": b}, losses, actual))
        return [failure for failure in found if failure[0] == "losses"]

    one, two = Loss(ONE), Loss(TWO)
    assert failures(root=(one, two), f=(one,), g=(two,)) == []
    assert failures(root=(one, two), f=(one, two), g=(two,)) == [("losses", "count")]
    assert failures(root=(one, two), f=(one,), g=(one,)) == [("losses", "0")]
    assert failures(root=(one,), f=(one,), g=(two,)) == [("losses", "1")]


def test_a_loss_that_variants_share_is_listed_once_by_a_module_that_cannot_be_called():
    a, b = frozenset("a"), frozenset("b")
    expected = tuple(Loss(ONE, frozenset("w"), tags) for tags in (a, a, b, b))
    one = Loss(ONE)
    same = _with_variants(
        ((a, b), {}), {"f": a, "g": b}, expected,
        {"root": (one, one), "f": (one, one), "g": (one, one)},
    )  # fmt: skip
    assert not [failure for failure in find_failures(same) if failure[0] == "losses"]
