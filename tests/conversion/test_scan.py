"""`converter.scan`: what it finds in SavedModels that could do harm, and in those that do none."""

import base64
import json

import pytest
from google.protobuf import text_format
from hostile_models import (
    DT_STRING,
    OPS,
    PLACES,
    add_function,
    add_node,
    add_string,
)
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

import converter
from converter import errors
from converter.ir import op_facts


@pytest.fixture
def scan_edited(half_plus_two, edit):
    """`scan_edited(change)` scans a copy of a module whose MetaGraphDef was changed."""

    def scan(change, *arguments):
        with edit(half_plus_two) as saved_model:
            change(saved_model.meta_graphs[0], *arguments)
        return converter.scan(half_plus_two)

    return scan


def _runs(report):
    return [(f.severity, f.op, f.node, list(f.runs)) for f in report.findings]


def _without_holders(report):
    """The findings but for ops that hold a graph, which is looked at as well."""
    return [finding for finding in report.findings if finding.op != "DatasetFromGraph"]


# Every op in every place.


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("op", OPS)
def test_it_finds_every_op_in_every_place(op, place, scan_edited):
    add, runs = PLACES[place]
    (finding,) = _without_holders(scan_edited(add, op))
    op_def = op_facts.find_op_def(op)
    is_constant = "nowhere" not in place and "unused" not in place
    runs_at_import = op_def is not None and not op_def.is_stateful and is_constant
    expected = ["conversion"] * runs_at_import + runs
    assert (finding.op, finding.node, list(finding.runs)) == (op, "evil", expected)
    assert finding.severity == (OPS[op] if runs else "low")


@pytest.mark.parametrize(
    ("place", "function", "within"),
    [
        ("signature", None, ()),
        ("function", "inner", ()),
        ("two functions", "innermost", ()),
        ("gradient", "backward", ()),
        ("unused function", "unused", ()),
        ("nested graph", None, ("data",)),
        ("three nested graphs", None, ("data", "inside", "inside")),
    ],
)
def test_it_says_where_an_op_is(place, function, within, scan_edited):
    report = scan_edited(PLACES[place][0], "PyFunc")
    (finding,) = _without_holders(report)
    assert (finding.graph, finding.function, finding.within) == ((), function, within)
    assert report.nested_graphs == len(within)


def test_it_finds_an_op_in_a_function_of_a_nested_graph(scan_edited):
    def change(meta_graph):
        graph_def = graph_pb2.GraphDef()
        add_node(graph_def.node, "call", "PartitionedCall", f="inner")
        add_node(graph_def.node, "dataset", "_Retval", "call")
        add_node(add_function(graph_def, "inner").node_def, "evil", "PyFunc")
        add_string(meta_graph.graph_def.node, "graph", graph_def.SerializeToString())
        add_node(meta_graph.graph_def.node, "pass", "Identity", "graph")
        add_node(meta_graph.graph_def.node, "data", "DatasetFromGraph", "pass")

    (finding,) = _without_holders(scan_edited(change))
    assert (finding.function, finding.within, finding.node) == ("inner", ("data",), "evil")


def test_two_nodes_of_one_name_has_two_findings(scan_edited):
    def change(meta_graph):
        for _ in range(2):
            add_node(meta_graph.graph_def.node, "evil", "PyFunc")

    assert len(scan_edited(change).findings) == 2


def test_functions_of_one_name_are_both_looked_at(scan_edited):
    def change(meta_graph):
        for op in ("NoOp", "PyFunc"):
            add_node(add_function(meta_graph.graph_def, "twice").node_def, "evil", op)

    assert [f.op for f in scan_edited(change).findings] == ["PyFunc"]


def test_graphs_with_cycles_end(scan_edited):
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

    assert {f.node for f in scan_edited(change).findings} == {"a", "data", "read"}


# Serialized graphs that nobody can look at.


@pytest.mark.parametrize(
    ("value", "reason"), [(b"\xff\xff", "cannot be read"), (None, "is computed")]
)
def test_a_serialized_graph_that_cannot_be_checked(value, reason, scan_edited):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        if value is None:
            add_node(nodes, "graph", "Placeholder")
        else:
            add_string(nodes, "graph", value)
        add_node(nodes, "data", "DatasetFromGraph", "graph")
        meta_graph.signature_def["default"].outputs["more"].name = "data:0"

    (finding,) = scan_edited(change).findings
    assert (finding.severity, finding.op) == ("high", "DatasetFromGraph")
    assert reason in finding.reason


def test_graphs_nested_too_deeply(scan_edited):
    def change(meta_graph):
        add, _ = PLACES["three nested graphs"]
        add.func(meta_graph, "PyFunc", depth=20)

    finding, *others = scan_edited(change).findings
    assert {(f.severity, f.op) for f in others} == {("medium", "DatasetFromGraph")}
    assert (finding.severity, finding.op) == ("high", "DatasetFromGraph")
    assert "too many to check" in finding.reason


# Files.


def _add_table(nodes, path):
    add_node(nodes, "table", "HashTableV2")
    add_node(nodes, "fill", "InitializeTableFromTextFileV2", "table", path)


def test_a_table_that_is_filled_from_another_file_than_an_asset(scan_edited):
    def change(meta_graph):
        add_string(meta_graph.graph_def.node, "path", b"/etc/passwd")
        _add_table(meta_graph.graph_def.node, "path")
        meta_graph.collection_def["table_initializer"].node_list.value.append("fill")

    report = scan_edited(change)
    assert _runs(report) == [("high", "InitializeTableFromTextFileV2", "fill", ["load"])]
    assert "the file name is a constant of the graph" in report.findings[0].reason


def _add_asset(meta_graph, name, file_name="words.txt"):
    asset = meta_graph_pb2.AssetFileDef(filename=file_name)
    asset.tensor_info.name = name
    assets = meta_graph.collection_def["saved_model_assets"].any_list.value
    assets.add().Pack(asset)


@pytest.mark.parametrize("through", ["nothing", "a function", "a variable"])
def test_it_does_nothing_because_the_file_is_an_asset(through, scan_edited):
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

    assert scan_edited(change).findings == ()


def test_a_function_that_one_caller_gives_another_file(scan_edited):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        add_string(nodes, "asset", b"/tmp/words.txt")
        add_string(nodes, "other", b"/etc/passwd")
        _add_asset(meta_graph, "asset:0")
        _add_table(add_function(meta_graph.graph_def, "fill", "x").node_def, "x")
        for name in ("asset", "other"):
            add_node(nodes, f"call_{name}", "PartitionedCall", name, f="fill")
        meta_graph.signature_def["default"].outputs["more"].name = "call_other:0"

    (finding,) = scan_edited(change).findings
    assert finding.severity == "high"
    assert finding.reason.endswith("is a constant of the graph or an asset of the model")


def test_a_variable_with_a_path_that_something_else_may_assign(scan_edited):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        add_string(nodes, "asset", b"/tmp/words.txt")
        _add_asset(meta_graph, "asset:0")
        add_node(nodes, "handle", "VarHandleOp")
        add_node(nodes, "assign", "AssignVariableOp", "handle", "asset")
        add_node(nodes, "call", "StatefulPartitionedCall", "handle", f="somewhere")
        add_node(nodes, "read", "ReadVariableOp", "handle")
        _add_table(nodes, "read")

    (finding,) = scan_edited(change).findings
    assert "computed by the graph" in finding.reason


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\x", "a/../../b"])
def test_an_asset_outside_of_the_model(name, scan_edited):
    report = scan_edited(lambda meta_graph: _add_asset(meta_graph, "asset:0", name))
    (finding,) = report.findings
    assert (finding.severity, finding.op, finding.runs) == ("high", "asset", ("load",))
    assert repr(name) in finding.reason


def test_prints_to_files_and_long_waits(scan_edited):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        add_node(nodes, "quiet", "PrintV2").attr["output_stream"].s = b"stderr"
        add_node(nodes, "loud", "PrintV2").attr["output_stream"].s = b"file:///tmp/x"
        add_node(nodes, "handle", "Const").attr["dtype"].type = op_facts.DT_RESOURCE
        meta_graph.collection_def["update_ops"].node_list.value.append("loud")

    assert [f.node for f in scan_edited(change).findings] == ["loud", "handle"]


# Savers.

_SAVER = """
  node { name: "name" op: "Const" attr { key: "dtype" value { type: DT_STRING } }
         attr { key: "value" value { tensor { dtype: DT_STRING string_val: "model" } } } }
  node { name: "path" op: "PlaceholderWithDefault" input: "name" }
  node { name: "part" op: "Const" attr { key: "dtype" value { type: DT_STRING } }
         attr { key: "value" value { tensor { dtype: DT_STRING string_val: "_temp/part" } } } }
  node { name: "join" op: "StringJoin" input: "path" input: "part" }
  node { name: "shard" op: "ShardedFilename" input: "join" }
  node { name: "save" op: "SaveV2" input: "shard" }
  node { name: "pack" op: "Pack" input: "shard" input: "^save" }
  node { name: "merge" op: "MergeV2Checkpoints" input: "pack" input: "path" }
  node { name: "saved" op: "Identity" input: "path" input: "^merge" }
  node { name: "restore" op: "RestoreV2" input: "path" }
  node { name: "restored" op: "NoOp" input: "^restore" }
"""


def _add_saver(meta_graph, described=True):
    text_format.Merge(_SAVER, meta_graph.graph_def)
    if described:
        meta_graph.saver_def.filename_tensor_name = "path:0"
        meta_graph.saver_def.save_tensor_name = "saved:0"
        meta_graph.saver_def.restore_op_name = "restored"


def test_it_does_nothing_because_the_saver_is_the_models_own(scan_edited):
    report = scan_edited(_add_saver)
    assert (report.findings, report.worst) == ((), None)
    assert {(n.op, n.runs) for n in report.notes} == {
        ("SaveV2", ("save",)), ("MergeV2Checkpoints", ("save",)), ("RestoreV2", ("load",)),
    }  # fmt: skip
    assert {note.severity for note in report.notes} == {"info"}


def test_it_does_nothing_because_nothing_runs_the_saver_that_was_left(scan_edited):
    report = scan_edited(_add_saver, False)
    assert report.findings == ()
    assert [note.runs for note in report.notes] == [()] * 3


def test_a_saver_that_a_call_runs(scan_edited):
    def change(meta_graph):
        _add_saver(meta_graph)
        meta_graph.signature_def["default"].outputs["more"].name = "saved:0"

    found = {(f.severity, f.op) for f in scan_edited(change).findings}
    assert found == {("high", "SaveV2"), ("high", "MergeV2Checkpoints")}


@pytest.mark.parametrize("value", [b"/../../etc/cron.d/x", b"model"])
def test_a_saver_that_writes_elsewhere(value, scan_edited):
    def change(meta_graph):
        _add_saver(meta_graph)
        part = next(node for node in meta_graph.graph_def.node if node.name == "part")
        part.attr["value"].tensor.string_val[0] = value
        if value == b"model":  # It no longer starts with the name of the checkpoint.
            join = next(node for node in meta_graph.graph_def.node if node.name == "join")
            join.input[:] = ["part", "part"]

    assert {f.op for f in scan_edited(change).findings} == {"SaveV2", "MergeV2Checkpoints"}


def test_a_checkpoint_with_a_constant_name(scan_edited):
    def change(meta_graph):
        nodes = meta_graph.graph_def.node
        add_string(nodes, "path", b"/other/model")
        add_node(nodes, "unused", "RestoreV2", "path")
        add_node(nodes, "run", "RestoreV2", "path")
        add_node(nodes, "shown", "Identity", "run")
        add_node(nodes, "idle", "RestoreV2", "path")
        add_node(nodes, "shape", "Shape", "idle")
        add_node(nodes, "initial", "RestoreV2", "path")
        add_node(nodes, "cast", "Cast", "initial")
        add_node(nodes, "assign", "AssignVariableOp", "variable", "cast")
        meta_graph.signature_def["default"].outputs["more"].name = "shown:0"

    report = scan_edited(change)
    assert [(f.severity, f.node) for f in report.findings] == [("high", "run"), ("low", "idle")]
    assert [note.node for note in report.notes] == ["unused", "initial"]


# Keras.


def _lambda_layer(function, kind="lambda"):
    config = {"name": "twice", "function": function, "function_type": kind}
    return {"class_name": "Lambda", "config": config}


def _metadata(config, place="root.layer-1"):
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    saved = b"\x1a" + bytes([len(place)]) + place.encode() + b"\x2a" + _varint(len(text)) + text
    return b"\x0a" + _varint(len(saved)) + saved


def _varint(number):
    return bytes([number & 127 | 128]) + _varint(number >> 7) if number > 127 else bytes([number])


_BYTECODE = {"class_name": "__tuple__", "items": [base64.b64encode(b"code").decode(), None, None]}


@pytest.mark.parametrize(
    ("config", "severity", "reason"),
    [
        (_lambda_layer(_BYTECODE), "high", "holds Python bytecode"),
        ({"config": {"layers": [_lambda_layer(_BYTECODE)]}}, "high", "holds Python bytecode"),
        (_lambda_layer("tf.nn.relu", "function"), "low", "calls a function by name"),
        (_lambda_layer("name", "lambda"), "high", "holds Python bytecode"),
        ({"class_name": "Lambda", "config": None}, "high", "holds Python bytecode"),
        (b'{"class_name": "Lambda', "medium", "cannot be read"),
        (b'["Lambda",' + b"[" * 10_000, "medium", "cannot be read"),
    ],
)
def test_lambda_layers_of_keras(config, severity, reason, half_plus_two):
    (half_plus_two / "keras_metadata.pb").write_bytes(_metadata(config))
    (finding,) = converter.scan(half_plus_two).findings
    assert (finding.severity, finding.file) == (severity, "keras_metadata.pb")
    assert finding.node.startswith("root.layer-1")
    assert reason in finding.reason


def test_an_escaped_name_of_a_lambda_layer(half_plus_two):
    text = json.dumps(_lambda_layer(_BYTECODE)).replace('"Lambda"', '"\\u004cambda"').encode()
    (half_plus_two / "keras_metadata.pb").write_bytes(_metadata(text))
    assert converter.scan(half_plus_two).worst == "high"


def test_damaged_metadata_of_keras(half_plus_two):
    (half_plus_two / "keras_metadata.pb").write_bytes(b"\xff\xff")
    (finding,) = converter.scan(half_plus_two).findings
    assert finding.severity == "medium"


def test_it_does_nothing_because_the_layers_are_others(half_plus_two):
    (half_plus_two / "keras_metadata.pb").write_bytes(_metadata({"class_name": "Dense"}))
    assert converter.scan(half_plus_two).findings == ()


def test_lambda_layers_in_the_objects_of_a_saved_model(scan_edited):
    def change(meta_graph):
        user_object = meta_graph.object_graph_def.nodes.add().user_object
        user_object.identifier = "_tf_keras_layer"
        user_object.metadata = json.dumps(_lambda_layer(_BYTECODE))

    (finding,) = scan_edited(change).findings
    assert (finding.severity, finding.file) == ("high", "saved_model.pb")


# The report.


def test_a_report(scan_edited):
    report = scan_edited(PLACES["function"][0], "PyFunc")
    assert (report.source, report.format, report.worst) == ("half_plus_two", "tf1_hub", "high")
    assert (report.graphs, report.nested_graphs, report.functions) == (1, 0, 1)
    assert report.count_findings() == {"high": 1}
    assert report.reaches("high")
    assert report.reaches("low")
    assert report.to_json()["findings"] == [
        {
            "severity": "high", "kind": "runs code", "op": "PyFunc",
            "reason": "calls a Python function of the process", "file": "saved_model.pb",
            "graph": [], "within": [], "function": "inner", "node": "evil", "runs": ["call"],
        }
    ]  # fmt: skip


def test_a_report_without_findings(half_plus_two):
    report = converter.scan(half_plus_two)
    assert not report.reaches("low")
    assert report.count_findings() == {}


def test_severe_findings_come_first(scan_edited):
    def change(meta_graph):
        for name, op in (("a", "Abort"), ("b", "PyFunc"), ("c", "Abort")):
            add_node(meta_graph.graph_def.node, name, op)
            meta_graph.collection_def["update_ops"].node_list.value.append(name)

    assert [f.node for f in scan_edited(change).findings] == ["b", "a", "c"]


def test_formats_without_a_module_file(half_plus_two, edit):
    (half_plus_two / "tfhub_module.pb").unlink()
    assert converter.scan(half_plus_two).format == "tf1_saved_model"
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].object_graph_def.SetInParent()
    assert converter.scan(half_plus_two).format == "tf2_saved_model"


def test_a_saved_model_in_text(half_plus_two):
    path = half_plus_two / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    PLACES["signature"][0](saved_model.meta_graphs[0], "PyFunc")
    (half_plus_two / "saved_model.pbtxt").write_text(text_format.MessageToString(saved_model))
    path.unlink()
    assert converter.scan(half_plus_two).worst == "high"


def test_what_cannot_be_scanned(half_plus_two, tmp_path):
    with pytest.raises(errors.UsageError, match="does not exist"):
        converter.scan(tmp_path / "nowhere")
    with pytest.raises(errors.FormatError, match="is a file, expected the directory"):
        converter.scan(half_plus_two / "saved_model.pb")
    with (half_plus_two / "saved_model.pb").open("r+b") as file:
        file.truncate(1 << 31)
    with pytest.raises(errors.FormatError, match="is not a file of at most 2 GiB"):
        converter.scan(half_plus_two)
    (half_plus_two / "saved_model.pb").unlink()
    (half_plus_two / "saved_model.pb").symlink_to("/etc/hostname")
    with pytest.raises(errors.UnsafeModuleError, match="outside of the module"):
        converter.scan(half_plus_two)


def test_every_golden_module_does_no_harm(fixture_name, golden_source):
    report = converter.scan(golden_source(fixture_name))
    assert report.findings == ()


@pytest.fixture(scope="session")
def golden_source():
    from conftest import _GOLDEN

    return lambda name: _GOLDEN / name / "module"


assert DT_STRING == op_facts.DT_STRING


def test_what_we_write_does_no_harm(golden_module, tmp_path):
    for name in ("text_embedding_oov", "image_bn_dropout", "tf_function"):
        converter.convert(golden_module(name), tmp_path / "result", overwrite=True)
        report = converter.scan(tmp_path / "result")
        assert (report.format, report.findings) == ("tf2_saved_model", ())
        assert {"RestoreV2", "SaveV2"} <= {note.op for note in report.notes}
