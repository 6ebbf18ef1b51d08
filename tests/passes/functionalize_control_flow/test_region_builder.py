import pytest

from converter import errors
from converter.passes.functionalize_control_flow import region_builder

_ARGS = "x = _Arg()\np = _Arg()\nq = _Arg()\n"
_STATE = 'w = _Variable[key="w"]()\nh = Switch(w, p)\n'
_ADD = "AssignAddVariableOp[dtype=float]"


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
    number = "Const[dtype=int32, value=int32(%d)]()"
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


def test_variables_are_read_before_updates_that_do_not_wait_for_it(becomes):
    """Moving averages of two towers, by two handles: no update sees that of the other."""
    becomes(
        f"""
        v = _Variable[key="w"]()
        a = ReadVariableOp[dtype=float](v)
        c = Sub(a, x)
        u = {_ADD}(v, c)
        w = _Variable[key="w"]()
        b = ReadVariableOp[dtype=float](w)
        d = Sub(b, x)
        t = {_ADD}(w, d)
        e = ReadVariableOp[dtype=float](w, ^t)
        o = {_ADD}(w, e)
        return x
        target u, o
        """,
        f"""
        v = _Variable[key="w"]()
        a = ReadVariableOp[dtype=float](v)
        w = _Variable[key="w"]()
        b = ReadVariableOp[dtype=float](w)
        c = Sub(a, x)
        u = {_ADD}(v, c)
        d = Sub(b, x)
        t = {_ADD}(w, d)
        e = ReadVariableOp[dtype=float](w, ^t)
        o = {_ADD}(w, e)
        return x
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
    with pytest.raises(errors.FormatError, match="an output never has a value") as caught:
        nested(_ARGS + "s = Switch(x, p)\ny/e = Add(s, s:1)\nreturn y/e")
    assert caught.value.node == "y/e"


@pytest.fixture
def fits(nested, monkeypatch):
    """`fits(text, levels)` checks that a graph is just as many levels deep, its own included."""

    def check(text, levels):
        monkeypatch.setattr(region_builder, "MAX_DEPTH", levels)
        nested(text)
        monkeypatch.setattr(region_builder, "MAX_DEPTH", levels - 1)
        with pytest.raises(errors.UnsupportedOpError, match=f"more than {levels - 1} levels deep"):
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
