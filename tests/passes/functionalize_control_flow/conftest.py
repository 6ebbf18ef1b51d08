"""Graphs with V1 control flow, and what each step of the pass makes of them."""

import dataclasses
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from converter.assemble.emit import emit
from converter.ir.region import check_region
from converter.ir.region_text import format_region
from converter.ir.text import parse_graph
from converter.passes.functionalize_control_flow import functionalize_control_flow
from converter.passes.functionalize_control_flow.edges import EdgeResolver
from converter.passes.functionalize_control_flow.frames import find_frames, find_loops
from converter.passes.functionalize_control_flow.guards import find_guards

_THREE_ARGS = "x = _Arg()\np = _Arg()\nq = _Arg()\n"

# Counts from 0 as long as it is less than `n`.
_COUNTING = """
    n = _Arg()
    zero = Const[dtype=float]()
    i/enter = Enter[frame_name="f"](zero)
    n/enter = Enter[frame_name="f", is_constant=true](n)
    i = Merge[T=int32](i/enter, i/next)
    less = Less(i, n/enter)
    more = LoopCond(less)
    i/switch = Switch(i, more)
    one = Const[dtype=float](^i/switch)
    plus = Add(i/switch:1, one)
    i/next = NextIteration(plus)
    last = Exit(i/switch)
"""


@pytest.fixture(scope="session")
def counting():
    """A loop with one variable, `i`, that gives `last`."""
    return _COUNTING


@pytest.fixture(scope="session")
def steps():
    """`steps(text)` are the nodes, frames, loops, guards and edges of a graph."""

    def run(text):
        nodes = parse_graph(text).nodes
        frames = find_frames(nodes)
        loops = find_loops(nodes, frames)
        guards = find_guards(nodes, frames, loops)
        edges = EdgeResolver(nodes, frames, loops, guards)
        return SimpleNamespace(nodes=nodes, frames=frames, loops=loops, guards=guards, edges=edges)

    return run


@pytest.fixture(scope="session")
def nested(make_program):
    """`nested(text)` is the nested form of a graph as text, without the line of its args."""

    def run(text, **fields):
        region = functionalize_control_flow(parse_graph(text), make_program(**fields))
        check_region(region)
        return format_region(dataclasses.replace(region, args=()))

    return run


class _State:
    """One variable, for all names."""

    producer = 134

    def __init__(self):
        self.value = tf.Variable(1.0)

    def variable(self, key):
        assert key == "w"
        return self.value


@pytest.fixture(scope="session")
def execute(make_program):
    """`execute(text, *args)` are the results of a graph, run in its nested form.

    Variable `w` is 1 at first.
    """

    def run(text, *args):
        region = functionalize_control_flow(parse_graph(text), make_program())
        check_region(region)
        state = _State()
        function = tf.function(lambda *a: emit(region, a, state), autograph=False)
        return [np.asarray(result) for result in function(*args)]

    return run


@pytest.fixture(scope="session")
def const():
    """`const(1, "int64")` is a scalar constant's op with its attributes."""
    return lambda number, dtype="int32": f"Const[dtype={dtype}, value={dtype}({number})]"


@pytest.fixture(scope="session")
def dedent():
    """`dedent(text)` is `text` as `format_region` would print it."""
    return lambda text: textwrap.dedent(text).strip() + "\n"


@pytest.fixture(scope="session")
def becomes(nested, dedent):
    """`becomes(text, after)` checks the nested form of a graph with arguments x, p and q."""

    def check(text, after):
        assert nested(_THREE_ARGS + text) == dedent(after)

    return check
