import pytest

from converter.ir.region import Branch, Region
from converter.ir.text import parse_graph


@pytest.fixture
def make_region():
    """`make_region(text)` is a region with the nodes of `text`; with `inner`, a branch of it."""

    def make(text, inner=None):
        items = tuple(parse_graph(text).nodes.values())
        if inner is not None:
            predicate, *_ = parse_graph("p = Const[dtype=bool]()\nreturn p").results
            then = Region((), tuple(parse_graph(inner).nodes.values()), ())
            items = (*items, Branch(predicate, Region((), (), ()), then, ()))
        return Region((), items, ())

    return make
