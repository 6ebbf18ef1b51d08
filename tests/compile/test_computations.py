import re

import pytest

from converter import errors
from converter.compile.compile_module import compile_module
from converter.compile.computations import Arguments, compile_computation, feeds_for
from converter.compile.lowering import Lowering
from converter.formats.registry import read_module
from converter.ir.graph import Kind, TensorInfo, TensorRef, VariableSpec

_DENSE = TensorInfo(Kind.DENSE, 1, (None, 2), (TensorRef("x"),))
_SPARSE = TensorInfo(Kind.SPARSE, 7, (None, 3), tuple(TensorRef(n) for n in "ivs"))
_RAGGED = TensorInfo(Kind.RAGGED, 1, (None, None, 4), (TensorRef("f"), TensorRef("r")), 3)


@pytest.fixture
def compiled_callable(golden_compiled):
    return lambda name, attribute="default": golden_compiled(name).callables[attribute]


@pytest.mark.parametrize(
    ("name", "attribute", "combinations"),
    [
        ("half_plus_two", "default", [Arguments()]),
        ("dense_regularized", "default", [Arguments(), Arguments(endpoints=True)]),
        ("bert_tiny", "tokens", [Arguments(), Arguments(training=True)]),
        ("odd_fed_ops", "with_default",
         [Arguments(), Arguments(given=frozenset({"x"}))]),
        ("image_bn_dropout", "default", [
            Arguments(), Arguments(endpoints=True), Arguments(training=True),
            Arguments(training=True, endpoints=True),
        ]),
    ],
)  # fmt: skip
def test_allowed_combinations(name, attribute, combinations, compiled_callable):
    part = compiled_callable(name, attribute)
    assert list(part.computations) == combinations


def test_training_runs_the_other_variant_and_its_update_ops(compiled_callable):
    computations = compiled_callable("image_bn_dropout").computations
    plain, training = computations[Arguments()], computations[Arguments(training=True)]
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
    part = compile_module(legacy).callables["default"]
    assert part.takes_training
    assert part.takes_endpoints is has_two


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
    made = compile_computation(program, own.inputs, own.outputs, Lowering(), updates=True)
    assert made.update_ops == ("u",)
    assert "v" not in {node.name for node in made.region.nodes()}
    made = compile_computation(program, own.inputs, own.outputs, Lowering(), updates=False)
    assert made.update_ops == ()


def test_variable_names_are_tf1_names_whatever_the_node(make_variant, signature):
    text = """
        again = VarHandleOp[dtype=float, shape=[]]()
        y = ReadVariableOp[dtype=float](again)
    """
    own = signature("default")
    program = make_variant(text=text, signatures=[own], variables=())
    spec = VariableSpec("scope/w", "scope/w", 1, (), True, "scope/w")
    program.variables["again"] = spec
    made = compile_computation(program, {}, own.outputs, Lowering(), updates=False)
    assert made.variable_names() == {"scope/w"}


def test_two_inputs_that_feed_one_tensor_are_refused(make_legacy, make_variant, signature):
    text = """
        x = Placeholder[dtype=float]()
        z = Placeholder[dtype=float]()
        y = Sub[T=float](x, z)
    """
    own = signature("default", {"a": "x", "b": "x", "c": "z"})
    legacy = make_legacy(make_variant(text=text, signatures=[own], variables=()))
    with pytest.raises(errors.ConversionError, match=r"'b' .* the same tensor as 'a'") as caught:
        compile_module(legacy)
    assert caught.value.node == "x"


def test_a_signature_that_lacks_an_input_is_named(make_legacy, make_variant, signature):
    text = """
        x = Placeholder[dtype=float]()
        z = Placeholder[dtype=float]()
        y = Sub[T=float](x, z)
    """
    signatures = [signature("whole", {"a": "x", "b": "z"}), signature("lacking", {"a": "x"})]
    legacy = make_legacy(make_variant(text=text, signatures=signatures, variables=()))
    with pytest.raises(errors.ConversionError, match="signature 'lacking'") as caught:
        compile_module(legacy)
    assert caught.value.node == "z"
    assert "signature 'lacking'" in caught.value.remedy


def test_the_same_outputs_in_other_names(golden_module):
    legacy = read_module(golden_module("odd_endpoints"))
    (program,) = legacy.variants.values()
    own = program.signatures["same_output_twice"]
    made = compile_computation(program, own.inputs, own.outputs, Lowering(), updates=False)
    assert len(made.region.results) == len(own.outputs) > len(set(made.region.results))
    assert all(isinstance(ref, TensorRef) for ref in made.region.results)


def test_feeds_are_named_by_input_and_component():
    feeds = feeds_for({"a": _SPARSE, "b": _DENSE})
    assert [(str(ref), feed.name, feed.dtype) for ref, feed in feeds.items()] == [
        ("i:0", "a", 9),
        ("v:0", "a_1", 7),
        ("s:0", "a_2", 9),
        ("x:0", "b", 1),
    ]


@pytest.mark.parametrize("name", ["a:0", "", "^a", "ünï", "tensor_dict$a"])
def test_arguments_have_names_that_nodes_can_have(name):
    (feed,) = feeds_for({name: _DENSE}).values()
    assert re.fullmatch(r"[A-Za-z0-9_./-]+", feed.name)


def test_two_inputs_of_one_tensor_are_refused_by_their_own_names():
    with pytest.raises(errors.ConversionError, match=r"input 'b' .* same tensor as 'a:0'"):
        feeds_for({"a:0": _DENSE, "b": _DENSE})
