import pytest

from converter.ir.region import Loop
from converter.ir.text import parse_graph
from converter.passes.functionalize_control_flow import functionalize_control_flow, limits


def _const(number, dtype="int32"):
    return f"Const[dtype={dtype}, value={dtype}({number})]"


_TEXT = f"""
    n = _Arg()
    k = _Arg()
    start = {_const(0)}()
    i/enter = Enter[frame_name="f"](start)
    n/enter = Enter[frame_name="f", is_constant=true](n)
    k/enter = Enter[frame_name="f", is_constant=true](k)
    i = Merge[T=int32](i/enter, i/next)
    test = Less[T=int32](i, n/enter)
    more = LoopCond(test)
    i/switch = Switch(i, more)
    i/in = Identity[T=int32](i/switch:1)
    one = {_const(1)}(^i/in)
    plus = Add(i/in, one)
    i/next = NextIteration(plus)
    last = Exit(i/switch)
    return last
"""


@pytest.fixture
def limit(make_program):
    """`limit(old, new, …)` is the limit of the loop with each `old` replaced by `new`."""

    def find(*changes):
        text = _TEXT
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in text
            text = text.replace(old, new)
        region = functionalize_control_flow(parse_graph(text), make_program())
        (loop,) = [item for item in region.items if isinstance(item, Loop)]
        return None if loop.maximum_iterations is None else str(loop.maximum_iterations)

    return find


def test_a_counter_that_must_be_less_than_something_of_outside(limit):
    assert limit() == "n:0"


def test_the_limit_of_maximum_iterations_stands_beside_another_condition(limit):
    also = "also = Greater(k/enter, n/enter)\n    both = LogicalAnd(test, also)\n    more"
    assert limit("    more", also, "LoopCond(test)", "LoopCond(both)") == "n:0"
    assert limit("    more", also.replace("(test, also)", "(also, test)"),
                 "LoopCond(test)", "LoopCond(both)") == "n:0"  # fmt: skip


def test_one_of_two_limits(limit):
    also = "also = Less[T=int32](i, k/enter)\n    both = LogicalAnd(test, also)\n    more"
    assert limit("    more", also, "LoopCond(test)", "LoopCond(both)") in ("n:0", "k:0")


def test_copies_do_not_matter(limit):
    copied = "n/copy = Identity[T=int32](n/enter)\n    test"
    assert limit("    test", copied, "(i, n/enter)", "(i, n/copy)") == "n:0"


@pytest.mark.parametrize("op", ["Add", "AddV2"])
@pytest.mark.parametrize("inputs", ["i/in, one", "one, i/in", "i/switch:1, one"])
def test_both_additions_in_any_order(op, inputs, limit):
    assert limit("Add(i/in, one)", f"{op}({inputs})") == "n:0"


def test_the_step_may_come_from_outside(limit):
    outside = f'step = {_const(1)}()\n    step/enter = Enter[frame_name="f"](step)\n    one'
    assert limit("    one", outside, "(i/in, one)", "(i/in, step/enter)") == "n:0"


@pytest.mark.parametrize(("number", "expected"), [(9, "9"), (0, "0"), (-3, "0")])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_the_limit_may_be_a_number_of_outside(number, expected, dtype, limit):
    known = ("n = _Arg()", f"n = {_const(number, dtype)}()")
    # Whatever the type of the counter, TensorFlow takes a number.
    assert limit(*known, "Less[T=int32]", f"Less[T={dtype}]") == expected


def test_the_limit_may_be_a_number_in_the_loop(limit):
    inside = f"most = {_const(9)}(^i)\n    test"
    assert limit("    test", inside, "(i, n/enter)", "(i, most)") == "9"


def test_the_largest_number_that_tensorflow_takes(limit):
    for number, expected in [(2**31 - 1, str(2**31 - 1)), (2**31, None), (2**40, None)]:
        known = ("n = _Arg()", f"n = {_const(number, 'int64')}()")
        assert limit(*known, "Less[T=int32]", "Less[T=int64]") == expected


@pytest.mark.parametrize("op", ["Less[T=int64]", "Less[T=float]", "Less"])
def test_it_finds_nothing_because_tensorflow_takes_only_int32_tensors(op, limit):
    assert limit("Less[T=int32]", op) is None


def test_it_finds_nothing_because_the_step_is_another(limit):
    assert limit(f"one = {_const(1)}", f"one = {_const(2)}") is None


def test_it_finds_nothing_because_the_step_is_not_known(limit):
    assert limit("(i/in, one)", "(i/in, k/enter)") is None


def test_it_finds_nothing_because_the_start_is_another(limit):
    assert limit(f"start = {_const(0)}", f"start = {_const(1)}") is None


def test_it_finds_nothing_because_the_start_is_not_known(limit):
    assert limit('Enter[frame_name="f"](start)', 'Enter[frame_name="f"](k)') is None


def test_it_finds_nothing_because_the_counter_is_no_integer(limit):
    zero, one = _const(0, "float"), _const(1, "float")
    assert (
        limit(f"start = {_const(0)}", f"start = {zero}", f"one = {_const(1)}", f"one = {one}")
        is None
    )


@pytest.mark.parametrize("dtype", ["{type: 999}", "{type: DT_INVALID}", "float"])
def test_it_finds_nothing_because_the_step_has_no_value(dtype, limit):
    assert limit(f"one = {_const(1)}", f"one = Const[dtype={dtype}]") is None


def test_it_finds_nothing_because_the_step_is_huge_and_is_not_made_to_see_that(limit):
    huge = _const(1).replace("int32(", "int32[1000000000000](")
    assert limit(f"one = {_const(1)}", f"one = {huge}") is None


def test_conditions_that_many_others_share_are_looked_at_once(limit, monkeypatch):
    left = iter(range(1000))
    source_of = limits.source_of
    monkeypatch.setattr(limits, "source_of", lambda *args: (next(left), source_of(*args))[1])
    lines = ["a0 = LogicalAnd(test, test)"]
    lines += [f"a{i} = LogicalAnd(a{i - 1}, a{i - 1})" for i in range(1, 40)]
    all_of_them = "\n    ".join([*lines, "more"])
    swapped = ("(i, n/enter)", "(n/enter, i)")
    assert (
        limit("    more", f"    {all_of_them}", "LoopCond(test)", "LoopCond(a39)", *swapped) is None
    )


def test_it_finds_nothing_because_the_start_is_no_scalar(limit):
    vector = _const(0).replace("int32(", "int32[1](")
    assert limit(f"start = {_const(0)}", f"start = {vector}") is None


def test_it_finds_nothing_because_the_start_is_damaged(limit):
    damaged = _const(0).replace("int32(0)", '{tensor { dtype: DT_INT32 tensor_content: "x" }}')
    assert limit(f"start = {_const(0)}", f"start = {damaged}") is None


@pytest.mark.parametrize("op", ["LessEqual", "NotEqual", "Greater"])
def test_it_finds_nothing_because_the_test_is_another(op, limit):
    assert limit("Less[T=int32](i, n/enter)", f"{op}[T=int32](i, n/enter)") is None


def test_it_finds_nothing_because_the_test_is_the_other_way_round(limit):
    assert limit("(i, n/enter)", "(n/enter, i)") is None


def test_it_finds_nothing_because_either_condition_may_hold(limit):
    also = "also = Greater(k/enter, n/enter)\n    any = LogicalOr(test, also)\n    more"
    assert limit("    more", also, "LoopCond(test)", "LoopCond(any)") is None


@pytest.mark.parametrize("made", ["Mul(i, n/enter)", "Neg(n/enter)"])
def test_it_finds_nothing_because_the_limit_is_computed_in_the_loop(made, limit):
    inside = f"most = {made}\n    test"
    less = "Less[T=int32](i, {})"
    assert limit("    test", inside, less.format("n/enter"), less.format("most")) is None


def test_it_finds_nothing_because_the_limit_is_carried(limit):
    assert limit("(i, n/enter)", "(i, i)") is None


def test_it_finds_nothing_because_what_is_tested_is_not_carried(limit):
    assert limit("(i, n/enter)", "(k/enter, n/enter)") is None


@pytest.mark.parametrize("op", ["Sub", "Mul"])
def test_it_finds_nothing_because_the_counter_does_not_count(op, limit):
    assert limit("Add(i/in, one)", f"{op}(i/in, one)") is None


def test_it_finds_nothing_because_the_next_value_is_not_that_of_the_counter(limit):
    assert limit("Add(i/in, one)", "Add(k/enter, one)") is None
    assert limit("NextIteration(plus)", "NextIteration(k/enter)") is None
