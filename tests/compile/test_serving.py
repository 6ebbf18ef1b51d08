import pytest

from converter.compile.computations import Arguments
from converter.compile.serving import serve_signature
from converter.compile.signature_names import serving_names


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("half_plus_two", Arguments()),
        ("dense_regularized", Arguments(endpoints=True)),
        ("image_bn_dropout", Arguments(endpoints=True)),
        ("sparse_input", Arguments()),
        ("ragged_input", Arguments()),
    ],
)
def test_a_signature_is_a_call_of_its_callable(name, call, golden_compiled):
    part = golden_compiled(name).callables["default"]
    served = serve_signature(part)
    assert (served.attribute, served.arguments) == ("default", call)
    computation = part.computations[call]
    assert computation.outputs == part.signature.outputs
    assert computation.inputs.items() >= part.signature.inputs.items()
    assert computation.update_ops == ()


def test_inputs_whose_default_only_the_graph_knows_are_given(golden_compiled):
    compiled = golden_compiled("image_default_mean")
    for name, part in compiled.callables.items():
        given = serve_signature(part).arguments.given
        assert given == {h.keyword for h in part.plan.hparams if h.input in part.signature.inputs}
        assert name != "default" or given == {"mean"}


def test_a_module_serves_its_inference_variant(golden_compiled):
    graphs = golden_compiled("image_bn_dropout")
    served = serving_names(graphs.plan)
    assert served == {name: name for name in graphs.serving}
    assert set(served) == set(graphs.legacy.variants[frozenset()].signatures)


def test_a_module_without_an_inference_variant_serves_all_its_callables(golden_compiled):
    graphs = golden_compiled("gan_spectral")
    assert set(graphs.serving) == set(serving_names(graphs.plan)) == set(graphs.callables)
