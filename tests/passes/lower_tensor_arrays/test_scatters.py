"""Scatters: into a fresh array, into one that grows, beside elements."""

import pytest
from passes.lower_tensor_arrays.programs import ARRAY, ROWS, SOME


@pytest.mark.parametrize("size", ["rows", "shape_again"])
def test_a_scatter_of_all_rows_is_a_list_from_a_tensor(size, lower):
    text = f"""
        same = Identity[T=float](x)
        other = Shape[T=float, out_type=int32](same)
        shape_again = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](
            other, begin, stride, stride)
        a = TensorArrayV3[dtype=float]({size})
        w = TensorArrayScatterV3[T=float](a, all, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """.replace("(\n            ", "(")
    after = lower(SOME + ROWS + text)
    assert after["w"] == "TensorListFromTensor[element_dtype=float, shape_type=int32](x, w/dims)"
    assert "a" not in after


def test_a_scatter_of_all_rows_into_an_empty_growing_array(lower):
    text = """
        a = TensorArrayV3[dtype=float, dynamic_size=true](zero)
        w = TensorArrayScatterV3[T=float](a, all, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    assert "TensorListFromTensor" in lower(SOME + ROWS + text)["w"]


def test_a_scatter_into_a_part_of_a_fresh_array(lower):
    text = """
        w = TensorArrayScatterV3[T=float](a, j, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = lower(ARRAY + text)
    assert after["w"] == (
        "TensorListScatterV2[element_dtype=float, shape_type=int32](x, j, w/dims, w/length)"
    )
    assert after["w/length"] == "TensorListLength(a)"


def test_a_scatter_that_makes_an_empty_array_grow(lower):
    text = """
        a = TensorArrayV3[dtype=float, dynamic_size=true](zero)
        w = TensorArrayScatterV3[T=float](a, j, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = lower(SOME + text)
    assert after["w"].endswith("(x, j, w/dims, w/number)")
    assert "value=int32(-1)" in after["w/number"]


def test_a_scatter_beside_elements_checks_its_indices(lower):
    text = """
        v = TensorArrayWriteV3[T=float](a, i, x, a:1)
        w = TensorArrayScatterV3[T=float](a, j, x, v)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = lower(ARRAY + text)
    assert after["w"] == ("TensorListScatterIntoExistingList[element_dtype=float](v, x, w/indices)")
    assert after["w/indices"].endswith("(w/range, j, w/number)")
    assert after["w/range"].endswith("(w/number, w/length, w/number_1)")
