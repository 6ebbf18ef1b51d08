"""Arrays that stay tensors."""

import pytest
from passes.lower_tensor_arrays.programs import SOME, STRINGS


def test_strings_that_are_only_read_stay_a_tensor(lower):
    text = """
        f = Identity[T=float, _output_shapes={list { shape { } }}](w)
        r = TensorArrayReadV3[dtype=string](a, i, f)
        g = TensorArrayGatherV3[dtype=string](a, j, w)
        s = TensorArraySizeV3(a, w)
        return r, g, s
    """
    after = lower(SOME + STRINGS + text)
    gather = "GatherV2[Taxis=int32, Tindices=int32, Tparams="
    assert after["w"] == "Identity[T=string](t)"
    assert after["f"] == "Identity[T=string](w)"
    assert after["r"] == f"{gather}string](f, i, r/number)"
    assert after["g"] == f"{gather}string](w, j, g/number)"
    assert after["s"] == f"{gather}int32](s/sizes, s/number, s/number)"
    assert after["s/sizes"] == "Shape[T=string, out_type=int32](w)"


def test_strings_of_which_there_may_be_more_than_the_array_holds(lower):
    text = STRINGS.replace("zero, n", "zero, j") + "r = TensorArrayReadV3[dtype=string](a, i, w)\n"
    after = lower(SOME + text + "return r")
    assert after["w"] == "Identity[T=string](t)"


@pytest.mark.parametrize(
    "use",
    [
        "u = TensorArrayWriteV3[T=string](a, i, t, w)\nr = TensorArraySizeV3(a, u)",
        "r = TensorArrayConcatV3[dtype=string](a, w)",
        """e = TensorArrayReadV3[dtype=string](a, i, a:1)
        r = TensorArrayReadV3[dtype=string](a, i, w, ^e)""",
    ],
    ids=["written", "concat", "read_before"],
)
def test_strings_that_need_a_list(use, lower):
    after = lower(SOME + STRINGS + use + "\nreturn r")
    assert "TensorListFromTensor" in after["w"]


def test_strings_of_an_array_whose_size_matters_need_a_list(lower):
    text = STRINGS.replace("zero, n", "zero, j") + "r = TensorArraySizeV3(a, w)\nreturn r"
    assert "TensorListScatterV2" in lower(SOME + text)["w"]


@pytest.mark.parametrize(
    ("dtype", "op"),
    [("string", "Identity"), ("int64", "Identity"), ("bool", "Identity"), ("uint8", "Identity"),
     ("half", "TensorList"), ("bfloat16", "TensorList"), ("double", "TensorList"),
     ("complex64", "TensorList")],
)  # fmt: skip
def test_what_has_gradients_is_a_list(dtype, op, lower):
    text = STRINGS.replace("string", dtype)
    text += f"r = TensorArrayReadV3[dtype={dtype}](a, i, w)\nreturn r"
    assert lower(SOME + text)["w"].startswith(op)
