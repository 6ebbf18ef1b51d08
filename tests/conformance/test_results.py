"""Every outcome of a job, and every error, is demanded by a test."""

import inspect
import typing

from conformance.asserted_types import asserted_types
from conformance.coverage import assert_covered
from converter import errors
from converter.migration import outcomes

_EXEMPT_OUTCOMES: dict[str, str] = {}
_EXEMPT_ERRORS: dict[str, str] = {}


def test_a_test_ends_in_every_outcome():
    everything = {kind.__name__ for kind in typing.get_args(outcomes.Outcome)}
    assert_covered(everything, asserted_types(), _EXEMPT_OUTCOMES)


def test_a_test_raises_every_error():
    everything = {
        name
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, Exception)
    }
    assert_covered(everything, asserted_types(), _EXEMPT_ERRORS)
