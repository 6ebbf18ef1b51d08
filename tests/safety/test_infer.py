import pytest

from converter.ir.text import parse_graph
from converter.safety.extent import UNKNOWN, Extent, valued
from converter.safety.infer import infer_alone


def _node(text):
    (node,) = parse_graph(text).nodes.values()
    return node


@pytest.mark.parametrize(
    ("text", "inputs", "shapes"),
    [
        ("y = MatMul[T=float](a, b)", [Extent((2, 3)), Extent((3, 4))], [(2, 4)]),
        ("y = MatMul[T=float](a, b)", [Extent((2, 3)), UNKNOWN], [(2, None)]),
        ("y = OneHot[T=float, TI=int32, axis=-1](a, b, c, d)",
         [Extent((2,)), valued(1 << 30), Extent(()), Extent(())], [(2, 1 << 30)]),
        ("y = OneHot[T=float, TI=int32, axis=-1](a, b, c, d)",
         [Extent((2,)), Extent(()), Extent(()), Extent(())], [(2, None)]),
        ("y = Unique[T=int32, out_idx=int32](a)", [Extent((5,))], [(None,), (5,)]),
        # TensorFlow will refuse these with its own words.
        ("y = MatMul[T=float](a, b)", [Extent((2, 3)), Extent((2, 4))], [None]),
        ("y = Split[T=float, num_split=3](a, b)", [valued(7), Extent((4,))], [None] * 3),
    ],
)  # fmt: skip
def test_shapes_are_inferred_from_shapes_and_small_values(text, inputs, shapes):
    assert infer_alone(_node(text), inputs, 0) == shapes


def test_attributes_of_the_graph_around_it_do_not_matter():
    node = _node('y = Tanh[T=float, _class=("loc:@gone")](a, ^gone)')
    assert infer_alone(node, [Extent((2,))], 0) == [(2,)]


def test_nothing_is_computed():
    """A tensor that would take 16 TiB is a shape only."""
    node = _node("y = Tile[T=float, Tmultiples=int32](a, b)")
    assert infer_alone(node, [Extent((1 << 30,)), valued([1 << 12])], 0) == [(1 << 42,)]


def test_negative_sizes_are_not_known():
    """TensorFlow takes the sum's size from the value, and does not check it."""
    node = _node("y = SparseReduceSum[T=float](a, b, c, d)")
    inputs = [Extent((2, 2)), Extent((2,)), valued([5, -3]), valued([0])]
    assert infer_alone(node, inputs, 0) == [None]
