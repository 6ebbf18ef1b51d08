import re
import textwrap

import pytest

from converter import errors
from converter.ir.graph import Graph
from converter.ir.region import Loop, Region, check_region
from converter.ir.region_text import format_region
from converter.ir.text import format_graph, parse_graph
from converter.passes import functionalize_control_flow as package
from converter.passes.functionalize_control_flow import functionalize_control_flow

_LOOP = """
    x = _Arg()
    e = Enter[frame_name="f", parallel_iterations=1](x)
    v = Merge[T=float, _output_shapes={list { shape { dim { size: 2 } } shape { } }}](e, n)
    k = LoopCond(v)
    s = Switch(v, k)
    y = Neg(s:1)
    n = NextIteration(y)
    last = Exit(s)
    return last
"""


@pytest.fixture
def raised(make_program):
    """`raised(text)` is the nested form of a graph."""

    def run(text, **fields):
        region = functionalize_control_flow(parse_graph(text), make_program(**fields))
        check_region(region)
        return region

    return run


def test_the_example_of_the_docstring(raised):
    before, after = re.findall(r"^(?:Before|After):\n((?:    .*\n|\n)+)", package.__doc__, re.M)
    assert format_region(raised(before)) == textwrap.dedent(after).strip() + "\n"


def test_it_does_nothing_because_there_is_no_control_flow(raised):
    text = """
        a = _Arg[T=float]()
        b = _Arg[T=float]()
        c = Sub[T=float](a, b)
        d = Split[T=float, num_split=2](a, c)
        return d:1, a
    """
    region = raised(text)
    assert region.args == ("a", "b")
    assert [item.name for item in region.items] == ["c", "d"]
    assert region.results == parse_graph(text).results
    assert all(item is not None and item.control_inputs == () for item in region.items)


def test_nodes_that_need_no_change_are_the_same_objects(make_program):
    graph = parse_graph("a = _Arg()\nb = Neg(a)\nreturn b")
    (item,) = functionalize_control_flow(graph, make_program()).items
    assert item is graph.nodes["b"]


def test_an_empty_graph(raised):
    assert raised("") == Region((), (), ())


def test_arguments_keep_their_order_whether_used_or_not(raised):
    assert raised("b = _Arg()\na = _Arg()\nreturn a").args == ("b", "a")


def test_what_nobody_needs_is_gone(raised):
    assert raised("a = _Arg()\nb = Neg(a)\nreturn a").items == ()


def test_a_result_may_be_listed_twice_and_steer(raised):
    region = raised(
        "x = _Arg()\np = _Arg()\ns = Switch(x, p)\nm = Merge[T=float](s, s:1)\nreturn m, m"
    )
    assert [str(ref) for ref in region.results] == ["m:0", "m:0"]


def test_the_facts_of_a_loop(raised):
    (loop,) = raised(_LOOP).items
    assert isinstance(loop, Loop)
    assert loop.name == "f"
    assert loop.parallel_iterations == 1
    assert loop.has_gradient
    assert loop.maximum_iterations is None
    (carried,) = loop.carried
    assert (carried.name, str(carried.initial), str(carried.output)) == ("v", "x:0", "last:0")
    assert carried.shape == (2,)
    assert loop.predicate.args == loop.body.args == ("v",)


def test_an_output_that_the_graph_lacks_has_no_name(raised):
    text = (
        _LOOP
        + """
        f = Enter[frame_name="f"](x)
        w = Merge[T=float](f, o)
        t = Switch(w, k)
        o = NextIteration(t:1)
    """
    )
    (loop,) = raised(text).items
    assert [value.output is None for value in loop.carried] == [False, True]
    assert len(loop.outputs) == 1


@pytest.mark.parametrize(("names", "expected"), [(["f"], False), (["g", "F"], True)])
def test_loops_made_without_a_gradient(names, expected, raised):
    (loop,) = raised(_LOOP, loops_without_gradient=frozenset(names)).items
    assert loop.has_gradient is expected


def test_the_graph_is_left_as_it_was(make_program):
    graph = parse_graph(_LOOP)
    before = format_graph(graph)
    functionalize_control_flow(graph, make_program())
    assert isinstance(graph, Graph)
    assert format_graph(graph) == before


def test_the_order_of_the_nodes_does_not_matter(raised):
    lines = _LOOP.strip().splitlines()
    backwards = "\n".join([*reversed(lines[:-1]), lines[-1]])
    assert raised(backwards) == raised(_LOOP)


def test_a_loop_in_a_conditional_and_a_conditional_in_it(raised):
    text = """
        x = _Arg()
        p = _Arg()
        s = Switch(x, p)
        e = Enter[frame_name="f"](s:1)
        p/enter = Enter[frame_name="f", is_constant=true](p)
        q/enter = Enter[frame_name="f", is_constant=true](x)
        v = Merge[T=float](e, n)
        k = LoopCond(v)
        t = Switch(v, k)
        r = Switch(t:1, q/enter)
        a = Neg(r:1)
        inner = Merge[T=float](r, a)
        n = NextIteration(inner)
        last = Exit(t)
        m = Merge[T=float](s, last)
        return m
    """
    after = """
        args x, p
        branch p -> m:
          then:
            loop f(v=x [...]) -> last:
              while:
                return v
              do:
                branch x -> inner:
                  then:
                    a = Neg(v)
                    return a
                  else:
                    return v
                return inner
            return last
          else:
            return x
        return m
    """
    assert format_region(raised(text)) == textwrap.dedent(after).lstrip()


def test_a_loop_in_a_loop_uses_values_of_the_outer_one(raised):
    text = """
        n = _Arg()
        o/enter = Enter[frame_name="o"](n)
        o = Merge[T=float](o/enter, o/next)
        o/more = LoopCond(o)
        o/switch = Switch(o, o/more)
        i/enter = Enter[frame_name="i"](o/switch:1)
        k/enter = Enter[frame_name="i", is_constant=true](o/switch:1)
        i = Merge[T=float](i/enter, i/next)
        i/more = LoopCond(i)
        i/switch = Switch(i, i/more)
        i/next = NextIteration(product)
        product = Mul(i/switch:1, k/enter)
        i/exit = Exit(i/switch)
        o/next = NextIteration(i/exit)
        o/exit = Exit(o/switch)
        return o/exit
    """
    after = """
        args n
        loop o(o=n [...]) -> o/exit:
          while:
            return o
          do:
            loop i(i=o [...]) -> i/exit:
              while:
                return i
              do:
                product = Mul(i, o)
                return product
            return i/exit
        return o/exit
    """
    assert format_region(raised(text)) == textwrap.dedent(after).lstrip()


def test_many_conditionals_one_after_the_other(raised):
    lines, value = ["x = _Arg()", "p = _Arg()"], "x"
    for i in range(500):
        lines += [f"s{i} = Switch({value}, p)", f"y{i} = Neg(s{i}:1)"]
        value = f"m{i}"
        lines.append(f"{value} = Merge[T=float](s{i}, y{i})")
    assert len(raised("\n".join([*lines, f"return {value}"])).items) == 500


def test_errors_name_the_node(raised):
    with pytest.raises(errors.ConversionError) as caught:
        raised("x = _Arg()\no/ut = Exit(x)\nreturn o/ut")
    assert "(at node 'o/ut')" in str(caught.value)
