import pytest

from converter.formats.hub_module import read_saved_model
from converter.formats.registry import read_module
from converter.ir.text import dtype_name
from converter.parity.source_facts import (
    nodes_in_collection,
    read_served_signatures,
    read_source_facts,
)


@pytest.fixture
def facts(golden):
    """`facts(name)` returns the facts of a golden module."""
    return lambda name: read_source_facts(read_saved_model(golden(name)))


def test_signatures_by_the_names_of_their_parts(facts):
    (sparse,) = facts("sparse_input").signatures.values()
    assert list(sparse["default"].inputs) == [
        "default_indices", "default_values", "default_dense_shape"
    ]  # fmt: skip
    assert sparse["default"].inputs["default_indices"] == "int64"
    (ragged,) = facts("ragged_both").signatures.values()
    assert "default_component_0" in str(ragged["default"])


def test_what_it_reads_is_what_the_converter_reads(facts, golden):
    # Where the two part company one of them is wrong.
    for name in ("image_bn_variants", "gan_spectral", "nested_twice", "ref_moving_averages"):
        legacy, seen = read_module(golden(name)), facts(name)
        for tags, program in legacy.variants.items():
            assert set(seen.signatures[tags]) == set(program.signatures)
            own = {spec.name for spec in program.variables.values()}
            assert seen.variables[tags] == own
            trainable = {spec.name for spec in program.variables.values() if spec.trainable}
            assert seen.trainable[tags] == trainable
            for key, signature in program.signatures.items():
                outputs = {k: dtype_name(info.dtype) for k, info in signature.outputs.items()}
                assert seen.signatures[tags][key].outputs == outputs


def test_signatures_of_a_converted_module(converted):
    signatures = read_served_signatures(read_saved_model(converted("half_plus_two")))
    assert set(signatures) == {"default", "serving_default"}


def test_collections(golden):
    graphs = read_saved_model(golden("ref_moving_averages")).meta_graphs
    assert any(nodes_in_collection(graph, "update_ops") for graph in graphs)
    assert nodes_in_collection(graphs[0], "no_such_collection") == []
