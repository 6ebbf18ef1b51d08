import pytest

from converter import errors

_ARGS = "x = _Arg()\np = _Arg()\nq = _Arg()\n"
_STATE = 'w = _Variable[key="w"]()\nh = Switch(w, p)\n'
_ADD = "AssignAddVariableOp[dtype=float]"


def test_what_the_body_uses_of_the_condition_is_there_again(nested, counting):
    text = counting.replace("Add(i/switch:1, one)", "Add(i/switch:1, again)")
    after = nested(text + "again = Cast[SrcT=bool, DstT=int32](less)\nreturn last")
    assert after.count("less = Less(i, n)") == 2
    assert "again = Cast[DstT=int32, SrcT=bool](less)\n    plus = Add(i, again)" in after


def test_an_effect_of_the_condition_that_the_body_uses_is_refused(nested, counting):
    text = counting.replace("(i, n/enter)", "(i, r)").replace(
        "(i/switch:1, one)", "(i/switch:1, r)"
    )
    with pytest.raises(errors.UnsupportedOpError, match="op 'RandomPoisson' of the") as caught:
        nested(text + "r = RandomPoisson(n/enter, n/enter)\nreturn last")
    assert caught.value.node == "r"


@pytest.mark.parametrize(
    "change",
    [
        ("(zero)", "(zero, ^u)"),  # an Enter
        ("(^i/switch)", "(^i/switch, ^u)"),  # a node of the body
        ("NextIteration(plus)", "NextIteration(plus, ^u)"),  # the end of the body
        ("Less(i, n/enter)", "Less(i, n/enter, ^u)"),  # a node of the condition
        ("LoopCond(less)", "LoopCond(less, ^u)"),  # the end of the condition
    ],
)
def test_what_a_part_of_a_loop_waits_for_outside_the_loop_waits_for(change, nested, counting):
    text = f'w = _Variable[key="w"]()\nu = {_ADD}(w, n)\n' + counting.replace(*change)
    after = nested(text + "return last")
    assert "loop f(i=zero [...]) -> last, ^u:" in after
    assert after.count("^u") == 1


def test_a_loop_waits_for_what_a_value_that_it_starts_with_waits_for(nested, counting):
    loop = counting.replace('"f"](zero)', '"f"](s:1)').replace("](n)", "](t:1)")
    text = f"""
        p = _Arg()
        w = _Variable[key="w"]()
        u = {_ADD}(w, n)
        s = Switch(zero, p, ^u)
        t = Switch(n, p)
        o = Switch(zero, p)
        m = Merge[T=int32](o, last)
        return m
    """
    after = nested(loop + text)
    assert after.index("u = ") < after.index("loop ")
    assert "branch p -> m, ^u:" in after


@pytest.mark.parametrize(
    "back",
    [
        "w/next = NextIteration(h/switch:1, ^u)",
        "w/next = NextIteration(h/same)\nh/same = Identity[T=resource](h/switch:1, ^u)",
    ],
)
def test_an_effect_that_only_a_handle_waits_for_is_in_the_body(back, nested, counting):
    text = f"""
        w = _Variable[key="w"]()
        w/enter = Enter[frame_name="f"](w)
        h = Merge[T=resource](w/enter, w/next)
        h/switch = Switch(h, more)
        u = {_ADD}(h/switch:1, plus)
        {back}
        return last
    """
    assert f"    u = {_ADD}(w, plus)\n    return plus\n" in nested(counting + text)


def test_effects_in_a_loop_are_before_what_waits_for_it(nested, counting):
    text = (
        counting.replace("NextIteration(plus)", "NextIteration(plus, ^u)")
        + f"""
        w = _Variable[key="w"]()
        w/enter = Enter[frame_name="f", is_constant=true](w)
        u = {_ADD}(w/enter, plus)
        r = ReadVariableOp[dtype=float](w, ^last)
        return r
    """
    )
    after = nested(text)
    assert f"plus = Add(i, one)\n    u = {_ADD}(w, plus)\n    return plus\n" in after
    assert after.endswith("r = ReadVariableOp[dtype=float](w, ^last)\nreturn r\n")
