import pytest

from converter import errors
from converter.assemble.module_graphs import Dropped, find_dropped, make_graphs
from converter.assemble.plan import make_plan
from converter.ir.graph import TensorRef

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
    assert graphs.losses_of(graphs.used["deep"]) == [0, 1, 2]
    assert graphs.losses_of(graphs.used["default"]) == [0]


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


def test_update_ops_that_no_call_runs_are_dropped(golden_graphs):
    graphs = golden_graphs("updates_inference_only")
    dropped = _dropped(graphs, "update op")
    assert dropped
    assert all("no training mode" in why for _, why in dropped)


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
    assert Dropped("a", "b", "c") == Dropped("a", "b", "c")


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
