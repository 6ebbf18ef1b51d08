"""Graphs without a nested form that is sure to mean the same, by all steps of the pass together."""

import pytest

from converter import errors

_ARGS = "x = _Arg()\np = _Arg()\nq = _Arg()\n"
_ADD = "AssignAddVariableOp[dtype=float]"


@pytest.fixture
def refused(nested):
    """`refused(text, message, node)` checks that a graph is refused."""

    def check(text, message, node):
        with pytest.raises(errors.ConversionError, match=message) as caught:
            nested(text)
        assert caught.value.node == node

    return check


# Results and targets that V1 would not always have.


@pytest.mark.parametrize("result", ["s:1", "s", "y", "t:1"])
def test_a_result_inside_of_a_side(result, refused):
    """Such as a regularization loss that was made in a branch."""
    text = f"s = Switch(x, p)\ny = Neg(s:1)\nt = Switch(y, q)\nreturn x, {result}"
    refused(_ARGS + text, "an output is inside of", result.partition(":")[0])


@pytest.mark.parametrize("result", ["i", "i:1", "i/switch", "less", "plus", "n/enter", "i/next"])
def test_a_result_inside_of_a_loop(result, refused, counting):
    text = f"{counting}return last, {result}"
    refused(text, "an output is inside of", result.partition(":")[0])


@pytest.mark.parametrize("result", ["dead", "m", "s"])
def test_a_result_that_never_is(result, refused):
    text = """
        s = Switch(both, p)
        both = Add(t, t:1)
        t = Switch(x, p)
        dead = Neg(both)
        m = Merge[T=float](dead, both)
    """
    refused(f"{_ARGS}{text}return {result}", "an output never has a value", result)


def test_a_resource_that_never_is(refused):
    refused("m = Merge[T=resource]()\nreturn m", "an output never has a value", "m")


def test_a_variable_that_waits_for_what_never_runs(refused):
    """The pass asks for all variables, as V1 lists them all."""
    text = 's = Switch(x, p)\nt = Switch(s:1, p)\nw = _Variable[key="w"](^u)\nu = Neg(t)\nreturn x'
    refused(_ARGS + text, "a node that must run waits for one that never runs", "w")


def test_a_result_of_a_side_whose_condition_always_is_the_same_is_refused_all_the_same(refused):
    text = "s = Switch(x, p)\nt = Switch(s:1, p)\nm = Merge[T=float](t, t:1)\nreturn m"
    refused(_ARGS + text, "an output is inside of", "m")


@pytest.mark.parametrize("waits", ["", ", ^u"])
def test_a_target_in_a_loop(waits, refused, counting):
    text = counting.replace("(plus)", f"(plus{waits})")
    text += f"""
        w = _Variable[key="w"]()
        w/enter = Enter[frame_name="f"](w)
        u = {_ADD}(w/enter, plus)
        return last
        target u
    """
    refused(text, "an op that must run for its effect is inside of a loop", "u")


# Loops of another form.


@pytest.mark.parametrize(
    ("change", "message", "node"),
    [
        (("Exit(i/switch)", "Exit(i/switch:1)"), "exactly when its loop ends", "last"),
        (("Exit(i/switch)", "Exit(i)"), "exactly when its loop ends", "last"),
        (("(i/switch:1, one)", "(i/switch, one)"), "exactly when its loop goes on", "i/next"),
        (("(i/switch:1, one)", "(i, one)"), "exactly when its loop goes on", "i/next"),
        (("(i/switch:1, one)", "(i:1, one, i/switch:1)"), "output 'value_index' of a Merge", "i"),
        (("Less(i, n/enter)", "Less(i:1, n/enter)"), "output 'value_index' of a Merge", "i"),
    ],
)
def test_a_loop_of_another_form(change, message, node, refused, counting):
    assert change[0] in counting
    refused(counting.replace(*change) + "return last", message, node)


@pytest.mark.parametrize(
    ("a", "b"), [("b/switch:1", "a/switch:1"), ("b/enter", "b/switch:1"), ("a/enter", "a/enter")]
)
def test_a_loop_that_swaps_its_handles(a, b, refused, counting):
    text = (
        counting.replace("(i/switch:1, one)", "(i/switch:1, found)")
        + f"""
        a = _Table[key="a"]()
        b = _Table[key="b"]()
        a/enter = Enter[frame_name="f"](a)
        b/enter = Enter[frame_name="f"](b)
        a/now = Merge[T=resource](a/enter, a/next)
        b/now = Merge[T=resource](b/enter, b/next)
        a/switch = Switch(a/now, more)
        b/switch = Switch(b/now, more)
        a/next = NextIteration({a})
        b/next = NextIteration({b})
        found = LookupTableFindV2[Tin=int32, Tout=int32](a/switch:1, one, one)
        return last
    """
    )
    node = "a/now" if a.startswith("b") else "b/now"
    refused(text, "goes on with another variable, table", node)


# Conditionals of another form.


def test_the_number_of_the_one_input_that_runs(refused):
    text = """
        s = Switch(x, p)
        t = Switch(s:1, p)
        inner = Merge[T=float](t, t:1)
        y = Cast[SrcT=int32, DstT=float](inner:1)
        m = Merge[T=float](s, y)
        return m
    """
    refused(_ARGS + text, "output 'value_index' of a Merge", "inner")


def test_a_side_that_uses_a_value_of_the_other_never_is(refused):
    text = "s = Switch(x, p)\nb = Exp(s:1)\nc = Add(s, b)\nm = Merge[T=float](c, b)\nreturn m"
    refused(_ARGS + text, "an output is inside of", "m")
