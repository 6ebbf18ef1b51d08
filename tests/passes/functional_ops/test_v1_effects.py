import dataclasses

import pytest

from converter.ir.graph import TensorRef
from converter.ir.text import parse_graph
from converter.passes.functional_ops import v1_effects as module
from converter.passes.functional_ops.place_body import Placed
from converter.passes.functional_ops.v1_effects import hold_results, wait_outside

_LOOP = """
    x = _Arg()
    outer = Enter[frame_name="outer"](x)
    outer/m = Merge(outer, outer/n)
    outer/s = Switch(outer/m, outer/l)
    outer/l = LoopCond(outer/m:1)
    outer/p = PrintV2(outer/s:1)
    inner = Enter[frame_name="inner"](outer/s:1, ^outer/p)
    inner/m = Merge(inner, inner/n)
    inner/s = Switch(inner/m, inner/l)
    inner/l = LoopCond(inner/m:1)
    inner/p = PrintV2(inner/s:1)
    inner/n = NextIteration(inner/s:1, ^inner/p)
    inner/x = Exit(inner/s)
    outer/n = NextIteration(inner/x)
    outer/x = Exit(outer/s)
    return outer/x
"""
_NESTED_CONDS = """
    x = _Arg()
    p = _Arg()
    s = Switch(x, p)
    t = Switch(s:1, p)
    shown = PrintV2(t:1)
    t/yes = Identity(t:1, ^shown)
    t/m = Merge(t, t/yes)
    t/n = Merge(t, t:1)
    s/m = Merge(s, t/m)
    s/n = Merge(s, s:1, ^t/m)
    y = Neg(s/m)
    return y
"""


def _targets(text, *targets):
    return wait_outside(dataclasses.replace(parse_graph(text), targets=targets)).targets


def test_the_example_of_the_docstring(docstring_example):
    before, after = docstring_example(module)
    assert wait_outside(before) == after


@pytest.mark.parametrize("target", ["outer/p", "inner/p"])
def test_a_loop_is_waited_for_at_its_outermost_exit(target):
    assert _targets(_LOOP, target) == ("outer/x",)


def test_a_conditional_is_waited_for_at_its_outermost_merges():
    assert _targets(_NESTED_CONDS, "shown") == ("s/m", "s/n")


def test_each_is_waited_for_once():
    assert _targets(_LOOP, "inner/p", "outer/p", "outer/x") == ("outer/x",)


def test_what_comes_after_control_flow_is_waited_for_itself():
    assert _targets(_NESTED_CONDS, "y") == ("y",)


def test_it_does_nothing_because_there_is_no_v1_control_flow():
    body = dataclasses.replace(parse_graph("x = _Arg()\np = PrintV2(x)\nreturn x"), targets=("p",))
    assert wait_outside(body) is body


def test_it_does_nothing_because_there_are_no_targets():
    body = parse_graph(_LOOP)
    assert wait_outside(body) is body


def test_results_wait_for_effects_under_names_that_are_free():
    nodes = parse_graph("c/p = PrintV2(a)\nc/result_0 = Neg(a)").nodes
    placed = Placed(nodes, (TensorRef("c/result_0"), TensorRef("a", 1)), ("c/p",))
    held = hold_results(placed, "c", (1, 3))
    assert (
        held.nodes
        == nodes
        | parse_graph(
            """
        c/result_0_1 = Identity[T=float](c/result_0, ^c/p)
        c/result_1 = Identity[T=int32](a:1, ^c/p)
        """
        ).nodes
    )
    assert held.results == (TensorRef("c/result_0_1"), TensorRef("c/result_1"))
    assert held.targets == ("c/p",)


def test_it_does_nothing_because_there_are_no_effects():
    placed = Placed({}, (TensorRef("a"),), ())
    assert hold_results(placed, "c", (1,)) is placed
