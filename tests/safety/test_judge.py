"""Judges ops: every class of them, in every place."""

import time

import pytest
from hostile_models import OPS, PLACES, add_function, add_node, add_string
from tensorflow.core.protobuf import meta_graph_pb2

from converter.ir import op_facts


def _without_holders(report):
    """The findings but for ops that hold a graph, which is looked at as well."""
    return [finding for finding in report.findings if finding.op != "DatasetFromGraph"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("op", OPS)
def test_it_finds_every_op_in_every_place(op, place, inspect_changed):
    add, runs = PLACES[place]
    (finding,) = _without_holders(inspect_changed(add, op))
    op_def = op_facts.find_op_def(op)
    is_constant = "nowhere" not in place and "unused" not in place
    runs_at_import = op_def is not None and not op_def.is_stateful and is_constant
    expected = ["conversion"] * runs_at_import + runs
    assert (finding.op, finding.node, list(finding.runs)) == (op, "evil", expected)
    assert finding.severity == (OPS[op] if runs else "low")


def _add_asset(meta_graph, name, file_name="words.txt"):
    asset = meta_graph_pb2.AssetFileDef(filename=file_name)
    asset.tensor_info.name = name
    assets = meta_graph.collection_def["saved_model_assets"].any_list.value
    assets.add().Pack(asset)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\x", "a/../../b"])
def test_an_asset_outside_of_the_model(name, inspect_changed):
    report = inspect_changed(lambda meta_graph: _add_asset(meta_graph, "asset:0", name))
    (finding,) = report.findings
    assert (finding.severity, finding.op, finding.runs) == ("high", "asset", ("load",))
    assert repr(name) in finding.reason


def test_prints_to_files_and_long_waits(inspect_changed):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        add_node(nodes, "quiet", "PrintV2").attr["output_stream"].s = b"stderr"
        add_node(nodes, "loud", "PrintV2").attr["output_stream"].s = b"file:///tmp/x"
        add_node(nodes, "handle", "Const").attr["dtype"].type = op_facts.DT_RESOURCE
        meta_graph.collection_def["update_ops"].node_list.value.append("loud")

    assert [f.node for f in inspect_changed(change).findings] == ["loud", "handle"]


def _long_chain(meta_graph):
    nodes = meta_graph.graph_def.node
    add_string(nodes, "path_0", b"/etc/passwd")
    for i in range(20_000):
        add_node(nodes, f"path_{i + 1}", "ReadFile", f"path_{i}")


def _many_users_of_a_chain(meta_graph):
    nodes = meta_graph.graph_def.node
    add_string(nodes, "path_0", b"/etc/passwd")
    for i in range(10_000):
        add_node(nodes, f"path_{i + 1}", "Identity", f"path_{i}")
        add_node(nodes, f"restore_{i}", "RestoreV2", "path_10000")


def _many_calls(meta_graph):
    nodes = meta_graph.graph_def.node
    add_string(nodes, "path", b"/etc/passwd")
    function = add_function(meta_graph.graph_def, "f", "x")
    for i in range(5_000):
        add_node(nodes, f"call_{i}", "PartitionedCall", "path", f="f")
        add_node(function.node_def, f"read_{i}", "ReadFile", "x")
        meta_graph.signature_def["default"].outputs[str(i)].name = f"call_{i}:0"


def _many_functions_of_one_name(meta_graph):
    for _ in range(20_000):
        add_node(add_function(meta_graph.graph_def, "f").node_def, "evil", "PyFunc")


def _many_graphs(meta_graph):
    nodes = meta_graph.graph_def.node
    add_string(nodes, "graph", b"\x0a\x06\x0a\x01a\x12\x01b" * 20_000)
    for i in range(3_000):
        add_node(nodes, f"data_{i}", "DatasetFromGraph", "graph")


@pytest.mark.parametrize(
    "change",
    [_long_chain, _many_users_of_a_chain, _many_calls, _many_functions_of_one_name, _many_graphs],
)
def test_it_takes_no_longer_than_the_size_of_the_model_explains(change, inspect_changed):
    start = time.process_time()
    inspection = inspect_changed(change)
    assert len(inspection.findings) + len(inspection.notes) >= 3_000
    assert time.process_time() - start < 20
