"""Flows and handles through loops and branches, and effects behind them."""

from passes.lower_tensor_arrays.programs import ARRAY, ROWS, SOME


def test_all_that_passes_a_flow_on_takes_lists(lower):
    text = """
        e = Enter[T=float, frame_name="f"](a:1)
        m = Merge[N=2, T=float, _output_shapes={list { shape { unknown_rank: true } shape { } }}](e, x1)
        c = LoopCond(q)
        q = Enter[T=bool, frame_name="f"](p)
        s = Switch[T=float](m, c)
        b = Identity[T=float](s:1)
        o = StopGradient[T=float](b)
        g = PreventGradient[T=float](o)
        x1 = NextIteration[T=float](g)
        out = Exit[T=float](s)
        r = TensorArraySizeV3(a, out)
        return r
    """  # noqa: E501
    after = lower(ARRAY + text)
    for name in ("e", "m", "s", "b", "o", "g", "x1", "out"):
        assert "T=variant" in after[name]
    assert "_output_shapes=([], [])" in after["m"]
    assert "T=bool" in after["q"]
    assert after["e"].endswith("(a)")


def test_a_constant_for_a_branch_waits_for_that_branch(lower):
    text = """
        s = Switch[T=float](a:1, p)
        h = Switch[T=resource](a, p)
        k = Switch[T=int32](i, p)
        r = TensorArrayReadV3[dtype=float](h:1, k:1, s:1)
        return r
    """
    after = lower(ARRAY + text)
    assert after["r/dims"].endswith("(^r/branch, ^r/branch_1)")
    assert after["r/branch"] == "Identity[T=variant](s:1)"
    assert after["r/branch_1"] == "Identity[T=int32](k:1)"


def test_control_edges_from_handles_stay(lower):
    text = """
        h = Identity[T=resource](a)
        r = TensorArraySizeV3(h, a:1, ^h, ^a)
        return r
    """
    after = lower(ARRAY + text)
    assert after["h"] == "Identity[T=variant](a)"
    assert after["r"] == "TensorListLength(a, ^h, ^a)"


def test_effects_behind_what_an_op_no_longer_takes_stay(lower):
    text = """
        check = Assert[T={list { type: DT_FLOAT }}](p, x)
        s = TensorArraySizeV3(a, a:1)
        r = Range[Tidx=int32](zero, s, one, ^check)
        g = TensorArrayGatherV3[dtype=float](a, r, a:1)
        return g
    """
    assert "^r)" in lower(ARRAY + text)["g"]


def test_effects_behind_an_array_that_is_filled_at_once_stay(lower):
    text = """
        check = Assert[T={list { type: DT_FLOAT }}](p, x)
        a = TensorArrayV3[dtype=float](rows, ^check)
        w = TensorArrayScatterV3[T=float](a, all, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = lower(SOME + ROWS + text)
    assert "^a" in after["w"]
    assert after["a"].endswith("^check)")


def test_effects_that_the_op_waits_for_anyhow_add_no_edge(lower):
    text = """
        check = Assert[T={list { type: DT_FLOAT }}](p, x)
        y = Identity[T=float](x, ^check)
        a = TensorArrayV3[dtype=float](rows, ^check)
        w = TensorArrayScatterV3[T=float](a, all, y, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = lower(SOME + ROWS + text)
    assert after["w"].endswith("(y, w/dims)")


def test_other_nodes_stay(lower):
    text = "y = Identity[T=float](x)\nb = Switch[T=float](y, p)\nr = TensorArraySizeV3(a, a:1)\n"
    after = lower(ARRAY + text + "return r, b:1")
    assert after["y"] == "Identity[T=float](x)"
    assert after["b"] == "Switch[T=float](y, p)"
