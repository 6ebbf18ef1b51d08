import pytest

from converter import errors
from converter.ir.text import format_graph
from converter.passes.functional_ops import lower_while as module

_FLOATS = "T={list { type: DT_FLOAT type: DT_FLOAT }}"


def _while(condition, body, types=_FLOATS, more="", op="While"):
    functions = f'cond={{func {{ name: "{condition}" }}}}, body={{func {{ name: "{body}" }}}}'
    return f"{op}[{types}, {functions}{more}]"


def _frame(name, *, constant, parallel=10):
    return (
        f'frame_name="{name}", is_constant={str(constant).lower()}, parallel_iterations={parallel}'
    )


def _graph(call, result="w, w:1"):
    return f"a = _Arg()\nn = _Arg()\nbefore = NoOp()\nw = {call}(a, n, ^before)\nreturn {result}"


def test_the_example_of_the_docstring(docstring_example, lower):
    before, after = docstring_example(module)
    assert lower(format_graph(before)) == format_graph(after)


@pytest.mark.parametrize("op", ["While", "StatelessWhile"])
def test_what_changes_is_a_variable_of_the_loop(op, lower, as_text):
    variable = _frame("w", constant=False, parallel=3)
    after = f"""
        a = _Arg()
        n = _Arg()
        before = NoOp()
        w/enter_0 = Enter[T=float, {variable}](a, ^before)
        w/enter_1 = Enter[T=float, {variable}](n, ^before)
        w/merge_0 = Merge[N=2, T=float](w/enter_0, w/next_0)
        w/merge_1 = Merge[N=2, T=float](w/enter_1, w/next_1)
        w/cond/p = Less[T=float](w/merge_0, w/merge_1, ^w/merge_0)
        w/predicate = Identity[T=bool](w/cond/p)
        w/loop_cond = LoopCond(w/predicate)
        w/switch_0 = Switch[T=float](w/merge_0, w/loop_cond)
        w/switch_1 = Switch[T=float](w/merge_1, w/loop_cond)
        w/result_0 = Identity[T=float](w/switch_1:1)
        w/next_0 = NextIteration[T=float](w/result_0)
        w/result_1 = Identity[T=float](w/switch_0:1)
        w/next_1 = NextIteration[T=float](w/result_1)
        w/exit_0 = Exit[T=float](w/switch_0)
        w/exit_1 = Exit[T=float](w/switch_1)
        return w/exit_0, w/exit_1
    """
    call = _while("less", "swap", more=", parallel_iterations=3", op=op)
    assert lower(_graph(call)) == as_text(after)


def test_a_loop_without_variables_gets_one_to_go_round_with(lower, as_text):
    start = "value=int32(0)"
    after = f"""
        a = _Arg()
        n = _Arg()
        before = NoOp()
        w/start = Const[dtype=int32, {start}](^before)
        w/enter_0 = Enter[T=float, {_frame("w", constant=True)}](a, ^before)
        w/enter_1 = Enter[T=float, {_frame("w", constant=True)}](n, ^before)
        w/enter_2 = Enter[T=int32, {_frame("w", constant=False)}](w/start, ^before)
        w/merge_2 = Merge[N=2, T=int32](w/enter_2, w/next_2)
        w/cond/p = Less[T=float](w/enter_0, w/enter_1, ^w/merge_2)
        w/predicate = Identity[T=bool](w/cond/p)
        w/loop_cond = LoopCond(w/predicate)
        w/switch_2 = Switch[T=int32](w/merge_2, w/loop_cond)
        w/pivot = Identity[T=int32](w/switch_2:1)
        w/body/s = PrintV2(w/enter_0, ^w/pivot)
        w/body/t = PrintV2(w/enter_1, ^w/pivot)
        w/result_2 = Identity[T=int32](w/switch_2:1, ^w/body/s, ^w/body/t)
        w/next_2 = NextIteration[T=int32](w/result_2)
        w/exit_2 = Exit[T=int32](w/switch_2)
        w = NoOp(^w/exit_2)
        return a, n
        target w
    """
    assert lower(_graph(_while("less", "shout_twice"))) == as_text(after)


def test_nothing_is_left_of_a_loop_that_neither_changes_nor_does_anything(lower, as_text):
    after = "a = _Arg()\nn = _Arg()\nreturn a, n"
    assert lower(_graph(_while("less", "keep"))) == as_text(after)


def test_effects_of_the_condition_happen_before_it_decides(lower):
    after = lower(_graph(_while("shout_less", "double")))
    assert "w/cond/s = PrintV2(w/merge_0, ^w/merge_0)\n" in after
    assert "w/predicate = Identity[T=bool](w/cond/p, ^w/cond/s)\n" in after
    assert "w = NoOp(^w/exit_0)\n" in after
    assert after.endswith("target w\n")


def test_an_invariant_that_becomes_another_value_waits_for_the_iteration(lower, make_function):
    copy = make_function("copy", {"i": "float", "n": "float"}, "", {"j": "n", "m": "n"})
    after = lower(_graph(_while("less", "copy")), copy=copy)
    assert "w/result_0 = Identity[T=float](w/enter_1, ^w/pivot)\n" in after


def test_a_condition_that_is_no_bool_becomes_one(lower, make_function):
    first = make_function("first", {"i": "float", "n": "float"}, "", {"out": "i"})
    after = lower(_graph(_while("first", "double")), first=first)
    assert "w/predicate = Identity[T=float](w/merge_0)\n" in after
    assert "w/to_bool = ToBool[T=float](w/predicate)\n" in after
    assert "w/loop_cond = LoopCond(w/to_bool)\n" in after


def test_shape_invariants_stand_on_the_merges(lower):
    shapes = ", output_shapes={list { shape { dim { size: -1 } } shape { unknown_rank: true } }}"
    after = lower(_graph(_while("less", "swap", more=shapes)))
    for shape, name in (("[?]", "0"), ("[...]", "1")):
        merge = f"w/merge_{name} = Merge[N=2, T=float, _output_shapes=({shape}, [])]"
        assert f"{merge}(w/enter_{name}" in after


def test_no_shapes_say_nothing(lower):
    after = lower(_graph(_while("less", "swap", more=", output_shapes={list { }}")))
    assert "_output_shapes" not in after


def test_resources_and_variants_go_round_like_other_values(lower):
    types = "T={list { type: DT_RESOURCE type: DT_VARIANT }}"
    after = lower(_graph(_while("less", "swap", types)))
    assert "w/merge_0 = Merge[N=2, T=resource](w/enter_0, w/next_0)\n" in after
    assert "w/exit_1 = Exit[T=variant](w/switch_1)\n" in after


# Refusals.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (_while("gone", "double"), "function 'gone' is not in the library"),
        (_while("neg", "double"), "function 'neg' takes 1 arguments, the call passes 2"),
        (_while("double", "double"), "function 'double' returns 2 values, op 'While' needs 1"),
        (_while("less", "less"), "function 'less' returns 1 values, op 'While' needs 2"),
        (_while("less", "double", "T={list { }}"), "takes 0 inputs, the graph gives 2"),
        (
            _while("less", "swap", more=", output_shapes={list { shape { } }}"),
            "op 'While' gives 1 output_shapes for 2 values",
        ),
        ("While[T={list { }}]", "op 'While' lacks a function in attribute 'cond'"),
    ],
)
def test_a_function_that_does_not_fit_is_refused(call, message, lower):
    with pytest.raises(errors.FormatError, match=message) as caught:
        lower(_graph(call))
    assert caught.value.node == "w"
