import pytest

from converter.ir import aliases
from converter.ir.graph import TensorRef
from converter.ir.text import parse_graph

_CHAIN = """
    a = Const()
    p = Const()
    enter = Enter(a)
    switch = Switch(enter, p)
    identity = Identity(switch:1)
    stop = StopGradient(identity)
    exit = Exit(stop)
"""


def _source(name, through):
    return str(aliases.source_of(parse_graph(_CHAIN).nodes, TensorRef(name), through))


@pytest.mark.parametrize(
    ("start", "through", "source"),
    [
        ("identity", aliases.IDENTITIES, "switch:1"),
        ("identity", aliases.IDENTITIES | aliases.ENTRANCES, "a:0"),
        ("stop", aliases.IDENTITIES | aliases.ENTRANCES, "stop:0"),
        ("stop", aliases.IDENTITIES | aliases.GRADIENT_BARRIERS, "switch:1"),
        ("exit", aliases.EXITS, "stop:0"),
        ("a", aliases.IDENTITIES, "a:0"),
        ("gone", aliases.IDENTITIES, "gone:0"),
    ],
)
def test_only_the_ops_named_are_looked_through(start, through, source):
    assert _source(start, through) == source


def test_the_trail_tells_which_way_was_taken():
    nodes = parse_graph(_CHAIN).nodes
    trail = aliases.trail(nodes, TensorRef("identity"), aliases.IDENTITIES | aliases.ENTRANCES)
    assert [str(ref) for ref in trail] == ["identity:0", "switch:1", "enter:0", "a:0"]


def test_a_trail_ends_where_the_graph_does():
    nodes = parse_graph("a = Identity(outside:2)\nb = Identity()").nodes
    assert aliases.source_of(nodes, TensorRef("a"), aliases.IDENTITIES) == TensorRef("outside", 2)
    assert aliases.source_of(nodes, TensorRef("b"), aliases.IDENTITIES) == TensorRef("b")


def test_a_trail_that_goes_in_a_circle_ends():
    nodes = parse_graph("a = Identity(b)\nb = NextIteration(a)\nc = Identity(c)").nodes
    through = aliases.IDENTITIES | aliases.EXITS
    assert aliases.source_of(nodes, TensorRef("a"), through) == TensorRef("b")
    assert aliases.source_of(nodes, TensorRef("c"), through) == TensorRef("c")


def test_a_merge_may_be_any_of_its_inputs():
    nodes = parse_graph("m = Merge(a, b)\ns = Switch(m, p)").nodes
    assert aliases.forwarded_inputs(nodes["m"]) == (TensorRef("a"), TensorRef("b"))
    assert aliases.forwarded_inputs(nodes["s"]) == (TensorRef("m"),)
