import ast
import dataclasses
import pathlib

import pytest
import tensorflow as tf

from converter import compile as compile_package
from converter import errors
from converter.assemble.reusable import build_reusable
from converter.compile.compile_module import compile_module, try_compile
from converter.compile.compiled_module import RefusedModule
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
    return compile_module(legacy)


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


def test_variables_that_no_signature_uses_are_left_out(make_legacy, make_variant, signature):
    graphs = _graphs(
        make_variant(
            text=_LOSSES,
            signatures=[signature("default", {"x": "x"}, {"default": "y"})],
            variables=("v", "w"),
        ),
        make_legacy=make_legacy,
    )
    assert list(graphs.variables) == ["w"]


def test_losses_that_depend_on_inputs_are_left_out(make_legacy, make_variant, signature):
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


def test_variants_that_store_a_variable_differently_are_refused(make_legacy, make_variant):
    plain, train = make_variant(), make_variant(["train"])
    (spec,) = train.variables.values()
    moved = dataclasses.replace(spec, checkpoint_key="v")
    legacy = make_legacy(plain, dataclasses.replace(train, variables={"w": moved}), keys=("w", "v"))
    with pytest.raises(errors.WeightsError, match="two graph variants store variable 'w'"):
        compile_module(legacy)


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
    graphs = compile_module(legacy)
    assert list(graphs.variables) == ["w"]
    reusable = build_reusable(graphs, live=False)
    (variable,) = (r for r in reusable.module.tf1_resources if isinstance(r, tf.Variable))
    assert [(variable, spec.name) for variable, spec in reusable.variables] == [(variable, "w")]


def test_a_variable_without_a_value_that_a_table_is_filled_from_is_refused(
    make_legacy, make_variant
):
    program = make_variant(text=_FILLED_FROM_A_VARIABLE, tables={"t": TableSpec("t", ("fill",))})
    legacy = make_legacy(program, keys=())
    refused = try_compile(legacy)
    assert isinstance(refused, RefusedModule)
    ((error, parts),) = ((each.error, each.parts) for each in refused.refusals)
    assert error is refused.error
    assert error.message == "the checkpoint has no value for variable 'w'"
    assert parts == ("table 't'",)


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
    if node is None:
        compile_module(legacy)
        return
    with pytest.raises(errors.UnsupportedOpError, match="calls a Python function") as raised:
        compile_module(legacy)
    assert raised.value.node == node


def _imports(path):
    """The modules that a file imports, and the names that it imports from them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_compiling_uses_protos_of_tensorflow_alone():
    files = sorted(pathlib.Path(compile_package.__path__[0]).glob("*.py"))
    assert len(files) > 10
    imported = {name for path in files for name in _imports(path)}
    found = {name for name in imported if name.split(".")[0] in ("tensorflow", "numpy", "tf_keras")}
    assert all(name.startswith("tensorflow.core.") for name in found)
    assert "converter.tf_private" not in imported
