import dataclasses

import pytest

from converter.ir.graph import Kind, Node, TensorInfo, TensorRef


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("x", TensorRef("x", 0)),
        ("x:0", TensorRef("x", 0)),
        ("scope/x:12", TensorRef("scope/x", 12)),
        ("split:output:1", TensorRef("split:output", 1)),
    ],
)
def test_parse_reads_what_graph_defs_write(name, ref):
    assert TensorRef.parse(name) == ref


@pytest.mark.parametrize("name", ["x:", ":0", "x:-1", "x:one", "x:1.5", "x:²", "x:\u0661"])
def test_parse_refuses_other_names(name):
    with pytest.raises(ValueError, match="is not a tensor name, expected 'node:output_number'"):
        TensorRef.parse(name)


def test_a_ref_prints_what_it_parses():
    ref = TensorRef("scope/x", 3)
    assert TensorRef.parse(str(ref)) == ref


def test_input_nodes_are_those_of_data_then_of_control_edges():
    node = Node("y", "Add", (TensorRef("a", 1), TensorRef("b")), ("c",))
    assert list(node.input_nodes()) == ["a", "b", "c"]


def test_nodes_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Node("y", "Add").name = "z"


def test_ragged_rank_counts_row_splits_of_ragged_values_only():
    refs = (TensorRef("flat"), TensorRef("outer"), TensorRef("inner"))
    assert TensorInfo(Kind.RAGGED, 1, None, refs).ragged_rank == 2
    assert TensorInfo(Kind.SPARSE, 1, None, refs).ragged_rank == 0
    assert TensorInfo(Kind.DENSE, 1, None, refs[:1]).ragged_rank == 0
