import pytest

from converter import errors
from converter.ir.text import format_graph, parse_graph
from converter.passes import hoist_variable_reads as module
from converter.passes.hoist_variable_reads import hoist_variable_reads


def _hoist(text, make_program):
    return format_graph(hoist_variable_reads(parse_graph(text), make_program()))


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    assert hoist_variable_reads(before, make_program()) == after


def test_two_handles_of_one_variable_share_one_value(make_program, as_text):
    text = """
        w = _Variable[key="w"]()
        v = _Variable[key="w"]()
        a = ReadVariableOp[dtype=half](w)
        b = ReadVariableOp[dtype=half](v)
        return a, b
    """
    after = """
        w/value = _VariableValue[key="w"]()
        a = Identity[T=half](w/value)
        b = Identity[T=half](w/value)
        return a, b
    """
    assert _hoist(text, make_program) == as_text(after)


def test_control_edges_of_reads_stay(make_program):
    text = 'w = _Variable[key="w"]()\nn = NoOp()\na = ReadVariableOp[dtype=float](w, ^n)\nreturn a'
    assert "a = Identity[T=float](w/value, ^n)" in _hoist(text, make_program)


def test_other_reads_keep_the_handle(make_program, as_text):
    text = """
        w = _Variable[key="w"]()
        i = _Arg()
        a = ReadVariableOp[dtype=float](w)
        b = ResourceGather[dtype=float](w, i)
        c = VariableShape[out_type=int32](w)
        return a, b, c
    """
    after = """
        w = _Variable[key="w"]()
        i = _Arg()
        w/value = _VariableValue[key="w"]()
        a = Identity[T=float](w/value)
        b = ResourceGather[dtype=float](w, i)
        c = VariableShape[out_type=int32](w)
        return a, b, c
    """
    assert _hoist(text, make_program) == as_text(after)


def test_a_name_in_use_is_not_taken(make_program):
    text = """
        w = _Variable[key="w"]()
        w/value = _Arg()
        a = ReadVariableOp[dtype=float](w)
        b = Add(a, w/value)
        return b
    """
    assert 'w/value_1 = _VariableValue[key="w"]()' in _hoist(text, make_program)


@pytest.mark.parametrize(
    "write",
    [
        "AssignVariableOp[dtype=float](w, x)",
        "AssignAddVariableOp[dtype=float](w, x)",
        "ResourceScatterAdd[dtype=float](w, x, x)",
        "ResourceApplyGradientDescent(w, x, x)",
        "SomeOp[T=resource](w)",  # who knows what is done with that
    ],
)
def test_it_does_nothing_because_the_call_may_write_the_variable(write, make_program):
    before = parse_graph(
        f'w = _Variable[key="w"]()\nx = _Arg()\na = ReadVariableOp[dtype=float](w)\nu = {write}\n'
        "return a\ntarget u"
    )
    assert hoist_variable_reads(before, make_program()) is before


def test_it_does_nothing_because_another_handle_is_written(make_program):
    before = parse_graph(
        """
        w = _Variable[key="w"]()
        v = _Variable[key="w"]()
        x = _Arg()
        u = AssignVariableOp[dtype=float](v, x)
        a = ReadVariableOp[dtype=float](w)
        return a
        target u
        """
    )
    assert hoist_variable_reads(before, make_program()) is before


def test_a_variable_beside_a_written_one_is_hoisted(make_program):
    text = """
        w = _Variable[key="w"]()
        v = _Variable[key="v"]()
        x = _Arg()
        u = AssignVariableOp[dtype=float](v, x)
        a = ReadVariableOp[dtype=float](w)
        b = ReadVariableOp[dtype=float](v, ^u)
        return a, b
        target u
    """
    after = _hoist(text, make_program)
    assert "a = Identity[T=float](w/value)" in after
    assert "b = ReadVariableOp[dtype=float](v, ^u)" in after


def test_it_does_nothing_because_the_handle_is_an_argument(make_program):
    before = parse_graph("w = _Arg[T=resource]()\na = ReadVariableOp[dtype=float](w)\nreturn a")
    assert hoist_variable_reads(before, make_program()) is before


def test_it_does_nothing_because_nothing_is_read(make_program):
    before = parse_graph("x = _Arg()\ny = Neg(x)\nreturn y")
    assert hoist_variable_reads(before, make_program()) is before


# Control flow.

_ARGS = 'w = _Variable[key="w"]()\nx = _Arg()\np = _Arg()\n'


def test_a_read_in_a_branch_becomes_a_use_of_the_value_steered_into_it(make_program, as_text):
    text = (
        _ARGS
        + """
        s = Switch[T=resource, _output_shapes={list { }}](w, p)
        a = ReadVariableOp[dtype=float](s:1)
        m = Merge[T=float](x, a)
        return m
    """
    )
    after = """
        x = _Arg()
        p = _Arg()
        w/value = _VariableValue[key="w"]()
        s/value = Switch[T=float](w/value, p)
        a = Identity[T=float](s/value:1)
        m = Merge[T=float](x, a)
        return m
    """
    assert _hoist(text, make_program) == as_text(after)


def test_lookups_in_loops_are_lookups_in_the_value(make_program, as_text):
    text = (
        _ARGS
        + """
        e = Enter[T=resource, frame_name="f"](w, ^x)
        i = Identity[T=resource](e)
        g = ResourceGather[dtype=float, Tindices=int32, batch_dims=1](i, x)
        n = ResourceGatherNd[dtype=float, Tindices=int64](i, x)
        return g, n
    """
    )
    one = "int32(1)"
    after = f"""
        x = _Arg()
        p = _Arg()
        w/value = _VariableValue[key="w"]()
        e/value = Enter[T=float, frame_name="f"](w/value, ^x)
        i/value = Identity[T=float](e/value)
        g/axis = Const[dtype=int32, value={one}]()
        g = GatherV2[Taxis=int32, Tindices=int32, Tparams=float, batch_dims=1](i/value, x, g/axis)
        n = GatherNd[Tindices=int64, Tparams=float](i/value, x)
        return g, n
    """
    assert _hoist(text, make_program) == as_text(after)


def test_reads_of_one_steered_handle_share_what_steers_the_value(make_program):
    text = (
        _ARGS
        + """
        s = Switch[T=resource](w, p)
        a = ReadVariableOp[dtype=float](s:1)
        b = ReadVariableOp[dtype=float](s:1)
        c = ReadVariableOp[dtype=float](s)
        return a, b, c
    """
    )
    after = _hoist(text, make_program)
    assert after.count("Switch[") == 1
    assert "c = Identity[T=float](s/value)" in after


def test_a_loop_that_carries_a_handle_carries_the_value(make_program):
    text = (
        _ARGS
        + """
        e = Enter[T=resource, frame_name="f"](w)
        m = Merge[T=resource](e, n)
        s = Switch[T=resource](m, p)
        a = ReadVariableOp[dtype=float](s:1)
        n = NextIteration[T=resource](s:1)
        o = Exit[T=resource](s)
        b = ReadVariableOp[dtype=float](o)
        return a, b
    """
    )
    after = _hoist(text, make_program)
    assert "m/value = Merge[T=float](e/value, n/value)\n" in after
    assert "n/value = NextIteration[T=float](s/value:1)\n" in after
    assert "b = Identity[T=float](o/value)\n" in after
    assert "resource" not in after


def test_it_does_nothing_because_the_call_writes_the_variable_in_a_branch(make_program):
    text = (
        _ARGS
        + """
        s = Switch[T=resource](w, p)
        u = AssignVariableOp[dtype=float](s:1, x)
        a = ReadVariableOp[dtype=float](s)
        return a
        target u
    """
    )
    before = parse_graph(text)
    assert hoist_variable_reads(before, make_program()) is before


def test_a_merge_of_handles_of_one_variable_is_that_variable(make_program):
    text = (
        _ARGS
        + """
        v = _Variable[key="w"]()
        s = Switch[T=resource](w, p)
        t = Switch[T=resource](v, p)
        m = Merge[T=resource](s, t:1)
        a = ReadVariableOp[dtype=float](m)
        return a
    """
    )
    assert "m/value = Merge[T=float](s/value, t/value:1)\n" in _hoist(text, make_program)


@pytest.mark.parametrize(
    "op", ["", 'n = NextIteration[T=resource](t:1)\ne = Enter[frame_name="f"]']
)
def test_a_choice_between_variables_is_refused(op, make_program):
    text = (
        _ARGS
        + """
        v = _Variable[key="v"]()
        s = Switch[T=resource](w, p)
        t = Switch[T=resource](v, p)
        m/e = Merge[T=resource](s, t:1)
        a = ReadVariableOp[dtype=float](m/e)
        return a
    """
    )
    if op:
        text = text.replace("m/e = Merge[T=resource](s, t:1)", "m/e = Merge[T=resource](s, n)")
        text = text.replace("(w, p)", "(e, p)") + f"{op}(w)"
    with pytest.raises(errors.UnsupportedOpError, match=r"chooses between variables \['v', 'w'\]"):
        _hoist(text, make_program)
