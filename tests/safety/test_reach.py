"""What runs a node; cycles."""

import pytest
from hostile_models import add_function, add_node, add_string
from tensorflow.core.protobuf import saved_model_pb2

from converter.safety.reach import Run, find_evaluated_on_import, find_runs
from converter.safety.scopes import read_libraries


def test_graphs_with_cycles_end(inspect_changed):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        add_node(nodes, "a", "ReadFile", "b")
        add_node(nodes, "b", "Identity", "a")
        add_node(nodes, "data", "DatasetFromGraph", "b")
        add_node(nodes, "call", "PartitionedCall", "b", f="again")
        again = add_function(meta_graph.graph_def, "again", "x")
        add_node(again.node_def, "call", "PartitionedCall", "x", f="again")
        add_node(again.node_def, "read", "ReadFile", "x")
        meta_graph.signature_def["default"].outputs["more"].name = "call:0"

    assert {f.node for f in inspect_changed(change).findings} == {"a", "data", "read"}


def _library(change):
    saved_model = saved_model_pb2.SavedModel()
    change(saved_model.meta_graphs.add())
    (library,), _ = read_libraries(saved_model)
    return library


def test_occasions_add_up():
    def change(meta_graph):
        for name, *inputs in (("a",), ("b", "a"), ("c", "^a"), ("d",)):
            add_node(meta_graph.graph_def.node, name, "NoOp", *inputs)
        meta_graph.signature_def["x"].outputs["y"].name = "b:0"
        meta_graph.signature_def["__saved_model_train_op"].outputs["y"].name = "c:0"

    library = _library(change)
    reached = {name: runs for (_, name), runs in find_runs([library]).items()}
    assert reached == {"a": {Run.CALL, Run.TRAINING}, "b": {Run.CALL}, "c": {Run.TRAINING}}


@pytest.mark.parametrize("kind", ["sparse", "composite"])
def test_a_signature_runs_all_parts_of_a_tensor(kind):
    def change(meta_graph):
        for name in "abc":
            add_node(meta_graph.graph_def.node, name, "NoOp")
        info = meta_graph.signature_def["x"].outputs["y"]
        if kind == "sparse":
            info.coo_sparse.values_tensor_name = "a:0"
            info.coo_sparse.indices_tensor_name = "b:0"
            info.coo_sparse.dense_shape_tensor_name = "c:0"
        else:
            for name in "abc":
                info.composite_tensor.components.add().name = f"{name}:0"

    assert {name for _, name in find_runs([_library(change)])} == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("op", "inputs", "expected"),
    [
        ("ReadFile", ["constant"], True),
        ("ReadFile", ["chain"], True),
        ("ReadFile", ["constant", "^fed"], True),  # Shape inference ignores control inputs.
        ("ReadFile", ["fed"], False),
        ("ReadFile", ["argument"], False),
        ("ReadFile", ["stateful"], False),
        ("WriteFile", ["constant"], False),  # Stateful.
        ("NoSuchOp", ["constant"], False),
        ("Merge", ["constant"], False),
        ("MatchingFiles", [], True),
    ],
)
def test_what_tensorflow_may_evaluate_on_import(op, inputs, expected):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        add_string(nodes, "constant", b"x")
        add_node(nodes, "chain", "Identity", "constant")
        add_node(nodes, "fed", "PlaceholderWithDefault", "constant")
        add_node(nodes, "stateful", "RandomUniform", "constant")
        add_node(nodes, "node", op, *inputs)

    evaluated = find_evaluated_on_import(_library(change).graph)
    assert ("node" in evaluated) is expected
