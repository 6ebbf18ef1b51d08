import dataclasses

import pytest
import tensorflow as tf

from converter import errors
from converter.assemble.module_graphs import (
    find_dropped,
    find_warnings,
    make_graphs,
    try_graphs,
)
from converter.assemble.plan import make_plan
from converter.assemble.reusable import build_reusable
from converter.ir.graph import TableSpec, TensorRef

_LOSSES = """
    x = Placeholder[dtype=float]()
    w = VarHandleOp[dtype=float, shape=[]]()
    v = VarHandleOp[dtype=float, shape=[]]()
    rw = ReadVariableOp[dtype=float](w)
    rv = ReadVariableOp[dtype=float](v)
    y = Mul[T=float](x, rw)
    z = Mul[T=float](y, rv)
    loss_w = Square[T=float](rw)
    loss_v = Square[T=float](rv)
    loss_both = Mul[T=float](rw, rv)
    loss_x = Square[T=float](y)
"""


def _graphs(*programs, make_legacy, keys=("v", "w")):
    legacy = make_legacy(*programs, keys=keys)
    return make_graphs(legacy, make_plan(legacy))


def _dropped(graphs, what):
    return [(dropped.name, dropped.why) for dropped in find_dropped(graphs) if dropped.what == what]


def test_a_loss_belongs_to_callables_that_have_all_its_variables(
    make_legacy, make_variant, signature
):
    refs = tuple(TensorRef(f"loss_{name}") for name in ("w", "both", "v"))
    signatures = [
        signature("default", {"x": "x"}, {"default": "y"}),
        signature("deep", {"x": "x"}, {"default": "z"}),
    ]
    graphs = _graphs(
        make_variant(
            text=_LOSSES, signatures=signatures, variables=("w", "v"), regularization_losses=refs
        ),
        make_legacy=make_legacy,
    )
    assert graphs.used == {"deep": ("w", "v"), "default": ("w",)}
    assert graphs.losses_of("deep") == [0, 1, 2]
    assert graphs.losses_of("default") == graphs.losses_of_root == [0]


def test_variables_come_in_the_order_of_the_collection_and_unused_ones_are_dropped(
    make_legacy, make_variant, signature
):
    graphs = _graphs(
        make_variant(
            text=_LOSSES,
            signatures=[signature("default", {"x": "x"}, {"default": "y"})],
            variables=("v", "w"),
        ),
        make_legacy=make_legacy,
    )
    assert list(graphs.variables) == ["w"]
    assert _dropped(graphs, "variable") == [("v", "no signature uses it")]


def test_losses_that_cannot_be_carried_over_are_dropped(make_legacy, make_variant, signature):
    refs = (TensorRef("loss_x"), TensorRef("loss_w"), TensorRef("loss_both"))
    graphs = _graphs(
        make_variant(
            text=_LOSSES,
            signatures=[signature("default", {"x": "x"}, {"default": "y"})],
            variables=("w", "v"),
            regularization_losses=refs,
        ),
        make_legacy=make_legacy,
    )
    assert [loss.ref.node for loss in graphs.losses] == ["loss_w", "loss_both"]
    assert _dropped(graphs, "regularization loss") == [
        ("loss_x:0", "it depends on an input, so it is no function of the weights"),
        ("loss_both:0", "no callable uses all of its variables ['v', 'w']"),
    ]


def test_losses_are_those_of_the_training_variant(make_legacy, make_variant, signature):
    def variant(tags, loss):
        return make_variant(
            tags,
            text=_LOSSES,
            signatures=[signature("default", {"x": "x"}, {"default": "z"})],
            variables=("w", "v"),
            regularization_losses=(TensorRef(loss),),
        )

    graphs = _graphs(variant([], "loss_w"), variant(["train"], "loss_v"), make_legacy=make_legacy)
    assert [loss.ref.node for loss in graphs.losses] == ["loss_v"]


def test_losses_that_several_variants_share_count_once(make_legacy, make_variant, signature):
    def variant(tags):
        return make_variant(
            tags,
            text=_LOSSES,
            signatures=[signature("default", {"x": "x"}, {"default": "z"})],
            variables=("w", "v"),
            # Listed twice in one variant, it counts twice.
            regularization_losses=(TensorRef("loss_w"), TensorRef("loss_w")),
        )

    graphs = _graphs(variant(["a"]), variant(["b"]), make_legacy=make_legacy)
    assert len(graphs.losses) == 2


def test_what_only_an_endpoint_uses_is_listed(make_legacy, make_variant, signature):
    graphs = _graphs(
        make_variant(
            text=_LOSSES,
            signatures=[signature("default", {"x": "x"}, {"default": "y", "deep": "z"})],
            variables=("w", "v"),
            regularization_losses=(TensorRef("loss_v"),),
        ),
        make_legacy=make_legacy,
    )
    assert graphs.used_by_root == graphs.used["default"] == ("w", "v")
    assert graphs.losses_of_root == [0]


def test_losses_of_variants_outside_of_the_pair_are_those_of_their_callables(
    make_legacy, make_variant, signature
):
    def variant(tags, loss):
        return make_variant(
            tags,
            text=_LOSSES,
            signatures=[signature("default", {"x": "x"}, {"default": "z"})],
            variables=("w", "v"),
            regularization_losses=(TensorRef(loss),),
        )

    graphs = _graphs(
        variant([], "loss_w"), variant(["big"], "loss_x"), variant(["big", "train"], "loss_v"),
        variant(["small"], "loss_w"), make_legacy=make_legacy,
    )  # fmt: skip
    assert [loss.ref.node for loss in graphs.losses] == ["loss_w", "loss_v"]
    assert graphs.losses_of_root == graphs.losses_of("default") == [0]
    assert graphs.losses_of("default__big") == graphs.losses_of("default__big_train") == [1]
    assert graphs.losses_of("default__small") == [0]


_UPDATES = (
    _LOSSES
    + """
    unfed = Placeholder[dtype=float]()
    from_x = AssignVariableOp[dtype=float](v, x)
    from_unfed = AssignVariableOp[dtype=float](v, unfed)
    from_nothing = AssignVariableOp[dtype=float](v, rw)
"""
)


def _updating(make_variant, signature, tags, update_ops):
    return make_variant(
        tags,
        text=_UPDATES,
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
    assert find_warnings(make_graphs(legacy, make_plan(legacy, [], []))) == ()


def test_a_warning_names_three_update_ops(make_legacy, make_variant, signature):
    variant = _updating(make_variant, signature, [], ("from_unfed",) * 4)
    (warning,) = find_warnings(_graphs(variant, make_legacy=make_legacy))
    assert "4 update ops" in warning
    assert warning.count("'from_unfed'") == 3
    assert "and others" in warning


@pytest.mark.parametrize(
    "name", ["updates_inference_only", "updates_per_signature", "variants_training_twins"]
)
def test_no_warning_because_calls_run_all_update_ops(name, golden_graphs):
    graphs = golden_graphs(name)
    assert any(variant.update_ops for variant in graphs.legacy.variants.values())
    assert not _dropped(graphs, "update op")
    assert find_warnings(graphs) == graphs.plan.warnings


def test_files_that_the_graph_does_not_name_are_dropped(golden_module):
    from converter.formats.registry import read_module

    path = golden_module("table_file")
    (path / "assets" / "other.txt").write_text("x")
    legacy = read_module(path)
    graphs = make_graphs(legacy, make_plan(legacy))
    assert _dropped(graphs, "file") == [("assets/other.txt", "the graph does not refer to it")]


def test_gradient_overrides_are_named(golden_graphs):
    dropped = _dropped(golden_graphs("layers_custom_gradient"), "gradient override")
    assert dropped
    assert all("natural gradient" in why for _, why in dropped)


def test_placement_is_counted(golden_graphs):
    ((name, _),) = _dropped(golden_graphs("devices_parameter_server"), "placement")
    assert int(name.split()[0]) > 0


def test_nothing_is_dropped_because_all_is_used(golden_graphs):
    assert find_dropped(golden_graphs("table_shared_asset")) == ()


def test_variants_that_store_a_variable_differently_are_refused(make_legacy, make_variant):
    plain, train = make_variant(), make_variant(["train"])
    (spec,) = train.variables.values()
    moved = dataclasses.replace(spec, checkpoint_key="v")
    legacy = make_legacy(plain, dataclasses.replace(train, variables={"w": moved}), keys=("w", "v"))
    with pytest.raises(errors.WeightsError, match="two graph variants store variable 'w'"):
        make_graphs(legacy, make_plan(legacy))


_FILLED_FROM_A_VARIABLE = """
    x = Placeholder[dtype=float]()
    w = VarHandleOp[dtype=float, shape=[]]()
    r = ReadVariableOp[dtype=float](w)
    t = HashTableV2[key_dtype=float, value_dtype=float]()
    fill = InitializeTableV2[Tkey=float, Tval=float](t, r, r)
    y = LookupTableFindV2[Tin=float, Tout=float](t, x, x)
"""


def test_a_variable_that_only_a_table_is_filled_from_is_kept(make_legacy, make_variant):
    program = make_variant(text=_FILLED_FROM_A_VARIABLE, tables={"t": TableSpec("t", ("fill",))})
    legacy = make_legacy(program)
    graphs = make_graphs(legacy, make_plan(legacy))
    assert list(graphs.variables) == ["w"]
    assert not find_dropped(graphs)
    reusable = build_reusable(graphs, live=False)
    (variable,) = (r for r in reusable.module.tf1_resources if isinstance(r, tf.Variable))
    assert [(variable, spec.name) for variable, spec in reusable.variables] == [(variable, "w")]


def test_a_variable_without_a_value_that_a_table_is_filled_from_is_refused(
    make_legacy, make_variant
):
    program = make_variant(text=_FILLED_FROM_A_VARIABLE, tables={"t": TableSpec("t", ("fill",))})
    legacy = make_legacy(program, keys=())
    graphs, refusals = try_graphs(legacy, make_plan(legacy))
    assert graphs is None
    ((error, parts),) = refusals.all
    assert error.message == "the checkpoint has no value for variable 'w'"
    assert parts == ["table 't'"]


_PYTHON = """
    x = Placeholder[dtype=float]()
    w = VarHandleOp[dtype=float, shape=[]]()
    rw = ReadVariableOp[dtype=float](w)
    y = Mul[T=float](x, rw)
    python = PyFunc[Tin={list { type: DT_FLOAT }}, Tout={list { type: DT_FLOAT }}, token="1"](rw)
    through = Neg[T=float](python)
    called = f(x)
"""


@pytest.mark.parametrize(
    ("output", "losses", "node"),
    [
        ("y", (), None),
        ("through", (), "python"),
        ("y", ("through",), "python"),
        ("called", (), "called/p"),
    ],
)
def test_ops_of_python_are_refused_where_they_are_reached(
    output, losses, node, make_legacy, make_variant, make_function, signature
):
    body = "p = PyFunc[Tin={list { type: DT_FLOAT }}, Tout={list { type: DT_FLOAT }}](x)"
    program = make_variant(
        text=_PYTHON,
        signatures=[signature("default", {"x": "x"}, {"default": output})],
        regularization_losses=tuple(map(TensorRef, losses)),
        functions={"f": make_function("f", {"x": "float"}, body, {"out": "p:output:0"})},
    )
    legacy = make_legacy(program)
    plan = make_plan(legacy)
    if node is None:
        make_graphs(legacy, plan)
        return
    with pytest.raises(errors.UnsupportedOpError, match="calls a Python function") as raised:
        make_graphs(legacy, plan)
    assert raised.value.node == node
