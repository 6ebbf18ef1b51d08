"""The comparisons that decide about cells find what is wrong."""

import dataclasses

import numpy as np
import pytest

from consumers.subject import Call, Subject, check_gradients, check_outputs, check_step, plain_name

_ONES = np.ones(3, np.float32)
_CALL = Call(
    inputs={"x": _ONES},
    served={"x": _ONES},
    outputs={"default": _ONES},
    gradients={"a/w": 2 * _ONES},
    after={"a/moving": 5 * _ONES},
)
_SUBJECT = Subject(
    path="", as_exported="", inference=_CALL, training=_CALL, modes=True, endpoints=False,
    variables={"a/w": _ONES, "a/moving": _ONES, "a/b": _ONES}, penalties={"a/w": _ONES},
)  # fmt: skip
_AFTER = {"a_w": -_ONES, "a_moving": 5 * _ONES, "a_b": _ONES}


def test_names_are_those_of_every_consumer():
    assert plain_name("a/w:0") == plain_name("a_w") == "a_w"


def test_outputs():
    check_outputs(_CALL, {"default": _ONES})
    for wrong in ({}, {"default": _ONES + 1e-2}, {"other": _ONES}):
        with pytest.raises(AssertionError):
            check_outputs(_CALL, wrong)


def test_gradients():
    check_gradients(_CALL, {"a_w": 2 * _ONES})
    for wrong in (None, _ONES):
        with pytest.raises(AssertionError):
            check_gradients(_CALL, {"a_w": wrong})


def test_a_step():
    check_step(_SUBJECT, _AFTER, penalized=False)
    check_step(_SUBJECT, {**_AFTER, "a_w": -2 * _ONES}, penalized=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"a_w": _ONES},  # Did not move.
        {"a_w": -2 * _ONES},  # Moved too far.
        {"a_moving": _ONES},
        {"a_b": 2 * _ONES},
    ],
)
def test_a_wrong_step_is_found(wrong):
    with pytest.raises(AssertionError):
        check_step(_SUBJECT, {**_AFTER, **wrong}, penalized=False)


def test_a_missing_variable_that_trains_is_found():
    with pytest.raises(AssertionError, match="a/w is missing"):
        check_step(_SUBJECT, {"a_moving": 5 * _ONES}, penalized=False)


def test_that_nothing_moves_is_found():
    still = dataclasses.replace(_CALL, gradients={}, after={})
    subject = dataclasses.replace(_SUBJECT, training=still)
    with pytest.raises(AssertionError, match="no variable moved"):
        check_step(subject, {"a_w": _ONES, "a_moving": _ONES, "a_b": _ONES}, penalized=False)
