import numpy as np
import pytest

from converter.formats.initial_values import MAX_ELEMENTS, find_initial_value
from converter.ir.graph import TensorRef
from converter.ir.text import parse_graph

_GRAPH = """
two = Const[dtype=float, value=float(2)]()
shape = Const[dtype=int32, value=int32[2](2, 3)]()
huge = Const[dtype=int32, value=int32[2](2000, 2000)]()
negative = Const[dtype=int32, value=int32[1](-1)]()
word = Const[dtype=string, value=string("a")]()
same = Identity[T=float](two)
filled = Fill[T=float, index_type=int32](shape, same)
ones = OnesLike[T=float](filled)
zeros = ZerosLike[T=float](filled)
no_word = ZerosLike[T=string](word)
too_large = Fill[T=float, index_type=int32](huge, two)
no_shape = Fill[T=float, index_type=int32](negative, two)
random = RandomStandardNormal[T=int32, dtype=float](shape)
by_random = Fill[T=float, index_type=int32](shape, random)
circle = Fill[T=float, index_type=int32](shape, circle)
"""
_NODES = parse_graph(_GRAPH).nodes


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("same", np.float32(2)),
        ("filled", np.full((2, 3), 2, np.float32)),
        ("ones", np.ones((2, 3), np.float32)),
        ("zeros", np.zeros((2, 3), np.float32)),
    ],
)
def test_constants_have_values(name, expected):
    value = find_initial_value(_NODES, TensorRef(name))
    np.testing.assert_array_equal(value, expected, strict=True)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("random", "by op 'RandomStandardNormal' at node 'random'"),
        ("by_random", "by op 'RandomStandardNormal' at node 'random'"),
        ("no_word", "by op 'ZerosLike'"),
        ("too_large", f"by more than {MAX_ELEMENTS} elements"),
        ("no_shape", "by more than"),
        ("circle", "which is not a constant"),
        ("missing", "which is not a constant"),
    ],
)
def test_all_else_has_none(name, reason):
    found = find_initial_value(_NODES, TensorRef(name))
    assert isinstance(found, str)
    assert reason in found


def test_only_first_outputs_are_constants():
    assert isinstance(find_initial_value(_NODES, TensorRef("two", 1)), str)
