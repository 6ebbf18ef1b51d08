"""Graphs that V1 runs and that are hard to nest: what they give, and how large they become."""

import numpy as np
import pytest
import tensorflow as tf

from converter import errors
from converter.ir.region import Branch, Loop
from converter.ir.text import parse_graph
from converter.passes.functionalize_control_flow import functionalize_control_flow, region_builder
from converter.passes.inline_functions import inline_functions
from converter.passes.pipeline import lower

_ADD = "AssignAddVariableOp[dtype=float]"


def _wheres(*values):
    return [(tf.constant(value), tf.constant(side)) for value in values for side in (True, False)]


# Handles.


@pytest.fixture
def handle_loop(const):
    """A loop that carries the handle of `w`, to which it adds 1 in each of `n` iterations."""
    return f"""
        n = _Arg[T=int32]()
        start = {const(0)}()
        w = _Variable[key="w"]()
        i/enter = Enter[T=int32, frame_name="f"](start)
        n/enter = Enter[T=int32, frame_name="f", is_constant=true](n)
        h/enter = Enter[T=resource, frame_name="f"](w)
        i = Merge[T=int32, N=2](i/enter, i/next)
        h = Merge[T=resource, N=2](h/enter, h/next)
        less = Less[T=int32](i, n/enter)
        more = LoopCond(less)
        i/switch = Switch[T=int32](i, more)
        h/switch = Switch[T=resource](h, more)
        one = {const(1)}(^i/switch)
        step = {const(1, "float")}(^i/switch)
        u = {_ADD}(h/switch:1, step)
        plus = AddV2[T=int32](i/switch:1, one)
        i/next = NextIteration[T=int32](plus)
        h/next = NextIteration[T=resource](h/switch:1, ^u)
        h/exit = Exit[T=resource](h/switch)
    """


@pytest.mark.parametrize("read", ["(h/exit)", "(w, ^h/exit)"])
@pytest.mark.parametrize("last", ["", "last = Exit[T=int32](i/switch)"])
def test_what_takes_or_waits_for_the_handle_that_a_loop_gives_comes_after_it(
    read, last, execute, handle_loop
):
    text = f"{handle_loop}{last}\nr = ReadVariableOp[dtype=float]{read}\nreturn r"
    assert execute(text, tf.constant(3)) == [4]


def test_what_does_not_wait_for_a_loop_but_is_waited_for_comes_before_it(execute, handle_loop):
    text = handle_loop.replace("(w)\n", "(w, ^r)\n", 1)
    text += "last = Exit[T=int32](i/switch)\nr = ReadVariableOp[dtype=float](w)\nreturn r, last"
    assert execute(text, tf.constant(3)) == [1, 3]


# Loops.


@pytest.fixture
def counter(const):
    """`counter(dtype)` is a loop that counts to `n`, but not further than 5."""

    def text(dtype):
        return f"""
            n = _Arg[T={dtype}]()
            start = {const(0, dtype)}()
            i/enter = Enter[T={dtype}, frame_name="f"](start)
            n/enter = Enter[T={dtype}, frame_name="f", is_constant=true](n)
            i = Merge[T={dtype}, N=2](i/enter, i/next)
            less = Less[T={dtype}](i, n/enter)
            five = {const(5, dtype)}(^i)
            early = Less[T={dtype}](i, five)
            both = LogicalAnd(less, early)
            more = LoopCond(both)
            i/switch = Switch[T={dtype}](i, more)
            one = {const(1, dtype)}(^i/switch)
            plus = AddV2[T={dtype}](i/switch:1, one)
            i/next = NextIteration[T={dtype}](plus)
            last = Exit[T={dtype}](i/switch)
        """

    return text


@pytest.mark.parametrize("limit", [-1, 0, 3, 2**31, 2**40, 2**63 - 1])
def test_a_counter_of_64_bits(limit, execute, counter):
    text = counter("int64") + "return last"
    assert execute(text, tf.constant(limit, tf.int64)) == [max(min(limit, 5), 0)]
    without = text.replace("LoopCond(both)", "LoopCond(early)")
    assert execute(without, tf.constant(limit, tf.int64)) == [5]


@pytest.mark.parametrize("limit", [-1, 0, 3, 9])
def test_a_counter_of_32_bits(limit, execute, counter):
    text = counter("int32") + "return last"
    assert execute(text, tf.constant(limit)) == [max(min(limit, 5), 0)]


def test_a_loop_that_goes_on_with_a_value_of_outside(execute, counter):
    text = (
        counter("int32")
        + """
        x = _Arg[T=float]()
        y = _Arg[T=float]()
        v/enter = Enter[T=float, frame_name="f"](x)
        y/enter = Enter[T=float, frame_name="f", is_constant=true](y)
        v = Merge[T=float, N=2](v/enter, v/next)
        v/switch = Switch[T=float](v, more)
        v/next = NextIteration[T=float](y/enter)
        v/exit = Exit[T=float](v/switch)
        return v/exit
    """
    )
    for limit, expected in [(0, 1.0), (1, 2.0), (3, 2.0)]:
        assert execute(text, tf.constant(limit), tf.constant(1.0), tf.constant(2.0)) == [expected]


def test_a_function_with_a_loop_that_is_called_twice(make_function, make_program):
    body = """
        i/enter = Enter[T=float, frame_name="f"](y)
        i = Merge[T=float, N=2](i/enter:output:0, i/next:output:0)
        p = Less[T=float](i:output:0, i:output:0)
        more = LoopCond(p:z:0)
        s = Switch[T=float](i:output:0, more:output:0)
        i/next = NextIteration[T=float](s:output_true:0)
        last = Exit[T=float](s:output_false:0)
    """
    function = make_function("f", {"y": "float"}, body, {"r": "last:output:0"})
    program = make_program(functions={"f": function})
    graph = parse_graph("x = _Arg[T=float]()\na = f(x)\nb = f(a)\nreturn b")
    first, second = functionalize_control_flow(inline_functions(graph, program), program).items
    assert isinstance(first, Loop)
    assert isinstance(second, Loop)
    assert first.name != second.name


# Conditionals.


def test_the_gradient_of_a_conditional_in_the_graph_itself(execute):
    """`y = tf.cond(p, lambda: exp(x), lambda: x); tf.gradients(y * y, x)`."""
    text = """
        x = _Arg[T=float]()
        p = _Arg[T=bool]()
        s = Switch[T=float](x, p)
        f = Exp[T=float](s:1)
        m = Merge[T=float, N=2](s, f)
        up = AddV2[T=float](m, m)
        t = Switch[T=float](up, p)
        g = Mul[T=float](t:1, f)
        dx = Merge[T=float, N=2](t, g)
        return dx
    """
    for x, p in _wheres(1.0, -0.5):
        expected = 2 * np.exp(x) ** 2 if p else 2 * x
        np.testing.assert_allclose(execute(text, x, p), [expected], rtol=1e-6)


@pytest.mark.parametrize("also", ["", ", m", ", m:1"])
def test_a_side_that_uses_the_output_of_its_own_conditional(also, execute):
    """`a = cond(p, f, ...); b = cond(p, lambda: a * a_tensor_of_f, ...)`."""
    text = f"""
        x = _Arg[T=float]()
        p = _Arg[T=bool]()
        s = Switch[T=float](x, p)
        b = Exp[T=float](s:1)
        m = Merge[T=float, N=2](s, b)
        t = Switch[T=float](m, p)
        c = Mul[T=float](t:1, b)
        n = Merge[T=float, N=2](t, c)
        return n{also}
    """
    for x, p in _wheres(1.0, -0.5):
        n, *others = execute(text, x, p)
        np.testing.assert_allclose(n, np.exp(x) ** 2 if p else x, rtol=1e-6)
        for other in others:
            expected = float(p) if also == ", m:1" else np.exp(x) if p else x
            np.testing.assert_allclose(other, expected, rtol=1e-6)


def test_three_conditionals_each_of_which_uses_the_one_before_and_its_inside(execute):
    text = """
        x = _Arg[T=float]()
        p = _Arg[T=bool]()
        s = Switch[T=float](x, p)
        b = Exp[T=float](s:1)
        a = Neg[T=float](s)
        m = Merge[T=float, N=2](a, b)
        t = Switch[T=float](m, p)
        c = Mul[T=float](t:1, b)
        d = AddV2[T=float](t, a)
        n = Merge[T=float, N=2](d, c)
        r = Switch[T=float](n, p)
        e = Mul[T=float](r:1, c)
        g = AddV2[T=float](r, d)
        o = Merge[T=float, N=2](g, e)
        return o
    """
    for x, p in _wheres(1.0, -0.5):
        # Where p holds: m = b, n = c = b * b, o = c * c; else m = a, n = d = 2a, o = 2d.
        expected = np.exp(x) ** 4 if p else -4 * x
        np.testing.assert_allclose(execute(text, x, p), [expected], rtol=1e-6)


def test_what_has_an_effect_happens_once_beside_what_is_there_again(execute):
    text = f"""
        x = _Arg[T=float]()
        p = _Arg[T=bool]()
        w = _Variable[key="w"]()
        h = Switch[T=resource](w, p)
        s = Switch[T=float](x, p)
        b = Exp[T=float](s:1)
        u = {_ADD}(h:1, b)
        d = Neg[T=float](b, ^u)
        m = Merge[T=float, N=2](s, d)
        t = Switch[T=float](m, p)
        c = Mul[T=float](t:1, b)
        n = Merge[T=float, N=2](t, c)
        r = ReadVariableOp[dtype=float](w, ^n)
        return n, r
    """
    for x, p in _wheres(1.0, -0.5):
        expected = [-(np.exp(x) ** 2), 1 + np.exp(x)] if p else [x, 1]
        np.testing.assert_allclose(execute(text, x, p), expected, rtol=1e-6)


def test_an_effect_beside_a_result_of_the_same_side(execute, nested, dedent):
    text = f"""
        x = _Arg[T=float]()
        p = _Arg[T=bool]()
        w = _Variable[key="w"]()
        h = Switch[T=resource](w, p)
        s = Switch[T=float](x, p)
        b = Exp[T=float](s:1)
        m = Merge[T=float, N=2](s, b)
        u = {_ADD}(h:1, b)
        r = ReadVariableOp[dtype=float](w, ^u)
        k = Switch[T=float](r, p)
        o = Merge[T=float, N=2](s, r)
    """
    alone = text[: text.index("        r = ")]
    after = f"""
        w = _Variable[key="w"]()
        branch p -> m:
          then:
            b = Exp[T=float](x)
            u = {_ADD}(w, b)
            return b
          else:
            return x
        return m
    """
    assert nested(alone + "return m\ntarget u") == dedent(after)
    for x, p in _wheres(1.0, -0.5):
        expected = [np.exp(x), 1 + np.exp(x)] if p else [x, x]
        np.testing.assert_allclose(execute(text + "return m, o", x, p), expected, rtol=1e-6)


def test_the_number_of_an_input_takes_no_name_in_use(execute):
    text = """
        m/value_index = _Arg[T=int32]()
        p = _Arg[T=bool]()
        s = Switch[T=int32](m/value_index, p)
        b = Neg[T=int32](s:1)
        m = Merge[T=int32, N=2](s, b)
        return m, m:1
    """
    assert execute(text, tf.constant(7), tf.constant(False)) == [7, 0]
    assert execute(text, tf.constant(7), tf.constant(True)) == [-7, 1]


# Size.


def _nest(depth, inside=()):
    """Conditionals in conditionals, with the ops of `inside` in each."""
    lines, value = ["x = _Arg[T=float]()"], "x"
    for i in range(depth):
        lines += [f"p{i} = _Arg[T=bool]()", f"s{i} = Switch[T=float]({value}, p{i})"]
        value = f"s{i}:1"
        for j, op in enumerate(inside):
            lines.append(f"y{i}_{j} = {op}[T=float]({value})")
            value = f"y{i}_{j}"
    for i in reversed(range(depth)):
        lines.append(f"m{i} = Merge[T=float, N=2](s{i}, {value})")
        value = f"m{i}"
    return "\n".join([*lines, f"return {value}"])


def test_deep_nests_run(execute):
    depth = 12
    everywhere = [tf.constant(True)] * depth
    text = _nest(depth, ["Neg", "Neg", "Neg"])
    assert execute(text, tf.constant(3.0), *everywhere) == [3]
    assert execute(text, tf.constant(3.0), *everywhere[1:], tf.constant(False)) == [-3]


def test_each_node_of_deep_nests_is_there_once(nested):
    after = nested(_nest(20, ["Neg"] * 20))
    assert after.count(" = Neg") == 20 * 20
    assert after.count("branch ") == 20


def test_deeper_nests_are_refused(nested):
    nested(_nest(region_builder.MAX_DEPTH - 1))
    with pytest.raises(errors.UnsupportedOpError, match="levels deep"):
        nested(_nest(region_builder.MAX_DEPTH))


def test_many_updates_in_conditionals_of_their_own(nested):
    count = 500
    lines = ["x = _Arg()", 'w = _Variable[key="w"]()']
    for i in range(count):
        lines += [f"p{i} = _Arg()", f"h{i} = Switch(w, p{i})", f"u{i} = {_ADD}(h{i}:1, x)"]
    lines += ["return x", "target " + ", ".join(f"u{i}" for i in range(count))]
    after = nested("\n".join(lines))
    assert after.count("branch ") == after.count(_ADD) == count


def test_loops_in_conditions_that_bodies_use_are_refused_when_they_grow_too_large(
    nested, monkeypatch
):
    """The condition of each loop holds the next loop, whose output the body uses too: 2^depth."""

    def text(depth):
        lines, value = ["x = _Arg()"], "x"
        for i in range(depth):
            lines.append(f'e{i} = Enter[frame_name="f{i}"]({value})')
            lines.append(f"m{i} = Merge[T=float](e{i}, n{i})")
            value = f"m{i}"
        for i in reversed(range(depth)):
            lines += [f"l{i} = Less({value}, m{i})", f"c{i} = LoopCond(l{i})"]
            lines += [f"s{i} = Switch(m{i}, c{i})", f"g{i} = Switch({value}, c{i})"]
            lines += [f"b{i} = Mul(s{i}:1, g{i}:1)"]
            lines += [f"n{i} = NextIteration(b{i})", f"x{i} = Exit(s{i})"]
            value = f"x{i}"
        return "\n".join([*lines, f"return {value}"])

    monkeypatch.setattr(region_builder, "MAX_NODES", 1000)
    assert [nested(text(depth)).count("loop ") for depth in (1, 2, 3)] == [1, 3, 7]
    with pytest.raises(errors.UnsupportedOpError, match="more than 1000 nodes"):
        nested(text(22))


@pytest.mark.parametrize("count", [10, 5000])
def test_long_chains_of_switches_are_converted_or_refused(count, make_program):
    lines = ["x = _Arg[T=float]()", "p = _Arg[T=bool]()", 'w = _Variable[key="w"]()']
    lines += ["r = ReadVariableOp[dtype=float](w)", "t = Switch[T=float](x, p)"]
    for i in range(count):
        lines.append(f"s{i} = Switch[T=float]({f's{i - 1}:1' if i else 'r'}, p)")
    lines += [f"y = Neg[T=float](t:1, ^s{count - 1})", "m = Merge[T=float, N=2](t, y)"]
    lines += [f"u = {_ADD}(w, x, ^m)", "return m", "target u"]
    graph = parse_graph("\n".join(lines))
    if count == 10:
        (branch,) = (i for i in lower(graph, make_program()).items if isinstance(i, Branch))
        assert branch.control_inputs == ("r",)
    else:
        with pytest.raises(errors.UnsupportedOpError, match="nested too deeply"):
            lower(graph, make_program())
