import pytest

from converter.ir.scalars import read_scalar
from converter.ir.text import parse_graph


@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        ("dtype: DT_FLOAT tensor_shape { } float_val: 0.5", 0.5),
        ("dtype: DT_INT64 tensor_shape { } int64_val: -7", -7),
        ("dtype: DT_BOOL tensor_shape { } bool_val: true", True),
        ('dtype: DT_STRING tensor_shape { } string_val: "x"', "x"),
        ('dtype: DT_STRING tensor_shape { } string_val: "\\377"', None),
        ("dtype: DT_COMPLEX64 tensor_shape { } scomplex_val: 1 scomplex_val: 2", None),
        ("dtype: DT_FLOAT tensor_shape { dim { size: 1 } } float_val: 0.5", None),
        ("dtype: DT_FLOAT tensor_shape { unknown_rank: true } float_val: 0.5", None),
    ],
)
def test_read_scalar(tensor, value):
    (node,) = parse_graph(f"c = Const[value={{tensor {{ {tensor} }}}}]()").nodes.values()
    assert read_scalar(node) == value
    assert type(read_scalar(node)) is type(value)


def test_read_scalar_of_other_ops():
    for line in ("c = Neg()", "c = Const()"):
        (node,) = parse_graph(line).nodes.values()
        assert read_scalar(node) is None
