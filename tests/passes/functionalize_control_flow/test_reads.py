"""Reads of trainable variables inside of loops in loops."""

import pytest

from converter import errors
from converter.ir.graph import TensorRef, VariableSpec
from converter.ir.region import Branch, Carried, Loop, Region
from converter.ir.text import parse_graph
from converter.passes.functionalize_control_flow.reads import check_reads

_WEIGHTS = 'w = _Variable[key="scope/w"]()\nv = _VariableValue[key="scope/w"]()'
_READ = "r = ReadVariableOp[dtype=float](w)\nreturn r"


def _part(text="", *items, args=()):
    graph = parse_graph(text)
    return Region(tuple(args), (*graph.nodes.values(), *items), graph.results)


def _loop(body, predicate=None):
    carried = (Carried("c", TensorRef("x"), ()),)
    return Loop("f", carried, predicate or _part(args="c"), body)


def _branch(then, otherwise=None):
    return Branch(TensorRef("p"), then, otherwise or _part(), ())


@pytest.fixture
def check(make_program):
    """`check(*items, trainable=…)` checks a region that has variable `w` and these items."""

    def run(*items, trainable=True):
        spec = VariableSpec("scope/w", "w", 1, (), trainable, "scope/w")
        check_reads(_part(_WEIGHTS, *items), make_program(variables={"w": spec}))

    return run


_DEEP = {
    "loop in loop": lambda read: _loop(_part("", _loop(read))),
    "branch in loop": lambda read: _loop(_part("", _branch(read))),
    "else in loop": lambda read: _loop(_part("", _branch(_part(), read))),
    "condition of a loop in a loop": lambda read: _loop(_part("", _loop(_part(), read))),
    "branch in a loop's condition": lambda read: _loop(_part(), _part("", _branch(read))),
    "branch in branch in loop": lambda read: _loop(_part("", _branch(_part("", _branch(read))))),
    "loop in branch in loop": lambda read: _loop(_part("", _branch(_part("", _loop(read))))),
    "loop in loop in branch": lambda read: _branch(_part("", _loop(_part("", _loop(read))))),
}
_SHALLOW = {
    "loop": lambda read: _loop(read),
    "condition of a loop": lambda read: _loop(_part(), read),
    "branch": lambda read: _branch(read),
    "branch in branch": lambda read: _branch(_part("", _branch(read))),
    "loop in branch": lambda read: _branch(_part("", _loop(read))),
    "loop in branch in branch": lambda read: _branch(_part("", _branch(_part("", _loop(read))))),
}


@pytest.mark.parametrize("place", _DEEP)
@pytest.mark.parametrize(
    "read", ["ReadVariableOp[dtype=float](w)", "ResourceGather[dtype=float](w, x)"]
)
def test_a_read_in_something_in_a_loop_is_refused(place, read, check):
    with pytest.raises(errors.UnsupportedOpError, match="trainable variable 'scope/w'") as caught:
        check(_DEEP[place](_part(f"r/ead = {read}")))
    assert caught.value.node == "r/ead"


@pytest.mark.parametrize("place", _SHALLOW)
def test_a_read_in_a_loop_or_branch_alone_is_fine(place, check):
    check(_SHALLOW[place](_part(_READ)))


@pytest.mark.parametrize("place", _DEEP)
def test_a_read_of_a_variable_that_is_not_trained_is_fine(place, check):
    check(_DEEP[place](_part(_READ)), trainable=False)


@pytest.mark.parametrize("place", _DEEP)
def test_values_and_changes_are_fine(place, check):
    check(_DEEP[place](_part("a = Neg(v)\nu = AssignAddVariableOp[dtype=float](w, a)\nreturn a")))


def test_a_read_of_another_variable_is_fine(make_program):
    spec = VariableSpec("scope/w", "w", 1, (), True, "scope/w")
    other = _part('o = _Variable[key="o"]()\n' + _WEIGHTS, _DEEP["loop in loop"](
        _part("r = ReadVariableOp[dtype=float](o)")))  # fmt: skip
    check_reads(other, make_program(variables={"w": spec}))


def test_a_graph_is_refused_only_if_the_call_changes_what_it_reads(nested, counting):
    """Reads of a variable that stays the same are not in the loop any more by then."""
    spec = VariableSpec("scope/w", "w", 1, (), True, "scope/w")
    text = (
        counting.replace("(i/switch:1, one)", "(i/switch:1, m)")
        + """
        w = _Variable[key="scope/w"]()
        w/enter = Enter[frame_name="f", is_constant=true](w)
        p = _Arg()
        p/enter = Enter[frame_name="f", is_constant=true](p)
        s = Switch(i/switch:1, p/enter)
        h = Switch(w/enter, p/enter)
        r = ReadVariableOp[dtype=float](h:1, ^s)
        m = Merge[T=float](s, r)
        return last
    """
    )
    with pytest.raises(errors.UnsupportedOpError, match="trainable variable 'scope/w'") as caught:
        nested(text, variables={"w": spec})
    assert caught.value.node == "r"
    assert "r = ReadVariableOp" in nested(text)
