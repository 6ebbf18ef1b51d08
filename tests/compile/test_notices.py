import pytest

from converter.compile.compile_module import compile_module
from converter.compile.notices import find_dropped, find_warnings
from converter.compile.plan_options import PlanOptions
from converter.formats.registry import read_module
from converter.ir.graph import TensorRef
from converter.ir.region import Region
from converter.ir.text import parse_graph

_GRAPH = """
    x = Placeholder[dtype=float]()
    unfed = Placeholder[dtype=float]()
    w = VarHandleOp[dtype=float, shape=[]]()
    v = VarHandleOp[dtype=float, shape=[]]()
    rw = ReadVariableOp[dtype=float](w)
    rv = ReadVariableOp[dtype=float](v)
    y = Mul[T=float](x, rw)
    loss_w = Square[T=float](rw)
    loss_both = Mul[T=float](rw, rv)
    loss_x = Square[T=float](y)
    from_x = AssignVariableOp[dtype=float](v, x)
    from_unfed = AssignVariableOp[dtype=float](v, unfed)
    from_nothing = AssignVariableOp[dtype=float](v, rw)
"""


def _graphs(*programs, make_legacy, keys=("v", "w")):
    legacy = make_legacy(*programs, keys=keys)
    return compile_module(legacy)


def _dropped(graphs, what):
    return [(dropped.name, dropped.why) for dropped in find_dropped(graphs) if dropped.what == what]


def test_variables_that_no_signature_uses_are_dropped(make_legacy, make_variant, signature):
    variant = make_variant(
        text=_GRAPH,
        signatures=[signature("default", {"x": "x"}, {"default": "y"})],
        variables=("v", "w"),
    )
    graphs = _graphs(variant, make_legacy=make_legacy)
    assert _dropped(graphs, "variable") == [("v", "no signature uses it")]


def test_losses_that_no_callable_can_list_are_dropped(make_legacy, make_variant, signature):
    variant = make_variant(
        text=_GRAPH,
        signatures=[signature("default", {"x": "x"}, {"default": "y"})],
        variables=("w", "v"),
        regularization_losses=tuple(map(TensorRef, ("loss_x", "loss_w", "loss_both"))),
    )
    graphs = _graphs(variant, make_legacy=make_legacy)
    assert _dropped(graphs, "regularization loss") == [
        ("loss_x:0", "it depends on an input, so it is no function of the weights"),
        ("loss_both:0", "no callable uses all of its variables ['v', 'w']"),
    ]


def _updating(make_variant, signature, tags, update_ops):
    return make_variant(
        tags,
        text=_GRAPH,
        signatures=[signature("default", {"x": "x"})],
        variables=("w", "v"),
        update_ops=update_ops,
    )


def test_update_ops_that_no_signature_feeds_are_a_warning(make_legacy, make_variant, signature):
    variant = _updating(make_variant, signature, [], ("from_x", "from_unfed"))
    graphs = _graphs(variant, make_legacy=make_legacy)
    assert _dropped(graphs, "update op") == [("from_unfed", "no signature feeds all of its inputs")]
    assert find_warnings(graphs) == (
        (
            "No call runs 1 update op of graph variant {} ('from_unfed'): no signature gives all of"
            " their inputs."
        ),
    )


def test_update_ops_beside_a_training_variant_are_a_warning(make_legacy, make_variant, signature):
    graphs = _graphs(
        _updating(make_variant, signature, [], ("from_x", "from_nothing")),
        _updating(make_variant, signature, ["train"], ("from_x",)),
        make_legacy=make_legacy,
    )
    assert [why for _, why in _dropped(graphs, "update op")] == [
        "training calls run another graph variant"
    ] * 2
    assert find_warnings(graphs) == (
        (
            "No call runs 2 update ops of graph variant {} ('from_x', 'from_nothing'):"
            " training calls run graph variant {train} instead. Convert with --tags ''"
            " --training-tags '' to have them run."
        ),
    )
    legacy = graphs.legacy
    assert find_warnings(compile_module(legacy, PlanOptions(tags=[], training_tags=[]))) == ()


def test_a_warning_names_three_update_ops(make_legacy, make_variant, signature):
    variant = _updating(make_variant, signature, [], ("from_unfed",) * 4)
    (warning,) = find_warnings(_graphs(variant, make_legacy=make_legacy))
    assert "4 update ops" in warning
    assert warning.count("'from_unfed'") == 3
    assert "and others" in warning


@pytest.mark.parametrize(
    "name", ["updates_inference_only", "updates_per_signature", "variants_training_twins"]
)
def test_no_warning_because_calls_run_all_update_ops(name, golden_compiled):
    graphs = golden_compiled(name)
    assert any(variant.update_ops for variant in graphs.legacy.variants.values())
    assert not _dropped(graphs, "update op")
    assert find_warnings(graphs) == graphs.plan.warnings


def test_files_that_the_graph_does_not_name_are_dropped(golden_module):
    path = golden_module("table_file")
    (path / "assets" / "other.txt").write_text("x")
    legacy = read_module(path)
    graphs = compile_module(legacy)
    assert _dropped(graphs, "file") == [("assets/other.txt", "the graph does not refer to it")]


def test_gradient_overrides_are_named(golden_compiled):
    dropped = _dropped(golden_compiled("layers_custom_gradient"), "gradient override")
    assert dropped
    assert all("natural gradient" in why for _, why in dropped)


def test_placement_is_counted(golden_compiled):
    ((name, _),) = _dropped(golden_compiled("devices_parameter_server"), "placement")
    assert int(name.split()[0]) > 0


def test_nothing_is_dropped_because_all_is_used(golden_compiled):
    assert find_dropped(golden_compiled("table_shared_asset")) == ()


def test_serialized_examples_have_no_gradients(golden_compiled):
    warnings = [w for w in find_warnings(golden_compiled("saved_model_classify")) if "tf.Ex" in w]
    assert [warning.split("'")[1] for warning in warnings] == ["regression", "serving_default"]


def test_signatures_that_train_are_named(golden_compiled):
    compiled = golden_compiled("saved_model_train_step")
    warnings = "\n".join(find_warnings(compiled))
    assert "Signature 'set_bias' of graph variant {serve} is left out: it writes to" in warnings
    assert "Signature 'step' of graph variant {serve} is left out: it runs the opt" in warnings
    dropped = {(item.what, item.name) for item in find_dropped(compiled)}
    assert {("signature", "step"), ("train op", "GradientDescent")} <= dropped


def test_an_endpoint_is_dropped_for_a_signature_of_its_name(make_legacy, make_variant, signature):
    signatures = [signature(name, {"x": "x"}) for name in ("default", "serve")]
    compiled = compile_module(make_legacy(make_variant(signatures=signatures)))
    why = "a signature has its name: obj.serve runs that"
    assert _dropped(compiled, "endpoint") == [("serve", why)]
    alone = compile_module(make_legacy(make_variant(signatures=signatures[:1])))
    assert _dropped(alone, "endpoint") == []


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        (["MatMul", "_Variable"], []),
        (["My>Op"], ["The result has custom ops ('My>Op'): `import PACKAGE` has to run before"]),
        (
            ["My>Op", "TFText>A", "TFText>B", "TFText>C", "TFText>D"],
            ["('My>Op'): `import PACKAGE`",
             "('TFText>A', 'TFText>B', 'TFText>C' and others): `import tensorflow_text`"],
        ),
    ],
)  # fmt: skip
def test_what_loading_custom_ops_takes_is_a_warning(
    ops, expected, make_legacy, make_variant, signature, monkeypatch
):
    variant = make_variant(
        text="x = Placeholder[dtype=float]()",
        signatures=[signature("default", {"x": "x"}, {"default": "x"})],
        variables=(),
    )
    graphs = _graphs(variant, make_legacy=make_legacy)
    text = "\n".join(f"n{number} = {op}()" for number, op in enumerate(ops))
    region = Region((), tuple(parse_graph(text).nodes.values()), ())
    # No package is installed that would let such a module be compiled.
    monkeypatch.setattr(type(graphs), "regions", lambda _: iter([("default", region)]))
    found = [warning for warning in find_warnings(graphs) if "custom ops" in warning]
    assert len(found) == len(expected)
    assert all(words in warning for words, warning in zip(expected, found, strict=True))
