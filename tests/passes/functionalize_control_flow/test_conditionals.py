import pytest

from converter.passes.functionalize_control_flow.conditionals import find_components


@pytest.fixture
def components():
    """`components(edges, *ends)` are the components as sorted strings; `edges` maps members."""

    def run(edges, *ends, is_shared=None):
        found = find_components(ends, lambda member: edges.get(member, ()), is_shared)
        return sorted("".join(sorted(members)) for members in found)

    return run


def test_an_end_with_what_leads_to_it(components):
    assert components({"m": "ab", "a": "c"}, "m") == ["abcm"]


def test_ends_that_share_nothing_are_apart(components):
    assert components({"m": "a", "n": "b"}, "m", "n") == ["am", "bn"]


@pytest.mark.parametrize("order", ["mn", "nm"])
def test_ends_that_share_a_unit_are_together(components, order):
    assert components({"m": "a", "n": "b", "a": "c", "b": "c"}, *order) == ["abcmn"]


def test_ends_are_together_through_a_third(components):
    assert components({"m": "a", "n": "ab", "o": "b"}, "m", "o", "n") == ["abmno"]


def test_an_end_may_have_nothing_that_leads_to_it(components):
    assert components({}, "m", "n") == ["m", "n"]


def test_what_is_not_shared_is_with_each_end(components):
    edges = {"m": "a", "n": "b", "a": "c", "b": "c", "c": "d"}
    assert components(edges, "m", "n", is_shared=lambda _: False) == ["acdm", "bcdn"]


def test_one_shared_unit_is_enough(components):
    edges = {"m": "a", "n": "b", "a": "c", "b": "c", "c": "d"}
    assert components(edges, "m", "n", is_shared="d".__eq__) == ["abcdmn"]
