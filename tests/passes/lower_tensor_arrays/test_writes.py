"""Creation, writes, splits and closing."""

from passes.lower_tensor_arrays.programs import ARRAY, SOME, shape_const


def test_creation(lower):
    after = lower(ARRAY + "r = TensorArraySizeV3(a, a:1)\nreturn r")
    assert after["a"] == "TensorListReserve[element_dtype=float, shape_type=int32](a/dims, n)"
    assert after["a/dims"] == shape_const(2, -1) + "()"


def test_a_shape_that_is_not_known(lower):
    text = "a = TensorArrayV3[dtype=float](n)\nr = TensorArraySizeV3(a, a:1)\nreturn r"
    assert "value=int32(-1)" in lower(SOME + text)["a/dims"]


def test_a_scalar_shape(lower):
    text = "a = TensorArrayV3[dtype=float, element_shape=[]](n)\nr = TensorArraySizeV3(a, a:1)\n"
    after = lower(SOME + text + "return r")
    assert "value=int32[0]()" in after["a/dims"]  # A vector of no sizes.


def test_write(lower):
    text = (
        "w = TensorArrayWriteV3[T=float](a, i, x, a:1, ^p)\nr = TensorArraySizeV3(a, w)\nreturn r"
    )
    after = lower(ARRAY + text)
    assert after["w"] == "TensorListSetItem[element_dtype=float](a, i, x, ^p)"
    assert after["r"] == "TensorListLength(w)"


def test_a_write_beyond_the_end_of_a_growing_array(lower):
    text = """
        a = TensorArrayV3[dtype=float, dynamic_size=true](n)
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        r = TensorArraySizeV3(a, w)
        return r
    """
    assert "resize_if_index_out_of_bounds=true" in lower(SOME + text)["w"]


def test_split(lower):
    text = """
        l = _Arg[T=int64]()
        y = Identity[T=float](x)
        w = TensorArraySplitV3[T=float](a, y, l, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = lower(ARRAY + text)
    assert after["w"] == "TensorListSplit[element_dtype=float, shape_type=int32](y, w/dims, l)"
    assert after["w/dims"] == shape_const(2, -1) + "(^y)"
    assert "a" not in after


def test_close(lower):
    text = "c = TensorArrayCloseV3(a, ^p)\nr = TensorArraySizeV3(a, a:1, ^c)\nreturn r"
    assert lower(ARRAY + text)["c"] == "NoOp(^p)"
