"""Graphs that the engine gets wrong; run by path. Most severe first."""

import contextlib
import signal
import time
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from converter import errors
from converter.assemble.emit import emit
from converter.ir.region import check_region
from converter.ir.text import parse_graph
from converter.passes.inline_functions import inline_functions
from converter.passes.lower_ref_variables import lower_ref_variables
from converter.passes.raise_control_flow import raise_control_flow

_ARGS = "x = _Arg()\np = _Arg()\nq = _Arg()\n"
_STATE = 'w = _Variable[key="w"]()\nh = Switch(w, p)\n'
_ADD = "AssignAddVariableOp[dtype=float]"


def _const(number, dtype="int32"):
    field = {"int32": "int_val", "int64": "int64_val", "float": "float_val"}[dtype]
    tensor = f"dtype: DT_{dtype.upper()} tensor_shape {{ }} {field}: {number}"
    return f"Const[dtype={dtype}, value={{tensor {{ {tensor} }}}}]"


@pytest.fixture(autouse=True)
def _no_hang():
    def stop(*_):
        raise TimeoutError("hangs")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)


class _State:
    producer = 134

    def __init__(self):
        self.value = tf.Variable(1.0)

    def variable(self, key):
        del key
        return self.value


def _emit(text, *args, state=None):
    region = raise_control_flow(
        parse_graph(text), SimpleNamespace(loops_without_gradient=frozenset(), variables={})
    )
    check_region(region)
    state = state or _State()
    function = tf.function(lambda *a: emit(region, a, state), autograph=False)
    return [np.asarray(result) for result in function(*args)]


# A. Another model, silently.

_HANDLE_LOOP = f"""
    n = _Arg[T=int32]()
    start = {_const(0)}()
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
    one = {_const(1)}(^i/switch)
    step = {_const(1, "float")}(^i/switch)
    u = AssignAddVariableOp[dtype=float](h/switch:1, step)
    plus = AddV2[T=int32](i/switch:1, one)
    i/next = NextIteration[T=int32](plus)
    h/next = NextIteration[T=resource](h/switch:1, ^u)
    h/exit = Exit[T=resource](h/switch)
"""


def test_what_reads_by_the_handle_that_a_loop_gives_reads_after_the_loop():
    text = _HANDLE_LOOP + "r = ReadVariableOp[dtype=float](h/exit)\nreturn r"
    assert _emit(text, tf.constant(3)) == [4]


def test_what_waits_for_the_handle_that_a_loop_gives_waits_for_the_loop():
    text = _HANDLE_LOOP + "r = ReadVariableOp[dtype=float](w, ^h/exit)\nreturn r"
    assert _emit(text, tf.constant(3)) == [4]


def test_a_loop_that_swaps_its_handles_is_refused(nested, counting):
    text = (
        counting.replace("(i/switch:1, one)", "(i/switch:1, found)")
        + """
        a = _Table[key="a"]()
        b = _Table[key="b"]()
        a/enter = Enter[frame_name="f"](a)
        b/enter = Enter[frame_name="f"](b)
        a/now = Merge[T=resource](a/enter, a/next)
        b/now = Merge[T=resource](b/enter, b/next)
        a/switch = Switch(a/now, more)
        b/switch = Switch(b/now, more)
        a/next = NextIteration(b/switch:1)
        b/next = NextIteration(a/switch:1)
        found = LookupTableFindV2[Tin=int32, Tout=int32](a/switch:1, one, one)
        return last
    """
    )
    with pytest.raises(errors.UnsupportedOpError):
        nested(text)


def test_a_loop_that_carries_a_ref_and_changes_it_is_refused(make_program):
    text = """
        v = VariableV2[dtype=float, shape=[]]()
        x = _Arg()
        p = _Arg()
        e = RefEnter[T=float, frame_name="f"](v)
        c = RefEnter[T=float, frame_name="f", is_constant=true](v)
        m = RefMerge[T=float](e, n)
        s = RefSwitch[T=float](m, p)
        u = AssignAdd[T=float](c, x)
        i = Identity[T=float](s:1, ^u)
        n = NextIteration[T=float](i)
        o = Exit[T=float](s)
        return o
    """
    with pytest.raises(errors.UnsupportedOpError, match="carries a V1 variable by reference"):
        lower_ref_variables(parse_graph(text), make_program())


@pytest.mark.parametrize(
    "change",
    [
        ("Exit(i/switch)", "Exit(i/switch:1)"),  # what goes on, not what leaves
        ("Exit(i/switch)", "Exit(i)"),  # in each iteration
        ("Exit(i/switch)", "Exit(other)"),  # under another condition than the loop's
        ("NextIteration(plus)", "NextIteration(other:1)"),  # only sometimes
        ("Add(i/switch:1, one)", "Add(i, one)"),  # without end
    ],
)
def test_a_loop_whose_ends_are_not_under_its_condition_is_refused(change, nested, counting):
    text = (
        counting.replace(*change)
        + """
        q = _Arg()
        q/enter = Enter[frame_name="f"](q)
        other = Switch(i, q/enter)
        return last
    """
    )
    with pytest.raises(errors.ConversionError):
        nested(text)


def test_a_result_of_one_side_of_a_conditional_that_is_an_outer_value_is_refused(nested):
    with pytest.raises(errors.ConversionError):
        nested(_ARGS + "s = Switch(x, p)\nreturn s:1")


def test_a_target_in_a_loop_that_the_loop_does_not_wait_for_is_refused(nested, counting):
    text = (
        counting
        + f"""
        w = _Variable[key="w"]()
        w/enter = Enter[frame_name="f"](w)
        u = {_ADD}(w/enter, plus)
        return last
        target u
    """
    )
    with pytest.raises(errors.ConversionError):
        nested(text)


# B. Modules that V1 runs, refused or failing.


@pytest.mark.parametrize("limit", [3, 2**40, 2**63 - 1])
def test_a_counter_of_64_bits(limit):
    text = f"""
        n = _Arg[T=int64]()
        start = {_const(0, "int64")}()
        i/enter = Enter[T=int64, frame_name="f"](start)
        n/enter = Enter[T=int64, frame_name="f", is_constant=true](n)
        i = Merge[T=int64, N=2](i/enter, i/next)
        less = Less[T=int64](i, n/enter)
        five = {_const(5, "int64")}(^i)
        early = Less[T=int64](i, five)
        both = LogicalAnd(less, early)
        more = LoopCond(both)
        i/switch = Switch[T=int64](i, more)
        one = {_const(1, "int64")}(^i/switch)
        plus = AddV2[T=int64](i/switch:1, one)
        i/next = NextIteration[T=int64](plus)
        last = Exit[T=int64](i/switch)
        return last
    """
    assert _emit(text, tf.constant(limit, tf.int64)) == [min(limit, 5)]


def test_an_effect_beside_a_result_of_the_same_side(nested, dedent):
    text = f"""
        {_STATE}
        s = Switch(x, p)
        b = Exp(s:1)
        m = Merge[T=float](s, b)
        u = {_ADD}(h:1, b)
        return m
        target u
    """
    after = f"""
        w = _Variable[key="w"]()
        branch p -> m:
          then:
            b = Exp(x)
            u = {_ADD}(w, b)
            return b
          else:
            return x
        return m
    """
    assert nested(_ARGS + text) == dedent(after)


def test_the_gradient_of_a_conditional_in_the_graph_itself():
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
    for value, expected in [(True, 2 * np.exp(1.0) ** 2), (False, 2.0)]:
        (result,) = _emit(text, tf.constant(1.0), tf.constant(value))
        np.testing.assert_allclose(result, expected, rtol=1e-6)


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
    region = raise_control_flow(inline_functions(graph, program), program)
    assert len(region.items) == 2


# C. Crashes.


def test_a_result_inside_of_a_conditional_is_refused(nested):
    """A regularization loss that was made in a branch."""
    with pytest.raises(errors.ConversionError):
        nested(_ARGS + "s = Switch(x, p)\ny = Neg(s:1)\nreturn x, y")


def test_a_result_inside_of_a_loop_is_refused(nested, counting):
    with pytest.raises(errors.ConversionError):
        nested(counting + "return plus")


def test_a_side_that_uses_the_output_of_its_own_conditional_is_refused(nested):
    """V1 runs `a = cond(p, f, …); b = cond(p, lambda: a * a_tensor_of_f, …)`."""
    text = """
        s = Switch(x, p)
        b = Exp(s:1)
        m = Merge[T=float](s, b)
        t = Switch(m, p)
        c = Mul(t:1, b)
        n = Merge[T=float](t, c)
        return n
    """
    with pytest.raises(errors.ConversionError):
        nested(_ARGS + text)


def test_a_body_on_the_side_that_leaves_the_loop_is_refused(nested, counting):
    with pytest.raises(errors.ConversionError):
        nested(counting.replace("(i/switch:1, one)", "(i/switch, one)") + "return last")


def test_the_number_of_the_input_of_a_loop_variable_is_refused(nested, counting):
    with pytest.raises(errors.ConversionError):
        nested(counting.replace("(i/switch:1, one)", "(i:1, one)") + "return last")


def test_the_number_of_the_one_input_that_runs(nested):
    text = """
        s = Switch(x, p)
        t = Switch(s:1, p)
        inner = Merge[T=float](t, t:1)
        y = Cast[SrcT=int32, DstT=float](inner:1)
        m = Merge[T=float](s, y)
        return m
    """
    assert "int_val: 1" in nested(_ARGS + text)


def test_a_circle_of_a_next_iteration_and_a_node_is_refused(nested):
    with pytest.raises(errors.ConversionError):
        nested("s = Neg(n)\nn = NextIteration(s)\nreturn s")


def test_a_circle_of_a_next_iteration_and_a_switch_is_refused(nested):
    signal.alarm(5)
    with pytest.raises(errors.ConversionError):
        nested(_ARGS + "s = Switch(n, p)\nn = NextIteration(s:1)\nreturn s:1")


def test_a_resource_that_never_is_is_refused(nested):
    with pytest.raises(errors.ConversionError):
        nested("m = Merge[T=resource]()\nreturn m")


@pytest.mark.parametrize("dtype", ["{type: 999}", "{type: DT_INVALID}"])
def test_a_step_of_an_unknown_dtype(dtype, counting, nested):
    text = counting.replace("one = Const[dtype=float]", f"one = Const[dtype={dtype}]")
    text = text.replace("zero = Const[dtype=float]", f"zero = {_const(0)}")
    assert "at most" not in nested(text + "return last")


@pytest.mark.parametrize("depth", [99])
def test_deep_nests_are_converted_or_refused(depth):
    lines = ["x = _Arg[T=float]()", *(f"p{i} = _Arg[T=bool]()" for i in range(depth))]
    inner = "x"
    for i in range(depth):
        lines.append(f"s{i} = Switch[T=float]({inner}, p{i})")
        inner = f"s{i}:1"
    for i in reversed(range(depth)):
        lines.append(f"m{i} = Merge[T=float, N=2](s{i}, {inner})")
        inner = f"m{i}"
    text = "\n".join([*lines, f"return {inner}"])
    with contextlib.suppress(errors.ConversionError):
        _emit(text, tf.constant(1.0), *[tf.constant(True)] * depth)


def test_a_long_chain_of_switches_is_converted_or_refused(nested):
    lines = [_ARGS + _STATE + "r = ReadVariableOp[dtype=float](w)"]
    lines += [f"s{i} = Switch({f's{i - 1}:1' if i else 'r'}, p)" for i in range(1500)]
    nested("\n".join([*lines, "i = Neg(x, ^s1499)", "return i"]))


# D. Time.


def _seconds(nested, text):
    start = time.perf_counter()
    nested(text)
    return time.perf_counter() - start


def test_a_condition_of_shared_conjunctions(nested, counting):
    lines = [counting.replace("LoopCond(less)", "LoopCond(a39)"), "a0 = LogicalAnd(less, less)"]
    lines += [f"a{i} = LogicalAnd(a{i - 1}, a{i - 1})" for i in range(1, 40)]
    text = "\n".join([*lines, "return last"]).replace("Less(i, n/enter)", "Less(n/enter, i)")
    signal.alarm(10)
    assert _seconds(nested, text) < 1


def test_loops_in_conditions_that_bodies_use(nested):
    """The condition of each loop holds the next loop, whose output the body uses too: 2^depth."""
    depth, lines, value = 22, ["x = _Arg()"], "x"
    for i in range(depth):
        lines.append(f'e{i} = Enter[frame_name="f{i}"]({value})')
        lines.append(f"m{i} = Merge[T=float](e{i}, n{i})")
        value = f"m{i}"
    for i in reversed(range(depth)):
        lines += [f"l{i} = Less({value}, m{i})", f"c{i} = LoopCond(l{i})"]
        lines += [f"s{i} = Switch(m{i}, c{i})", f"b{i} = Mul(s{i}:1, {value})"]
        lines += [f"n{i} = NextIteration(b{i})", f"x{i} = Exit(s{i})"]
        value = f"x{i}"
    signal.alarm(10)
    with contextlib.suppress(errors.ConversionError):
        nested("\n".join([*lines, f"return {value}"]))


def test_many_updates_in_conditionals_of_their_own(nested):
    lines = ["x = _Arg()", 'w = _Variable[key="w"]()']
    count = 3000
    for i in range(count):
        lines += [f"p{i} = _Arg()", f"h{i} = Switch(w, p{i})", f"u{i} = {_ADD}(h{i}:1, x)"]
    lines += ["return x", "target " + ", ".join(f"u{i}" for i in range(count))]
    assert _seconds(nested, "\n".join(lines)) < 3


def test_deep_conditionals_with_many_nodes(nested):
    depth, lines, value = 60, ["x = _Arg()"], "x"
    for i in range(depth):
        lines += [f"p{i} = _Arg()", f"s{i} = Switch({value}, p{i})"]
        value = f"s{i}:1"
        for j in range(50):
            lines.append(f"y{i}_{j} = Neg({value})")
            value = f"y{i}_{j}"
    for i in reversed(range(depth)):
        lines.append(f"m{i} = Merge[T=float](s{i}, {value})")
        value = f"m{i}"
    assert _seconds(nested, "\n".join([*lines, f"return {value}"])) < 2


# E. Smaller.


def test_the_number_of_an_input_takes_no_name_in_use():
    text = """
        m/value_index = _Arg[T=int32]()
        p = _Arg[T=bool]()
        s = Switch[T=int32](m/value_index, p)
        b = Neg[T=int32](s:1)
        m = Merge[T=int32, N=2](s, b)
        return m, m:1
    """
    assert _emit(text, tf.constant(7), tf.constant(False)) == [7, 0]


def test_a_huge_constant_is_not_made_to_see_that_it_is_no_step(nested, counting):
    huge = "dtype: DT_INT32 tensor_shape { dim { size: 1000000000000 } } int_val: 1"
    text = counting.replace(
        "one = Const[dtype=float]", f"one = Const[dtype=int32, value={{tensor {{ {huge} }}}}]"
    ).replace("zero = Const[dtype=float]", f"zero = {_const(0)}")
    assert "at most" not in nested(text + "return last")


def test_a_change_of_what_came_from_either_side_is_refused_by_its_own_pass(make_program):
    text = (
        "v = VariableV2[dtype=float, shape=[4]]()\nx = _Arg()\np = _Arg()\n"
        "s = RefSwitch[T=float](v, p)\nm = RefMerge[N=2, T=float](s, s:1)\n"
        "u = Assign[T=float](m, x)\ntarget u\n"
    )
    with pytest.raises(errors.UnsupportedOpError, match="changes something that is no variable"):
        lower_ref_variables(parse_graph(text), make_program())


def test_a_condition_that_is_no_bool_is_refused(counting):
    text = counting.replace("LoopCond(less)", "LoopCond(i)").replace(
        "zero = Const[dtype=float]", f"zero = {_const(0)}"
    )
    text = text.replace("one = Const[dtype=float]", f"one = {_const(1)}").replace(
        "Add(", "Add[T=int32]("
    )
    with pytest.raises(errors.ConversionError):
        _emit(text + "return last", tf.constant(3))
