import pytest

from converter import errors
from converter.compile.computations import Arguments, CallableGraphs, prepare_computation
from converter.compile.plan import make_plan
from converter.formats.registry import read_module
from converter.ir.graph import TensorRef, VariableSpec


@pytest.fixture
def callable_graphs(golden_graphs):
    return lambda name, attribute="default": golden_graphs(name).callables[attribute]


@pytest.mark.parametrize(
    ("name", "attribute", "combinations"),
    [
        ("half_plus_two", "default", [Arguments()]),
        ("dense_regularized", "default", [Arguments(), Arguments(endpoints=True)]),
        ("ref_moving_averages", "default", None),
        ("bert_tiny", "tokens", [Arguments(), Arguments(training=True)]),
        ("odd_fed_ops", "with_default",
         [Arguments(), Arguments(given=frozenset({"x"}))]),
        ("image_bn_dropout", "default", [
            Arguments(), Arguments(endpoints=True), Arguments(training=True),
            Arguments(training=True, endpoints=True),
        ]),
    ],
)  # fmt: skip
def test_allowed_combinations(name, attribute, combinations, callable_graphs):
    graphs = callable_graphs(name, attribute)
    found = list(graphs.combinations())
    assert len(set(found)) == len(found) == len(graphs.all())
    if combinations is not None:
        assert found == combinations


def test_each_computation_is_made_once(callable_graphs):
    graphs = callable_graphs("half_plus_two")
    assert graphs.get(Arguments()) is graphs.get(Arguments())


def test_training_runs_the_other_variant_and_its_update_ops(callable_graphs):
    graphs = callable_graphs("image_bn_dropout")
    plain, training = graphs.get(Arguments()), graphs.get(Arguments(training=True))
    assert plain.program.tags == frozenset()
    assert plain.update_ops == ()
    assert training.program.tags == frozenset({"train"})
    assert set(training.update_ops) == set(training.program.update_ops) != set()
    assert {node.name for node in training.region.nodes()} >= set(training.update_ops)


@pytest.mark.parametrize("has_two", [True, False])
def test_endpoints_are_those_of_the_inference_variant(
    has_two, make_legacy, make_variant, signature
):
    """The training variant of the pair has two outputs where it has one, and one where two."""
    one = signature("default", {"x": "x"})
    two = signature("default", {"x": "x"}, {"default": "y", "other": "y"})
    plain, training = (two, one) if has_two else (one, two)
    legacy = make_legacy(
        make_variant(signatures=[plain]), make_variant(["train"], signatures=[training])
    )
    graphs = CallableGraphs(make_plan(legacy).callables["default"], legacy)
    assert graphs.takes_training
    assert graphs.takes_endpoints is has_two


def test_update_ops_that_cannot_be_fed_are_not_run(make_variant, signature):
    text = """
        x = Placeholder[dtype=float]()
        z = Placeholder[dtype=float]()
        w = VarHandleOp[dtype=float, shape=[]]()
        y = Neg[T=float](x)
        u = AssignVariableOp[dtype=float](w, x)
        v = AssignVariableOp[dtype=float](w, z)
        c = AssignVariableOp[dtype=float](w, x, ^v)
    """
    own = signature("default", {"x": "x"})
    program = make_variant(["train"], text=text, signatures=[own], update_ops=("u", "v", "c"))
    made = prepare_computation(program, own.inputs, own.outputs, updates=True)
    assert made.update_ops == ("u",)
    assert "v" not in {node.name for node in made.region.nodes()}
    assert prepare_computation(program, own.inputs, own.outputs, updates=False).update_ops == ()


def test_variable_names_are_tf1_names_whatever_the_node(make_variant, signature):
    text = """
        again = VarHandleOp[dtype=float, shape=[]]()
        y = ReadVariableOp[dtype=float](again)
    """
    own = signature("default")
    program = make_variant(text=text, signatures=[own], variables=())
    spec = VariableSpec("scope/w", "scope/w", 1, (), True, "scope/w")
    program.variables["again"] = spec
    made = prepare_computation(program, {}, own.outputs, updates=False)
    assert made.variable_names() == {"scope/w"}


def test_two_inputs_that_feed_one_tensor_are_refused(make_legacy, make_variant, signature):
    text = """
        x = Placeholder[dtype=float]()
        z = Placeholder[dtype=float]()
        y = Sub[T=float](x, z)
    """
    own = signature("default", {"a": "x", "b": "x", "c": "z"})
    legacy = make_legacy(make_variant(text=text, signatures=[own], variables=()))
    graphs = CallableGraphs(make_plan(legacy).callables["default"], legacy)
    with pytest.raises(errors.ConversionError, match=r"'b' .* the same tensor as 'a'") as caught:
        graphs.get(Arguments())
    assert caught.value.node == "x"


def test_the_same_outputs_in_other_names(golden_module):
    legacy = read_module(golden_module("odd_endpoints"))
    (program,) = legacy.variants.values()
    own = program.signatures["same_output_twice"]
    made = prepare_computation(program, own.inputs, own.outputs, updates=False)
    assert len(made.region.results) == len(own.outputs) > len(set(made.region.results))
    assert all(isinstance(ref, TensorRef) for ref in made.region.results)
