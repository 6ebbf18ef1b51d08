import pytest

from converter.ir import gradient_overrides, tf1_gradients
from converter.ir.gradient_overrides import Source, find_source, is_unresolved
from converter.ir.text import parse_graph


@pytest.mark.parametrize(
    ("op", "override", "source"),
    [
        ("Sign", None, Source.NATURAL),
        ("Sign", "Sign", Source.NATURAL),
        ("Frobnicate", None, Source.NATURAL),
        ("Sign", "Identity", Source.REGISTERED),
        ("Sign", "Shape", Source.STOPPED),
        ("EuclideanNorm", None, Source.STOPPED),
        ("FusedBatchNormV3", "FoldFusedBatchNormGrad", Source.LIBRARY),
        ("Batch", None, Source.LIBRARY),
        ("Maximum", "GDNLowerBound", Source.LIBRARY),
        ("IdentityN", "CustomGradient-3", Source.UNRESOLVED),
        # TensorFlow 2 knows it, TensorFlow 1.15 does not.
        ("Sign", "Einsum", Source.UNRESOLVED),
    ],
)
def test_find_source(op, override, source):
    assert find_source(op, override) is source


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ('n = Sign[_gradient_op_type="Mine"](x)', True),
        ('n = Sign[_gradient_op_type="Identity"](x)', False),
        ('n = Const[_gradient_op_type="Mine"]()', False),
        ("n = Sign(x)", False),
    ],
)
def test_is_unresolved(node, expected):
    assert is_unresolved(parse_graph(node).nodes["n"]) is expected


def test_no_name_is_in_two_tables():
    libraries = gradient_overrides.LIBRARY_GRADIENTS.keys()
    libraries |= gradient_overrides.CONTRIB_OP_GRADIENTS.keys()
    assert len(libraries) == 4
    assert libraries.isdisjoint(tf1_gradients.DIFFERENTIABLE | tf1_gradients.NOT_DIFFERENTIABLE)
    assert tf1_gradients.NOT_DIFFERENTIABLE >= gradient_overrides.STOPPED_IN_TF1


def test_a_name_that_is_no_text_is_read_all_the_same():
    node = parse_graph('y = Neg[T=float, _gradient_op_type="x"](x)').nodes["y"]
    node.attrs["_gradient_op_type"].s = b"a\xff"
    assert gradient_overrides.override_of(node) == "a\N{REPLACEMENT CHARACTER}"
    assert is_unresolved(node)
