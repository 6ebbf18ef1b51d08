import pytest

from converter import errors
from converter.passes.functionalize_control_flow import region_builder

_ARGS = "x = _Arg()\np = _Arg()\nq = _Arg()\n"
_STATE = 'w = _Variable[key="w"]()\nh = Switch(w, p)\n'
_ADD = "AssignAddVariableOp[dtype=float]"


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
    [("m", "one of the conditional's outputs"), ("y", "a value that depends on its own outputs")],
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


def test_too_many_nodes_after_what_is_there_again_are_refused(nested, monkeypatch):
    text = _ARGS + _SHARED.format("", "Exp(s:1)", "y")
    monkeypatch.setattr(region_builder, "MAX_NODES", 4)
    nested(text)
    monkeypatch.setattr(region_builder, "MAX_NODES", 3)
    with pytest.raises(errors.UnsupportedOpError, match="more than 3 nodes"):
        nested(text)
