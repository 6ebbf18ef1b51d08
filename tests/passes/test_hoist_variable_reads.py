import pytest

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
        return a, b
    """
    after = """
        w = _Variable[key="w"]()
        i = _Arg()
        w/value = _VariableValue[key="w"]()
        a = Identity[T=float](w/value)
        b = ResourceGather[dtype=float](w, i)
        return a, b
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
