"""`converter.scan`: the report on a directory."""

import os
import time

import pytest
from google.protobuf import text_format
from hostile_models import PLACES, add_node
from tensorflow.core.protobuf import saved_model_pb2

import converter
from converter import errors


@pytest.fixture
def scan_edited(half_plus_two, edit):
    """`scan_edited(change)` scans a copy of a module whose MetaGraphDef was changed."""

    def scan(change, *arguments):
        with edit(half_plus_two) as saved_model:
            change(saved_model.meta_graphs[0], *arguments)
        return converter.scan(half_plus_two)

    return scan


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


def test_it_reads_the_metadata_of_keras(half_plus_two):
    (half_plus_two / "keras_metadata.pb").write_bytes(b"\xff\xff")
    (finding,) = converter.scan(half_plus_two).findings
    assert (finding.severity, finding.file) == ("medium", "keras_metadata.pb")


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
    with pytest.raises(errors.FormatError, match="is one file of a model"):
        converter.scan(half_plus_two / "saved_model.pb")
    (half_plus_two / "saved_model.pb").unlink()
    (half_plus_two / "saved_model.pb").symlink_to("/etc/hostname")
    with pytest.raises(errors.UnsafeModuleError, match="outside of the module"):
        converter.scan(half_plus_two)


@pytest.mark.parametrize("name", ["saved_model.pb", "saved_model.pbtxt", "keras_metadata.pb"])
def test_files_of_gigabytes_are_not_read(name, half_plus_two):
    if name.endswith("pbtxt"):
        (half_plus_two / "saved_model.pb").unlink()
    (half_plus_two / name).touch()
    os.truncate(half_plus_two / name, 3 << 30)
    start = time.perf_counter()
    with pytest.raises(errors.FormatError, match=f"{name} has 3,221,225,472 bytes, expected"):
        converter.scan(half_plus_two)
    assert time.perf_counter() - start < 20


def test_files_that_it_does_not_read_may_be_of_any_size(half_plus_two):
    for name in ("fingerprint.pb", "variables/variables.data-00000-of-00001", "tfhub_module.pb"):
        (half_plus_two / name).touch()
        os.truncate(half_plus_two / name, 3 << 30)
    assert converter.scan(half_plus_two).findings == ()


def test_every_golden_module_does_no_harm(fixture_name, golden_source):
    report = converter.scan(golden_source(fixture_name))
    # Keras leaves ops in the graph that saved the model while it was exported.
    left = [f for f in report.findings if f.severity != "low" or f.runs]
    assert left == []
    assert (report.findings == ()) is (fixture_name != "saved_model_keras")


@pytest.fixture(scope="session")
def golden_source():
    from conftest import _GOLDEN

    return lambda name: _GOLDEN / name / "module"


def test_what_we_write_does_no_harm(golden_module, tmp_path):
    for name in ("text_embedding_oov", "image_bn_dropout", "tf_function"):
        converter.convert(golden_module(name), tmp_path / "result", overwrite=True)
        report = converter.scan(tmp_path / "result")
        assert (report.format, report.findings) == ("tf2_saved_model", ())
        assert {"RestoreV2", "SaveV2"} <= {note.op for note in report.notes}
