"""Evidence in which nothing differs, and how to change a part of it."""

import dataclasses

import numpy as np

from converter.compile.conventions import Spelling
from converter.compile.plan import CallablePlan, ModulePlan
from converter.compile.variants import VariantChoice
from converter.parity.cases import Case
from converter.parity.checks import run_checks
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

INFERENCE = frozenset()


PLAN = ModulePlan(
    variants=VariantChoice(INFERENCE, None, (), {}),
    callables={"f": CallablePlan("f", "f", INFERENCE, None, "f", ("x",), ())},
    root="f",
    warnings=(),
)


CASE = Case(
    attribute="f",
    signature="f",
    source="f",
    tags=INFERENCE,
    training=False,
    inputs={},
    positional=("x",),
    keywords={},
    takes_training=False,
    takes_endpoints=True,
    is_root=True,
    served_as=("f", "serving_default"),
    conventions={
        "serve": None,
        "dict": Spelling("dict", {"new": "x"}, {"result": "default", "again": "default"}),
    },
)


ONE = np.array([1.0], np.float32)


OUTPUTS = {"default": ONE, "other": np.array([b"x"], object)}


SERVED = Call({"default": ONE}, {"w": ONE})


CALLED = Call(OUTPUTS, {"w": ONE})


SEEN = Observation(
    outputs=OUTPUTS,
    plain=Call({"default": ONE}, {"w": ONE}, {"w": ONE}),
    serving={"f": SERVED, "serving_default": SERVED},
    session={name: Call({"default": ONE}) for name in ("f", "serving_default")},
    after_saving=CALLED,
    in_copy=CALLED,
    conventions={
        "serve": Call({"default": ONE}, {"w": ONE}, {"w": ONE}),
        "dict": Call({"result": ONE, "again": ONE}, {"w": ONE}, {"w": ONE}),
    },
    gradients={"w": ONE, "b": None},
    changed={"w": ONE},
    used=frozenset({"w", "b"}),
)


VARIABLES = {
    "w": VariableFacts("float32", (1,), True, "digest w"),
    "b": VariableFacts("float32", None, False, "digest b"),
}


PIECE = ListFacts(("w", "b"), ("w",), (Loss(ONE),))


FACTS = ModuleFacts(VARIABLES, PIECE, {"f": PIECE}, ("f", "serving_default"))


SIGNATURE = SignatureFacts({"x": "float32"}, {"default": "float32"})


SOURCE = SourceFacts(
    signatures={INFERENCE: {"f": SIGNATURE}},
    variables={INFERENCE: frozenset("wb")},
    trainable={INFERENCE: frozenset("w")},
)


SAME = Evidence(
    plan=PLAN,
    cases=(CASE,),
    expected=(SEEN,),
    actual=(dataclasses.replace(SEEN, used=frozenset()),),
    variables=VARIABLES,
    losses=(Loss(ONE, frozenset({"w"})), Loss(ONE, frozenset({"w", "unreached"}))),
    facts=FACTS,
    source=SOURCE,
    offered=frozenset({(INFERENCE, "f")}),
    signatures={"f": SIGNATURE, "serving_default": SIGNATURE},
    tolerances=Tolerances(),
    copy_facts=FACTS,
    expected_record={"root": "f", "variable w": "float32", "variable unreached": "float32"},
    record={"root": "f", "variable w": "float32"},
    source_files={"assets/words": "digest"},
    files={"assets/words": "digest"},
)


TWO = np.array([2.0], np.float32)


def find_failures(evidence):
    rows = run_checks(evidence)
    return [(row.check, row.tensor) for row in rows if not row.comparison.passed]


def with_actual(**fields):
    return dataclasses.replace(SAME, actual=(dataclasses.replace(SAME.actual[0], **fields),))


def with_expected(**fields):
    return dataclasses.replace(SAME, expected=(dataclasses.replace(SEEN, **fields),))


def with_facts(**fields):
    facts = dataclasses.replace(FACTS, **fields)
    return dataclasses.replace(SAME, facts=facts, copy_facts=facts)
