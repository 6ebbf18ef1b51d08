import pytest

from converter import errors
from converter.ir.text import format_graph
from converter.passes.functional_ops import lower_conditional as module

_ONE_FLOAT = "Tin={list { type: DT_FLOAT }}, Tout={list { type: DT_FLOAT }}"
_NO_OUTPUT = "Tin={list { type: DT_FLOAT }}, Tout={list { }}"


def _function(name):
    return f'{{func {{ name: "{name}" }}}}'


def _if(then, otherwise, types=_ONE_FLOAT, op="If", kind="bool"):
    branches = f"then_branch={_function(then)}, else_branch={_function(otherwise)}"
    return f"{op}[Tcond={kind}, {types}, {branches}]"


def _case(*branches, types=_ONE_FLOAT, op="Case"):
    functions = " ".join(f'func {{ name: "{name}" }}' for name in branches)
    return f"{op}[{types}, branches={{list {{ {functions} }}}}]"


def _value(number):
    return f"value=int32({number})"


def test_the_example_of_the_docstring(docstring_example, lower):
    before, after = docstring_example(module)
    assert lower(format_graph(before)) == format_graph(after)


@pytest.mark.parametrize("op", ["If", "StatelessIf"])
def test_constants_follow_the_pivot_of_their_branch(op, lower, as_text):
    text = f"""
        p = _Arg[T=bool]()
        a = _Arg[T=float]()
        before = NoOp()
        if = {_if("one", "same", op=op)}(p, a, ^before)
        return if
    """
    after = """
        p = _Arg[T=bool]()
        a = _Arg[T=float]()
        before = NoOp()
        if/switch_pred = Switch[T=bool](p, p, ^before)
        if/input_0 = Switch[T=float](a, p)
        if/pivot_t = Identity[T=bool](if/switch_pred:1)
        if/then/c = Const[dtype=float](^if/pivot_t)
        if/else_0 = Identity[T=float](if/input_0)
        if/then_0 = Identity[T=float](if/then/c)
        if/output_0 = Merge[N=2, T=float](if/else_0, if/then_0)
        return if/output_0
    """
    assert lower(text) == as_text(after)


def test_results_wait_for_the_effects_of_their_branch(lower, as_text):
    text = f"p = _Arg()\na = _Arg()\nif = {_if('shout', 'same')}(p, a)\nreturn if"
    after = """
        p = _Arg()
        a = _Arg()
        if/switch_pred = Switch[T=bool](p, p)
        if/input_0 = Switch[T=float](a, p)
        if/pivot_t = Identity[T=bool](if/switch_pred:1)
        if/then/s = PrintV2(if/input_0:1, ^if/pivot_t)
        if/else_0 = Identity[T=float](if/input_0)
        if/then_0 = Identity[T=float](if/input_0:1, ^if/then/s)
        if/output_0 = Merge[N=2, T=float](if/else_0, if/then_0)
        if = NoOp(^if/output_0)
        return if/output_0
        target if
    """
    assert lower(text) == as_text(after)


def test_an_op_without_outputs_is_waited_for_at_a_merge_of_its_own(lower, as_text):
    text = f"""
        p = _Arg()
        a = _Arg()
        if = {_if("shout_only", "quiet", _NO_OUTPUT)}(p, a)
        b = Neg(a, ^if)
        return b
    """
    after = f"""
        p = _Arg()
        a = _Arg()
        if/switch_pred = Switch[T=bool](p, p)
        if/input_0 = Switch[T=float](a, p)
        if/pivot_f = Identity[T=bool](if/switch_pred)
        if/pivot_t = Identity[T=bool](if/switch_pred:1)
        if/then/s = PrintV2(if/input_0:1, ^if/pivot_t)
        if/else_done = Const[dtype=int32, {_value(0)}](^if/pivot_f)
        if/then_done = Const[dtype=int32, {_value(0)}](^if/pivot_t, ^if/then/s)
        if/done = Merge[N=2, T=int32](if/else_done, if/then_done)
        if = NoOp(^if/done)
        b = Neg(a, ^if)
        return b
        target if
    """
    assert lower(text) == as_text(after)


def test_nothing_is_left_of_an_op_with_neither_outputs_nor_effects(lower, as_text):
    text = """
        p = _Arg()
        a = _Arg()
        before = NoOp()
        if = {}
        b = Neg(a, ^if)
        return b
    """
    before = f"{_if('quiet', 'quiet', _NO_OUTPUT)}(p, a, ^before)"
    assert lower(text.format(before)) == as_text(text.format("NoOp(^before)"))


@pytest.mark.parametrize("kind", ["int32", "string"])
def test_a_predicate_that_is_no_bool_becomes_one(kind, lower):
    after = lower(f"p = _Arg()\na = _Arg()\nif = {_if('neg', 'same', kind=kind)}(p, a)\nreturn if")
    assert f"if/to_bool = ToBool[T={kind}](p)\n" in after
    assert "if/switch_pred = Switch[T=bool](if/to_bool, if/to_bool)\n" in after
    assert "if/input_0 = Switch[T=float](a, if/to_bool)\n" in after


@pytest.mark.parametrize("op", ["Case", "StatelessCase"])
def test_a_case_asks_for_one_branch_after_another_and_the_last_has_the_rest(op, lower, as_text):
    text = f"""
        k = _Arg()
        a = _Arg()
        before = NoOp()
        case = {_case("neg", "one", "same", op=op)}(k, a, ^before)
        return case
    """
    after = f"""
        k = _Arg()
        a = _Arg()
        before = NoOp()
        case/case_0/number = Const[dtype=int32, {_value(0)}](^before)
        case/case_0/test = Equal[T=int32](k, case/case_0/number)
        case/case_0/switch_pred = Switch[T=bool](case/case_0/test, case/case_0/test, ^before)
        case/case_0/input_0 = Switch[T=int32](k, case/case_0/test)
        case/case_0/input_1 = Switch[T=float](a, case/case_0/test)
        case/case_0/pivot_f = Identity[T=bool](case/case_0/switch_pred)
        case/case_0/pivot_t = Identity[T=bool](case/case_0/switch_pred:1)
        case/branch_0/y = Neg[T=float](case/case_0/input_1:1, ^case/case_0/pivot_t)
        case/case_1/number = Const[dtype=int32, {_value(1)}](^case/case_0/pivot_f)
        case/case_1/test = Equal[T=int32](case/case_0/input_0, case/case_1/number)
        case/case_1/switch_pred = Switch[T=bool](case/case_1/test, case/case_1/test, \
^case/case_0/pivot_f)
        case/case_1/input_1 = Switch[T=float](case/case_0/input_1, case/case_1/test)
        case/case_1/pivot_t = Identity[T=bool](case/case_1/switch_pred:1)
        case/branch_1/c = Const[dtype=float](^case/case_1/pivot_t)
        case/case_1/else_0 = Identity[T=float](case/case_1/input_1)
        case/case_1/then_0 = Identity[T=float](case/branch_1/c)
        case/case_1/output_0 = Merge[N=2, T=float](case/case_1/else_0, case/case_1/then_0)
        case/case_0/else_0 = Identity[T=float](case/case_1/output_0)
        case/case_0/then_0 = Identity[T=float](case/branch_0/y)
        case/case_0/output_0 = Merge[N=2, T=float](case/case_0/else_0, case/case_0/then_0)
        return case/case_0/output_0
    """
    assert lower(text) == as_text(after)


def test_a_case_of_one_branch_is_that_branch(lower, as_text):
    text = f"k = _Arg()\na = _Arg()\ncase = {_case('neg')}(k, a)\nreturn case"
    after = "k = _Arg()\na = _Arg()\ncase/branch_0/y = Neg[T=float](a)\nreturn case/branch_0/y"
    assert lower(text) == as_text(after)


def test_effects_in_any_branch_of_a_case_are_waited_for_all_the_way_out(lower):
    after = lower(
        f"k = _Arg()\na = _Arg()\ncase = {_case('same', 'same', 'shout')}(k, a)\nreturn case"
    )
    assert "case/case_1/else_0 = Identity[T=float](case/case_1/input_1, ^case/branch_2/s)" in after
    assert (
        "case/case_0/else_0 = Identity[T=float](case/case_1/output_0, ^case/case_1/output_0)"
        in after
    )
    assert after.endswith("target case\n")


# Refusals.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (_if("neg", "gone"), "function 'gone' is not in the library"),
        (_if("neg", "less"), "function 'less' takes 2 arguments, the call passes 1"),
        (_if("quiet", "neg"), "function 'quiet' returns 0 values, op 'If' needs 1"),
        (_if("neg", "neg", "Tin={list { }}, Tout={list { }}"), "takes 1 inputs, the graph gives 2"),
        (_if("neg", "neg", "Tin={list { }}"), "op 'If' lacks attribute 'Tout'"),
        (f"If[{_ONE_FLOAT}, else_branch={_function('neg')}]", "lacks a function in attribute 'th"),
        (_case(), "op 'Case' lacks a function in attribute 'branches'"),
        (_case("neg", "less"), "function 'less' takes 2 arguments, the call passes 1"),
    ],
)
def test_a_function_that_does_not_fit_is_refused(call, message, lower):
    with pytest.raises(errors.FormatError, match=message) as caught:
        lower(f"p = _Arg()\na = _Arg()\nif = {call}(p, a)\nreturn if")
    assert caught.value.node == "if"
