"""The order of writes and reads, also in loops and branches."""

import pytest
from passes.lower_tensor_arrays.programs import ARRAY, SOME


@pytest.mark.parametrize(
    "second",
    [
        "w = TensorArrayWriteV3[T=float](a, j, x, a:1)",
        "f = Identity[T=float](a:1)\nw = TensorArrayWriteV3[T=float](a, j, x, f)",
        "s = Switch[T=float](a:1, p)\nw = TensorArrayWriteV3[T=float](a, j, x, s:1)",
    ],
)
def test_two_writes_from_one_flow_are_refused(second, refusal_of):
    text = f"""
        v = TensorArrayWriteV3[T=float](a, i, x, a:1)
        {second}
        r = TensorArrayReadV3[dtype=float](a, i, v)
        q = TensorArrayReadV3[dtype=float](a, j, w)
        return r, q
    """
    assert "changes what 'v' changes too" in refusal_of(ARRAY + text)


def test_writes_in_two_branches_are_fine(lower):
    text = """
        s = Switch[T=float](a:1, p)
        same = Identity[T=bool](p)
        t = Switch[T=float](a:1, same)
        v = TensorArrayWriteV3[T=float](a, i, x, s:1)
        w = TensorArrayWriteV3[T=float](a, j, x, t)
        m = Merge[N=2, T=float](v, w)
        r = TensorArrayReadV3[dtype=float](a, i, m)
        return r
    """
    assert lower(ARRAY + text)["m"] == "Merge[N=2, T=variant](v, w)"


def test_a_read_that_follows_a_write_by_a_control_edge_is_refused(refusal_of):
    text = """
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, a:1, ^w)
        return r
    """
    assert "follows 'w' without seeing its result" in refusal_of(ARRAY + text)


def test_a_read_before_a_write_is_fine(lower):
    text = """
        r = TensorArrayReadV3[dtype=float](a, i, a:1)
        w = TensorArrayWriteV3[T=float](a, j, r, a:1)
        q = TensorArrayReadV3[dtype=float](a, j, w)
        return q
    """
    assert "GetItem" in lower(ARRAY + text)["r"]


@pytest.mark.parametrize(("attr", "is_fine"), [("false", True), ("true", False)])
def test_the_size_of_an_older_flow_is_fine_for_an_array_that_does_not_grow(
    attr, is_fine, lower, refusal_of
):
    text = f"""
        a = TensorArrayV3[dtype=float, dynamic_size={attr}](n)
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        r = TensorArraySizeV3(a, a:1, ^w)
        return r
    """
    if is_fine:
        assert lower(SOME + text)["r"] == "TensorListLength(a, ^w)"
    else:
        assert "follows 'w'" in refusal_of(SOME + text)


_LOOP = """
    p_in = Enter[T=bool, frame_name="f"](p)
    i_in = Enter[T=int32, frame_name="f"](i)
    x_in = Enter[T=float, frame_name="f"](x)
    h_in = Enter[T=resource, frame_name="f"](a)
    a_in = Enter[T=float, frame_name="f"](a:1)
    m = Merge[N=2, T=float]({first}, next)
    c = LoopCond(p_in)
    s = Switch[T=float](m, c)
    b = Identity[T=float](s:1)
    {body}
    next = NextIteration[T=float]({last})
    out = Exit[T=float](s)
"""


def test_a_loop_that_writes_into_an_array_that_it_does_not_carry_is_refused(refusal_of):
    text = _LOOP.format(
        first="x_in",
        body="w = TensorArrayWriteV3[T=float](h_in, i_in, b, a_in)\ny = Identity[T=float](b, ^w)",
        last="y",
    )
    message = refusal_of(ARRAY + text + "return out")
    assert "changes it in a loop that does not carry it" in message
    assert "'w'" in message


_CARRIED = _LOOP.format(
    first="a_in", body="w = TensorArrayWriteV3[T=float](h_in, i_in, x_in, b)", last="w"
)


def test_a_loop_that_carries_what_it_writes_is_fine(lower):
    text = _CARRIED + "r = TensorArrayReadV3[dtype=float](a, i, out)\nreturn r"
    assert lower(ARRAY + text)["w"] == ("TensorListSetItem[element_dtype=float](b, i_in, x_in)")


def test_reading_the_flow_from_before_a_loop_after_it_is_refused(refusal_of):
    text = _CARRIED + "r = TensorArrayReadV3[dtype=float](a, i, a:1, ^out)\nreturn r"
    assert "follows 'm' without seeing its result" in refusal_of(ARRAY + text)


def test_a_loop_may_carry_an_array_that_it_only_reads(lower):
    body = "v = TensorArrayReadV3[dtype=float](h_in, i_in, b)\ny = Identity[T=float](b, ^v)"
    text = _LOOP.format(first="a_in", body=body, last="y")
    text += "r = TensorArrayReadV3[dtype=float](a, i, a:1, ^out)\nreturn r"
    assert "GetItem" in lower(ARRAY + text)["v"]
