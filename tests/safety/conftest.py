"""Modules with a graph that takes too much."""

import pytest
from safety.bombs import BOMBS
from safety.modules import add_nodes

from converter.ir.region import Branch, Region
from converter.ir.text import parse_graph


@pytest.fixture
def module_with(golden_module, edit):
    """`module_with(text)` is half_plus_two with these nodes, and `bomb` as another output."""

    def make(text):
        module = golden_module("half_plus_two")
        with edit(module) as saved_model:
            add_nodes(saved_model.meta_graphs[0], text)
        return module

    return make


@pytest.fixture
def bomb(module_with):
    """`bomb(name)` is the module of one of `BOMBS`."""
    return lambda name: module_with(BOMBS[name])


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
