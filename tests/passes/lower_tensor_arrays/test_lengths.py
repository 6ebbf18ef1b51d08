"""The length of an array, where the graph shows it."""

import pytest
from passes.lower_tensor_arrays.programs import ROWS, SOME

from converter.ir.graph import TensorRef
from converter.ir.text import parse_graph
from converter.passes.lower_tensor_arrays.lengths import length_of, rows_of


@pytest.mark.parametrize(
    ("ref", "length"),
    [
        ("zero", 0),
        ("same", 0),
        ("rows", ("rows", TensorRef("x"))),
        ("cast_rows", ("rows", TensorRef("x"))),
        ("range_rows", TensorRef("n")),
        ("first", 0),
        ("rows_to_the_end", ("rows", TensorRef("x"))),
        ("masked", TensorRef("masked")),
        ("second", TensorRef("second")),
        ("n", TensorRef("n")),
        ("out", TensorRef("out")),
    ],
)
def test_lengths(ref, length):
    text = """
        same = Identity[T=int32](zero)
        cast = Cast[SrcT=float, DstT=int32](x)
        cast_shape = Shape[T=int32](cast)
        cast_rows = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](cast_shape, begin, stride, stride)
        numbers = Range[Tidx=int32](zero, n, one)
        numbers_shape = Shape[T=int32](numbers)
        range_rows = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](numbers_shape, begin, stride, stride)
        rows_to_the_end = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1, end_mask=1](cast_shape, begin, stride, stride)
        masked = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1, begin_mask=1](cast_shape, begin, stride, stride)
        first = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](begin, begin, stride, stride)
        second = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](shape, stride, stride, stride)
        out = Exit[T=int32](zero)
    """  # noqa: E501
    nodes = parse_graph(SOME + ROWS + text).nodes
    assert length_of(nodes, TensorRef(ref)) == length


def test_a_range_of_floats_has_no_known_length():
    """It is not the limit: range(0.0, 3.2) has four elements."""
    tensor = "{{tensor {{ dtype: DT_FLOAT tensor_shape {{ }} float_val: {} }}}}"
    text = f"""
        start = Const[dtype=float, value={tensor.format(0.0)}]()
        limit = Const[dtype=float, value={tensor.format(3.2)}]()
        delta = Const[dtype=float, value={tensor.format(1.0)}]()
        numbers = Range[Tidx=float](start, limit, delta)
        cast = Cast[SrcT=float, DstT=int32](numbers)
    """
    nodes = parse_graph(text).nodes
    assert rows_of(nodes, TensorRef("cast")) == ("rows", TensorRef("numbers"))
