from converter.compile.compile_module import compile_module
from converter.compile.notices import find_dropped, find_warnings
from converter.ir.graph import TensorRef

_OVERRIDDEN = """
    x = Placeholder[dtype=float]()
    w = VarHandleOp[dtype=float, shape=[]]()
    r = ReadVariableOp[dtype=float](w)
    a = Mul[T=float, {a}](x, r)
    y = Sign[T=float, {y}](a)
    loss = Square[T=float, {loss}](r)
"""


def _graphs(make_legacy, make_variant, **overrides):
    named = {
        key: f'_gradient_op_type="{overrides[key]}"' if key in overrides else "_x=1"
        for key in ("a", "y", "loss")
    }
    variants = [
        make_variant(
            tags,
            text=_OVERRIDDEN.format(**named),
            regularization_losses=(TensorRef("loss"),),
        )
        for tags in ((), ("train",))
    ]
    legacy = make_legacy(*variants)
    return compile_module(legacy)


def test_a_warning_names_override_nodes_and_what_it_touches(make_legacy, make_variant):
    graphs = _graphs(make_legacy, make_variant, a="CustomGradient-1", y="CustomGradient-2")
    (warning,) = find_warnings(graphs)
    assert warning.startswith("2 nodes have a gradient that was Python code of the exporter")
    assert "overrides 'CustomGradient-1', 'CustomGradient-2', first at node 'a'" in warning
    assert warning.endswith("touches the gradients of default, default(training=True).")
    dropped = [item.name for item in find_dropped(graphs) if item.what == "gradient override"]
    assert dropped == ["a: CustomGradient-1", "y: CustomGradient-2"]


def test_names_of_their_own_have_a_warning_each(make_legacy, make_variant):
    graphs = _graphs(make_legacy, make_variant, y="Mine", loss="Penalty")
    one, other = find_warnings(graphs)
    assert "override 'Mine', first at node 'y'" in one
    assert "1 node has" in other
    assert other.endswith("touches the gradients of regularization losses.")


def test_overrides_that_tf1_resolves_are_no_reason_to_warn(make_legacy, make_variant):
    graphs = _graphs(make_legacy, make_variant, y="Identity")
    assert find_warnings(graphs) == ()
    assert not [item for item in find_dropped(graphs) if item.what == "gradient override"]
