import pytest

from converter.compile.computations import Arguments
from converter.compile.lowering import Lowering
from converter.compile.serving import compile_served
from converter.compile.signature_names import serving_names


@pytest.fixture
def served(golden_compiled):
    def prepare(name, attribute="default"):
        return compile_served(golden_compiled(name).callables[attribute], Lowering())

    return prepare


def test_a_signature_is_a_call_of_its_callable_where_one_does_the_same(served, golden_compiled):
    found = served("dense_regularized")
    assert found.call == Arguments(endpoints=True)
    graphs = golden_compiled("image_default_mean")
    assert compile_served(graphs.callables["default"], Lowering()).attribute == "default"


def test_its_computation_is_that_of_the_call(golden_compiled):
    graphs = golden_compiled("half_plus_two").callables["default"]
    found = compile_served(graphs, Lowering())
    assert found.computation is graphs.computations[found.call]


@pytest.mark.parametrize("name", ["sparse_input", "ragged_input"])
def test_composite_inputs_are_taken_apart_by_a_computation_of_their_own(name, served):
    found = served(name)
    assert found.call is None
    assert found.computation.inputs


def test_arguments_that_callables_always_give_are_left_to_the_graph(served):
    found = served("image_bn_dropout")
    assert found.call is None
    assert list(found.computation.inputs) == ["images"]
    assert found.computation.update_ops == ()


def test_a_module_serves_its_inference_variant(golden_compiled):
    graphs = golden_compiled("image_bn_dropout")
    served = serving_names(graphs.plan)
    assert served == {name: name for name in graphs.serving}
    assert set(served) == set(graphs.legacy.variants[frozenset()].signatures)


def test_a_module_without_an_inference_variant_serves_all_its_callables(golden_compiled):
    graphs = golden_compiled("gan_spectral")
    assert set(graphs.serving) == set(serving_names(graphs.plan)) == set(graphs.callables)
