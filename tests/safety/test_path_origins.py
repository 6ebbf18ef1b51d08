"""Files that tables are filled from: assets, and others."""

import pytest
from hostile_models import add_function, add_node, add_string
from tensorflow.core.protobuf import meta_graph_pb2


def _add_table(nodes, path):
    add_node(nodes, "table", "HashTableV2")
    add_node(nodes, "fill", "InitializeTableFromTextFileV2", "table", path)


def _add_asset(meta_graph, name, file_name="words.txt"):
    asset = meta_graph_pb2.AssetFileDef(filename=file_name)
    asset.tensor_info.name = name
    assets = meta_graph.collection_def["saved_model_assets"].any_list.value
    assets.add().Pack(asset)


def test_a_table_that_is_filled_from_another_file_than_an_asset(inspect_changed):
    def change(meta_graph):
        add_string(meta_graph.graph_def.node, "path", b"/etc/passwd")
        _add_table(meta_graph.graph_def.node, "path")
        meta_graph.collection_def["table_initializer"].node_list.value.append("fill")

    report = inspect_changed(change)
    (finding,) = report.findings
    assert (finding.severity, finding.node, finding.runs) == ("high", "fill", ("load",))
    assert "the file name is a constant of the graph" in finding.reason


@pytest.mark.parametrize("through", ["nothing", "a function", "a variable"])
def test_it_does_nothing_because_the_file_is_an_asset(through, inspect_changed):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        add_string(nodes, "asset", b"/tmp/words.txt")
        _add_asset(meta_graph, "asset:0")
        if through == "nothing":
            _add_table(nodes, "asset")
        elif through == "a function":
            _add_table(add_function(meta_graph.graph_def, "fill", "x").node_def, "x")
            add_node(nodes, "call", "PartitionedCall", "asset", f="fill")
        else:
            for name in ("handle", "alias"):
                add_node(nodes, name, "VarHandleOp").attr["shared_name"].s = b"path"
            add_node(nodes, "assign", "AssignVariableOp", "alias", "asset")
            add_node(nodes, "read", "ReadVariableOp", "handle")
            _add_table(nodes, "read")

    assert inspect_changed(change).findings == ()


def test_a_function_that_one_caller_gives_another_file(inspect_changed):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        add_string(nodes, "asset", b"/tmp/words.txt")
        add_string(nodes, "other", b"/etc/passwd")
        _add_asset(meta_graph, "asset:0")
        _add_table(add_function(meta_graph.graph_def, "fill", "x").node_def, "x")
        for name in ("asset", "other"):
            add_node(nodes, f"call_{name}", "PartitionedCall", name, f="fill")
        meta_graph.signature_def["default"].outputs["more"].name = "call_other:0"

    (finding,) = inspect_changed(change).findings
    assert finding.severity == "high"
    assert finding.reason.endswith("is a constant of the graph or an asset of the model")


def test_a_variable_with_a_path_that_something_else_may_assign(inspect_changed):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        add_string(nodes, "asset", b"/tmp/words.txt")
        _add_asset(meta_graph, "asset:0")
        add_node(nodes, "handle", "VarHandleOp")
        add_node(nodes, "assign", "AssignVariableOp", "handle", "asset")
        add_node(nodes, "call", "StatefulPartitionedCall", "handle", f="somewhere")
        add_node(nodes, "read", "ReadVariableOp", "handle")
        _add_table(nodes, "read")

    (finding,) = inspect_changed(change).findings
    assert "computed by the graph" in finding.reason
