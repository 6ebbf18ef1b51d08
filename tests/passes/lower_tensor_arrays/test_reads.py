"""Reads, gathers and concatenation."""

import pytest
from passes.lower_tensor_arrays.programs import ARRAY, SOME, shape_const


def test_read(lower):
    text = """
        k = Identity[T=int32](i)
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, k, w)
        return r
    """
    after = lower(ARRAY + text)
    assert after["r"] == "TensorListGetItem[element_dtype=float](w, k, r/dims)"
    assert after["r/dims"] == shape_const(2, -1) + "(^w, ^k)"


@pytest.mark.parametrize(
    "indices",
    [
        "s = TensorArraySizeV3(a, w)\nr = Range[Tidx=int32](zero, s, one)",
        "s = TensorArraySizeV3(a, a:1)\nr = Range[Tidx=int32](zero, s, one)",
        "s = Identity[T=int32](n)\nr = Range[Tidx=int32](zero, s, one)",
    ],
)
def test_a_gather_of_all_is_a_stack(indices, lower):
    text = f"""
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        {indices}
        g = TensorArrayGatherV3[dtype=float, element_shape=[?,3]](a, r, w)
        return g
    """
    after = lower(ARRAY + text)
    assert after["g"] == "TensorListStack[element_dtype=float](w, g/dims)"
    assert after["g/dims"] == shape_const(2, 3) + "(^w)"
    assert "r" not in after


@pytest.mark.parametrize(
    "indices",
    [
        "r = Range[Tidx=int32](one, n, one)",
        "r = Range[Tidx=int32](zero, n, n)",
        "r = Range[Tidx=int32](zero, j, one)",
        "r = Identity[T=int32](i)",
        """b = TensorArrayV3[dtype=float](j)
        s = TensorArraySizeV3(b, b:1)
        r = Range[Tidx=int32](zero, s, one)""",
    ],
)
def test_any_other_gather_is_a_gather(indices, lower):
    text = f"{indices}\ng = TensorArrayGatherV3[dtype=float](a, r, a:1)\nreturn g"
    after = lower(ARRAY + text)
    assert after["g"] == "TensorListGather[element_dtype=float](a, r, g/dims)"


@pytest.mark.parametrize("known", ["element_shape=[2]", "identical_element_shapes=true"])
def test_a_gather_that_may_take_an_element_twice_is_one_of_the_stack(known, lower):
    text = f"""
        a = TensorArrayV3[dtype=float, clear_after_read=false, {known}](n)
        g = TensorArrayGatherV3[dtype=float](a, j, a:1)
        return g
    """
    after = lower(SOME + text)
    assert (
        after["g"] == "GatherV2[Taxis=int32, Tindices=int32, Tparams=float](g/stack, j, g/number)"
    )
    assert after["g/stack"] == "TensorListStack[element_dtype=float](a, g/dims)"


@pytest.mark.parametrize(
    ("dtype", "indices"),
    [
        ("int32", "r = Identity[T=int32](j)"),
        ("float", "r = Range[Tidx=int32](i, n, j)"),
        ("float", "r = Const[dtype=int32, value={numbers}]()"),
    ],
)
def test_a_gather_that_takes_no_gradient_twice_is_a_gather(dtype, indices, lower):
    text = f"""
        a = TensorArrayV3[dtype={dtype}, clear_after_read=false](n)
        {indices.format(numbers="int32[2](3, 1)")}
        g = TensorArrayGatherV3[dtype={dtype}](a, r, a:1)
        return g
    """
    assert "TensorListGather" in lower(SOME + text)["g"]


@pytest.mark.parametrize(("flow", "op"), [("a:1", "Gather"), ("w", "Stack")])
def test_a_growing_array_is_stacked_up_to_its_size_at_that_time(flow, op, lower):
    text = f"""
        a = TensorArrayV3[dtype=float, dynamic_size=true](n)
        s = TensorArraySizeV3(a, {flow})
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        r = Range[Tidx=int32](zero, s, one)
        g = TensorArrayGatherV3[dtype=float](a, r, w)
        return g
    """
    assert lower(SOME + text)["g"].startswith(f"TensorList{op}[")


def test_concat(lower):
    text = """
        a = TensorArrayV3[dtype=float](n)
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        c = TensorArrayConcatV3[dtype=float, element_shape_except0=[3]](a, w)
        return c, c:1
    """
    after = lower(SOME + text)
    assert after["c"] == (
        "TensorListConcatV2[element_dtype=float, shape_type=int32](w, c/dims, c/leading_dims)"
    )
    assert after["c/dims"] == shape_const(-1, 3) + "(^w)"
    assert "int64[0]()" in after["c/leading_dims"]
    assert after["return c, c:1"] == ""
