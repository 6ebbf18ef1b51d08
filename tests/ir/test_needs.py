import pytest

from converter.ir.needs import Needs
from converter.ir.query import reachable
from converter.ir.text import parse_graph

# Two loops, one in the other, whose back edges lead from `b` and `d` to what runs before them.
_LOOPS = parse_graph(
    """
    x = _Arg[T=float]()
    w = NoOp()
    m = Merge[N=2, T=float](x, n)
    a = Neg[T=float](m, ^w)
    i = Merge[N=2, T=float](a, k)
    c = Neg[T=float](i)
    d = Exp[T=float](c)
    k = NextIteration[T=float](d)
    b = Neg[T=float](i)
    n = NextIteration[T=float](b)
    z = Neg[T=float](x)
    return b
    """
).nodes


def _not_back(ref):
    return _LOOPS[ref.node].op == "NextIteration"


@pytest.mark.parametrize("is_cut", [lambda _: False, _not_back])
def test_it_finds_what_a_walk_from_each_node_finds(is_cut):
    needs = Needs(_LOOPS, _LOOPS, is_cut)
    for name in _LOOPS:
        walked = reachable(_LOOPS, [name], is_cut)
        assert {marked for marked in _LOOPS if needs.needs(name, marked)} == walked


def test_back_edges_count_unless_they_are_cut():
    assert Needs(_LOOPS, ["d"]).needs("a", "d")
    assert not Needs(_LOOPS, ["d"], _not_back).needs("a", "d")


def test_what_some_need_beyond_others():
    needs = Needs(_LOOPS, ["w", "d"], _not_back)
    assert needs.need_more(["d"], ["b"])
    assert not needs.need_more(["b"], ["d"])
    assert not needs.need_more(["z", "new"], [])
    assert needs.need_more(["z", "b"], ["new"])


def test_nothing_is_needed_where_nothing_is_marked():
    assert not Needs(_LOOPS, []).need_more(_LOOPS, [])


def test_which_of_the_marked_others_need():
    assert Needs(_LOOPS, ["x", "z", "a", "d"], _not_back).needed_by_others() == {"x", "a"}
    assert Needs(_LOOPS, ["a", "d"]).needed_by_others() == {"a", "d"}
    assert Needs(_LOOPS, ["d", "z"]).needed_by_others() == set()
