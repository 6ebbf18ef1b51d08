import pytest

from converter import errors
from converter.passes.raise_control_flow import level

_ARGS = "x = _Arg()\np = _Arg()\nq = _Arg()\n"
_STATE = 'w = _Variable[key="w"]()\nh = Switch(w, p)\n'
_ADD = "AssignAddVariableOp[dtype=float]"


@pytest.fixture
def becomes(nested, dedent):
    """`becomes(text, after)` checks the nested form of a graph with arguments x, p and q."""

    def check(text, after):
        assert nested(_ARGS + text) == dedent(after)

    return check


# Conditionals.


def test_several_outputs_that_share_nodes_are_one_branch(becomes):
    becomes(
        """
        s = Switch(x, p)
        a = Neg(s)
        b = Exp(s:1)
        m = Merge[T=float](a, b)
        c = Sin(b)
        n = Merge[T=float](c, s)
        return m, n
        """,
        """
        branch p -> m, n:
          then:
            b = Exp(x)
            c = Sin(b)
            return b, c
          else:
            a = Neg(x)
            return a, x
        return m, n
        """,
    )


def test_conditionals_of_one_predicate_that_are_ready_together_are_one_branch(becomes):
    becomes(
        """
        s = Switch(x, p)
        a = Neg(s)
        m = Merge[T=float](a, s:1)
        id = Identity[T=bool](p)
        t = Switch(x, id)
        b = Exp(t:1)
        n = Merge[T=float](t, b)
        y = Add(m, n)
        return y
        """,
        """
        branch p -> m, n:
          then:
            b = Exp(x)
            return x, b
          else:
            a = Neg(x)
            return a, x
        y = Add(m, n)
        return y
        """,
    )


def test_conditionals_of_one_predicate_one_after_the_other_are_two(becomes):
    becomes(
        """
        s = Switch(x, p)
        a = Neg(s)
        m = Merge[T=float](a, s:1)
        t = Switch(m, p)
        b = Exp(t:1)
        n = Merge[T=float](t, b)
        return n
        """,
        """
        branch p -> m:
          then:
            return x
          else:
            a = Neg(x)
            return a
        branch p -> n:
          then:
            b = Exp(m)
            return b
          else:
            return m
        return n
        """,
    )


def test_outputs_that_nobody_needs_are_gone(becomes):
    becomes(
        """
        s = Switch(x, p)
        a = Neg(s)
        b = Exp(s:1)
        m = Merge[T=float](a, b)
        n = Merge[T=float](s, b)
        return m
        """,
        """
        branch p -> m:
          then:
            b = Exp(x)
            return b
          else:
            a = Neg(x)
            return a
        return m
        """,
    )


def test_a_conditional_in_a_conditional_with_a_predicate_made_there(becomes):
    becomes(
        """
        s = Switch(x, p)
        r = IsNan(s:1)
        t = Switch(s:1, r)
        a = Neg(t)
        inner = Merge[T=float](a, t:1)
        m = Merge[T=float](s, inner)
        return m
        """,
        """
        branch p -> m:
          then:
            r = IsNan(x)
            branch r -> inner:
              then:
                return x
              else:
                a = Neg(x)
                return a
            return inner
          else:
            return x
        return m
        """,
    )


def test_the_same_predicate_inside_of_its_own_side_is_no_branch(becomes):
    becomes(
        """
        s = Switch(x, p)
        t = Switch(s:1, p)
        a = Neg(t)
        b = Exp(t:1)
        inner = Merge[T=float](a, b)
        m = Merge[T=float](s, inner)
        return m
        """,
        """
        branch p -> m:
          then:
            b = Exp(x)
            return b
          else:
            return x
        return m
        """,
    )


def test_the_number_of_the_input_that_a_merge_got(becomes):
    number = "Const[dtype=int32, value={tensor { dtype: DT_INT32 tensor_shape { } int_val: %d }}]()"
    becomes(
        """
        s = Switch(x, p)
        a = Neg(s)
        m = Merge[T=float](s:1, a)
        n = Merge[T=float](a, s:1)
        return m, m:1, n
        """,
        f"""
        branch p -> m, n, m:1:
          then:
            m/value_index = {number % 0}
            return x, x, m/value_index
          else:
            a = Neg(x)
            m/value_index = {number % 1}
            return a, a, m/value_index
        return m, m:1, n
        """,
    )


def test_a_node_may_take_the_number_of_the_input_that_a_merge_got(nested):
    text = """
        s = Switch(x, p)
        a = Neg(s)
        m = Merge[T=float](a, s:1)
        y = Neg[T=int32](m:1)
        return y
    """
    after = nested(_ARGS + text)
    assert after.startswith("branch p -> m, m:1:\n")
    assert after.endswith("y = Neg[T=int32](m:1)\nreturn y\n")


# Order and effects.


def test_plain_nodes_come_before_the_branch_and_updates_after_the_results(becomes):
    becomes(
        f"""
        w = _Variable[key="w"]()
        u = {_ADD}(w, x)
        s = Switch(x, p)
        a = Neg(s)
        m = Merge[T=float](a, s:1)
        b = Sin(x)
        c = Add(m, b)
        return c
        target u
        """,
        f"""
        b = Sin(x)
        branch p -> m:
          then:
            return x
          else:
            a = Neg(x)
            return a
        c = Add(m, b)
        w = _Variable[key="w"]()
        u = {_ADD}(w, x)
        return c
        """,
    )


def test_what_a_side_waits_for_outside_the_branch_waits_for(becomes):
    becomes(
        f"""
        w = _Variable[key="w"]()
        u = {_ADD}(w, x)
        s = Switch(x, p)
        a = Neg(s:1, ^u)
        m = Merge[T=float](s, a)
        return m
        """,
        f"""
        w = _Variable[key="w"]()
        u = {_ADD}(w, x)
        branch p -> m, ^u:
          then:
            a = Neg(x)
            return a
          else:
            return x
        return m
        """,
    )


def test_waits_inside_of_a_side_and_for_a_branch_stay(becomes):
    becomes(
        f"""
        {_STATE}
        s = Switch(x, p)
        u = {_ADD}(h:1, s:1)
        a = Neg(s:1, ^u)
        m = Merge[T=float](s, a)
        y = Exp(x, ^m)
        return y
        """,
        f"""
        w = _Variable[key="w"]()
        branch p -> m:
          then:
            u = {_ADD}(w, x)
            a = Neg(x, ^u)
            return a
          else:
            return x
        y = Exp(x, ^m)
        return y
        """,
    )


def test_branches_for_their_effect_alone(becomes):
    becomes(
        f"""
        {_STATE}
        s = Switch(x, p)
        t = Switch(s:1, q)
        u = {_ADD}(h:1, s:1)
        v = {_ADD}(h:1, t:1)
        o = {_ADD}(h, s)
        return x
        target u, v, o
        """,
        f"""
        w = _Variable[key="w"]()
        branch p:
          then:
            u = {_ADD}(w, x)
            branch q:
              then:
                v = {_ADD}(w, x)
              else:
          else:
            o = {_ADD}(w, x)
        return x
        """,
    )


def test_targets_that_never_run_are_skipped_but_not_their_variables(becomes):
    text = f"{_STATE}s = Switch(x, p)\nu = {_ADD}(h:1, s)\nreturn x\ntarget u"
    becomes(text, 'w = _Variable[key="w"]()\nreturn x')


@pytest.mark.parametrize("op", ["_Variable", "_VariableValue"])
def test_variables_that_nothing_needs_stay_listed(op, becomes):
    line = f'w = {op}[key="w"]()'
    becomes(f"{line}\na = Neg(w)\nreturn x", f"{line}\nreturn x")


# Loops.


def test_what_the_body_uses_of_the_condition_is_there_again(nested, counting):
    text = counting.replace("Add(i/switch:1, one)", "Add(i/switch:1, again)")
    after = nested(text + "again = Cast[SrcT=bool, DstT=int32](less)\nreturn last")
    assert after.count("less = Less(i, n)") == 2
    assert "again = Cast[DstT=int32, SrcT=bool](less)\n    plus = Add(i, again)" in after


def test_an_effect_of_the_condition_that_the_body_uses_is_refused(nested, counting):
    text = counting.replace("(i, n/enter)", "(i, r)").replace(
        "(i/switch:1, one)", "(i/switch:1, r)"
    )
    with pytest.raises(errors.UnsupportedOpError, match="op 'RandomPoisson' gives in") as caught:
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
    assert "loop i=zero [...] -> last, ^u:" in after
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


# Conditionals that share nodes.

_SHARED = """
    {}
    s = Switch(x, p)
    b = {}
    m = Merge[T=float](s, b)
    y = Neg(m)
    t = Switch({}, p)
    c = Mul(t:1, b)
    n = Merge[T=float](t, c)
    return n
"""


def test_what_two_conditionals_share_that_cannot_be_one_is_there_again(becomes):
    becomes(
        _SHARED.format("", "Exp(s:1)", "y"),
        """
        branch p -> m:
          then:
            b = Exp(x)
            return b
          else:
            return x
        y = Neg(m)
        branch p -> n:
          then:
            b = Exp(x)
            c = Mul(y, b)
            return c
          else:
            return y
        return n
        """,
    )


def test_a_conditional_that_two_others_share_is_in_both(nested):
    inner = """
        r = Switch(q, p)
        i = Switch(s:1, r:1)
        e = Exp(i:1)
        b = Merge[T=float](i, e)
    """
    text = _SHARED.format("", "gone", "y").replace("    b = gone\n", inner)
    after = nested(_ARGS + text)
    assert after.count("    branch q -> b:\n") == 2
    assert "\nbranch q" not in after


def test_what_two_conditionals_share_is_there_once_if_they_can_be_one(becomes):
    becomes(
        _SHARED.format("", "Exp(s:1)", "x"),
        """
        branch p -> n:
          then:
            b = Exp(x)
            c = Mul(x, b)
            return c
          else:
            return x
        return n
        """,
    )
    both = _SHARED.format("", "Exp(s:1)", "x").replace("return n", "return m, n")
    becomes(
        both,
        """
        branch p -> m, n:
          then:
            b = Exp(x)
            c = Mul(x, b)
            return b, c
          else:
            return x, x
        return m, n
        """,
    )


@pytest.mark.parametrize(
    "shared",
    ["RandomPoisson(s:1, s:1)", "ReadVariableOp[dtype=float](h:1)", f"{_ADD}(h:1, s:1)"],
)
@pytest.mark.parametrize(
    ("taken", "message"),
    [("m", "uses one of its outputs"), ("y", "uses a value that depends on its own outputs")],
)
def test_what_runs_once_in_two_conditionals_that_cannot_be_one_is_refused(
    shared, taken, message, nested
):
    text = _SHARED.format(_STATE, shared, taken)
    if shared.startswith("Assign"):
        text = text.replace("c = Mul(t:1, b)", "c = Neg(t:1, ^b)")
        text = text.replace(
            "m = Merge[T=float](s, b)", "d = Exp(s:1, ^b)\nm = Merge[T=float](s, d)"
        )
    with pytest.raises(errors.UnsupportedOpError, match=message):
        nested(_ARGS + text)


def test_what_runs_once_beside_what_is_there_again_stays_once(nested):
    """Two conditionals share a node without an effect; only the first has one of its own."""
    text = _SHARED.format(_STATE, "Exp(s:1)", "y").replace(
        "m = Merge[T=float](s, b)",
        f"u = {_ADD}(h:1, b)\n    d = Neg(b, ^u)\n    m = Merge[T=float](s, d)",
    )
    after = nested(_ARGS + text)
    assert after.count("b = Exp(x)") == 2
    assert after.count(_ADD) == 1


def test_a_loop_with_an_effect_that_two_conditionals_share_is_refused(nested):
    loop = """
        e = Enter[frame_name="f"](s:1)
        h/e = Enter[frame_name="f", is_constant=true](h:1)
        v = Merge[T=float](e, v/next)
        more = LoopCond(v)
        v/s = Switch(v, more)
        grown = Exp(v/s:1{})
        v/next = NextIteration(grown)
        b = Exit(v/s)
    """
    text = _SHARED.format(_STATE, "gone", "y").replace("    b = gone\n", loop)
    assert nested(_ARGS + text.format("")).count("grown = Exp(v)") == 2
    acting = text.format(f", ^u)\n        u = {_ADD}(h/e, v/s:1")
    with pytest.raises(errors.UnsupportedOpError, match="depends on its own outputs"):
        nested(_ARGS + acting)


# Refusals.


def test_effects_under_conditions_of_which_none_is_outermost_are_refused(nested):
    text = """
        s = Switch(x, p)
        t = Switch(x, q)
        a = Neg(s:1)
        b = Neg(t:1)
        both = Add(a, b)
        u = Print[T=float, U={list { }}](both)
        return x
        target u
    """
    with pytest.raises(errors.UnsupportedOpError, match="under different conditions depend"):
        nested(_ARGS + text)


def test_a_result_that_never_runs_is_refused(nested):
    with pytest.raises(errors.FormatError, match="a tensor that never is") as caught:
        nested(_ARGS + "s = Switch(x, p)\ny/e = Add(s, s:1)\nreturn y/e")
    assert caught.value.node == "y/e"


@pytest.fixture
def fits(nested, monkeypatch):
    """`fits(text, levels)` checks that a graph is just as many levels deep, its own included."""

    def check(text, levels):
        monkeypatch.setattr(level, "MAX_DEPTH", levels)
        nested(text)
        monkeypatch.setattr(level, "MAX_DEPTH", levels - 1)
        with pytest.raises(errors.UnsupportedOpError, match=f"over {levels - 1} levels deep"):
            nested(text)

    return check


def test_branches_that_are_nested_too_deeply_are_refused(fits):
    text = """
        s = Switch(x, p)
        t = Switch(s:1, q)
        inner = Merge[T=float](t, t:1)
        m = Merge[T=float](s, inner)
        return m
    """
    fits(_ARGS + text, 3)


def test_loops_that_are_nested_too_deeply_are_refused(fits):
    lines = ["x = _Arg()"]
    for name, outer in (("a", "x"), ("b", "a/s:1"), ("c", "b/s:1")):
        lines += [
            f'{name}/e = Enter[frame_name="{name}"]({outer})',
            f"{name} = Merge[T=float]({name}/e, {name}/n)",
            f"{name}/k = LoopCond({name})",
            f"{name}/s = Switch({name}, {name}/k)",
            f"{name}/x = Exit({name}/s)",
        ]
    lines += ["c/n = NextIteration(c/s:1)", "b/n = NextIteration(c/x)", "a/n = NextIteration(b/x)"]
    fits("\n".join([*lines, "return a/x"]), 4)


def test_loops_in_branches_count_as_deep_as_they_are(fits):
    text = """
        s = Switch(x, p)
        t = Switch(s:1, q)
        e = Enter[frame_name="f"](t:1)
        v = Merge[T=float](e, n)
        k = LoopCond(v)
        u = Switch(v, k)
        y = Neg(u:1)
        n = NextIteration(y)
        o = Exit(u)
        inner = Merge[T=float](t, o)
        m = Merge[T=float](s, inner)
        return m
    """
    fits(_ARGS + text, 4)


def test_too_many_nodes_after_what_is_there_again_are_refused(nested, monkeypatch):
    text = _ARGS + _SHARED.format("", "Exp(s:1)", "y")
    monkeypatch.setattr(level, "MAX_NODES", 4)
    nested(text)
    monkeypatch.setattr(level, "MAX_NODES", 3)
    with pytest.raises(errors.UnsupportedOpError, match="over 3 nodes"):
        nested(text)
