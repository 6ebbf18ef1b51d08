"""A model's own saver, savers that were left behind, and those that write elsewhere."""

import pytest
from google.protobuf import text_format
from hostile_models import add_node, add_string

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


def test_it_does_nothing_because_the_saver_is_the_models_own(inspect_changed):
    report = inspect_changed(_add_saver)
    assert report.findings == ()
    assert {(n.op, n.runs) for n in report.notes} == {
        ("SaveV2", ("save",)), ("MergeV2Checkpoints", ("save",)), ("RestoreV2", ("load",)),
    }  # fmt: skip
    assert {note.severity for note in report.notes} == {"info"}


def test_it_does_nothing_because_nothing_runs_the_saver_that_was_left(inspect_changed):
    report = inspect_changed(_add_saver, False)
    assert report.findings == ()
    assert [note.runs for note in report.notes] == [()] * 3


def test_a_saver_that_a_call_runs(inspect_changed):
    def change(meta_graph):
        _add_saver(meta_graph)
        meta_graph.signature_def["default"].outputs["more"].name = "saved:0"

    found = {(f.severity, f.op) for f in inspect_changed(change).findings}
    assert found == {("high", "SaveV2"), ("high", "MergeV2Checkpoints")}


@pytest.mark.parametrize("value", [b"/../../etc/cron.d/x", b"model"])
def test_a_saver_that_writes_elsewhere(value, inspect_changed):
    def change(meta_graph):
        _add_saver(meta_graph)
        part = next(node for node in meta_graph.graph_def.node if node.name == "part")
        part.attr["value"].tensor.string_val[0] = value
        if value == b"model":  # It no longer starts with the name of the checkpoint.
            join = next(node for node in meta_graph.graph_def.node if node.name == "join")
            join.input[:] = ["part", "part"]

    assert {f.op for f in inspect_changed(change).findings} == {"SaveV2", "MergeV2Checkpoints"}


def test_a_checkpoint_with_a_constant_name(inspect_changed):
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

    report = inspect_changed(change)
    assert [(f.severity, f.node) for f in report.findings] == [("high", "run"), ("low", "idle")]
    assert [note.node for note in report.notes] == ["unused", "initial"]
