"""`convert`, `inspect` and `migrate --dry-run` refuse the same, whichever part has it.

Nothing but TensorFlow's own shape functions decides while a graph is traced.
"""

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest
import tensorflow as tf
from golden.golden_values import GOLDEN
from tensorflow.core.framework import attr_value_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

import converter
from converter import errors
from converter.assemble.reusable import build_reusable
from converter.compile.compile_module import compile_module
from converter.formats.registry import read_module
from converter.migration.outcomes import Refused
from converter.passes import pipeline
from converter.spelling import of_the_command_line

_UNKNOWN = "op 'Frobnicate' is not registered in this TensorFlow"


@dataclasses.dataclass(frozen=True)
class Damage:
    """A change to a golden module that makes it one that cannot be converted.

    Attributes:
      fixture: The golden module.
      change: Changes its SavedModel proto.
      message: A part of the error.
      parts: What is refused for it.
    """

    fixture: str
    change: Callable[[saved_model_pb2.SavedModel], None]
    message: str
    parts: list[str]


def _nodes(saved_model, tags):
    (graph,) = (m for m in saved_model.meta_graphs if set(m.meta_info_def.tags) == set(tags))
    functions = [node for f in graph.graph_def.library.function for node in f.node_def]
    return {node.name: node for node in [*functions, *graph.graph_def.node]}


def _unknown_op(name, tags=()):
    def change(saved_model):
        _nodes(saved_model, tags)[name].op = "Frobnicate"

    return change


def _with_attr(name, key, tags=(), **value):
    def change(saved_model):
        node = _nodes(saved_model, tags)[name]
        node.attr[key].CopyFrom(attr_value_pb2.AttrValue(**value))

    return change


def _integer(name):
    """Makes a Const one of an integer, in all of its attributes."""

    def change(saved_model):
        node = _nodes(saved_model, ())[name]
        node.attr["dtype"].type = types_pb2.DT_INT32
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(1))

    return change


def _without_attr(name, key):
    def change(saved_model):
        del _nodes(saved_model, ())[name].attr[key]

    return change


def _more_inputs(name):
    def change(saved_model):
        node = _nodes(saved_model, ())[name]
        node.input.append(node.input[0])

    return change


def _asset(filename):
    def change(saved_model):
        values = saved_model.meta_graphs[0].collection_def["saved_model_assets"].any_list.value
        asset = meta_graph_pb2.AssetFileDef.FromString(values[0].value)
        asset.filename = filename
        values[0].value = asset.SerializeToString()

    return change


def _damage_a_default(saved_model):
    """Damages the default of an optional argument, which callables give in Python."""
    _with_attr("batch_norm_epsilon/input", "size", i=3)(saved_model)
    for meta_graph in saved_model.meta_graphs:
        del meta_graph.signature_def["image_classification"]  # It has no such argument.


_FILL = "string_to_index/hash_table/table_init"
_IMAGES = ["default", "image_classification", "image_feature_vector",
           "image_feature_vector_with_bn_hparams"]  # fmt: skip
_REGULARIZER = "hidden/kernel/Regularizer"
_UPDATE = "TinyNet/Conv2d_1a_3x3/BatchNorm/AssignMovingAvg"
_DAMAGES = {
    "unknown op that fills a table": Damage(
        "table_in_memory",
        _unknown_op(f"{_FILL}/LookupTableImportV2"),
        _UNKNOWN,
        ["index", "table 'string_to_index/hash_table/hash_table'"],
    ),
    "unknown op that makes the keys of a table": Damage(
        "table_in_memory",
        _unknown_op("string_to_index/Cast"),
        _UNKNOWN,
        ["index", "table 'string_to_index/hash_table/hash_table'"],
    ),
    "table of an unknown attribute": Damage(
        "table_file",
        _with_attr("string_to_index/hash_table/hash_table", "size", i=3),
        "op 'HashTableV2' has no attribute 'size'",
        ["default", "table 'string_to_index/hash_table/hash_table'"],
    ),
    "attribute of a default that no graph has": Damage(
        "image_bn_dropout",
        _damage_a_default,
        "op 'Const' has no attribute 'size'",
        ["default", "image_feature_vector", "image_feature_vector_with_bn_hparams"],
    ),
    "unknown op of a loss": Damage(
        "dense_regularized",
        _unknown_op(f"{_REGULARIZER}/l2_regularizer"),
        _UNKNOWN,
        [f"regularization loss '{_REGULARIZER}/mul:0'"],
    ),
    "unknown op of an endpoint": Damage(
        "image_bn_dropout", _unknown_op("TinyNet/Logits/BiasAdd"), _UNKNOWN, _IMAGES
    ),
    "unknown op of a gradient": Damage(
        "defun_gradient", _unknown_op("clip_by_value/Minimum"), _UNKNOWN, ["default"]
    ),
    "dtype of a constant of a gradient": Damage(
        "defun_gradient",
        _with_attr("clip_by_value/Minimum/y", "dtype", type=types_pb2.DT_INT32),
        "a Const of dtype int32 holds a value of dtype float32",
        ["default"],
    ),
    "dtype of an edge of a gradient": Damage(
        "defun_gradient",
        _integer("clip_by_value/Minimum/y"),
        "has dtype int32, expected float32",
        ["default"],
    ),
    "unknown op of an update": Damage(
        "image_bn_dropout", _unknown_op(f"{_UPDATE}/sub", ["train"]), _UNKNOWN, _IMAGES
    ),
    "attribute of another type": Damage(
        "half_plus_two", _with_attr("add", "T", s=b"float"), "holds s, expected type", ["default"]
    ),
    "dtype of an edge": Damage(
        "half_plus_two",
        _with_attr("add", "T", type=types_pb2.DT_DOUBLE),
        "has dtype float32, expected float64",
        ["default"],
    ),
    "missing attribute": Damage(
        "half_plus_two", _without_attr("add", "T"), "lacks attribute 'T'", ["default"]
    ),
    "number of inputs": Damage(
        "half_plus_two", _more_inputs("add"), "takes 2 inputs, the graph gives 3", ["default"]
    ),
    "asset outside of the module": Damage(
        "table_file", _asset("../../outside.txt"), "outside.txt", ["asset '../../outside.txt'"]
    ),
    "asset that is not there": Damage("table_file", _asset("gone.txt"), "gone.txt",
                                      ["asset 'gone.txt'"]),
}  # fmt: skip


def _change(source, *changes):
    path = source / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for change in changes:
        change(saved_model)
    path.write_bytes(saved_model.SerializeToString())


@pytest.fixture(params=sorted(_DAMAGES))
def damaged(request, golden_module):
    """A damaged golden module, with what is wrong with it."""
    damage = _DAMAGES[request.param]
    source = golden_module(damage.fixture)
    _change(source, damage.change)
    return source, damage


def test_what_convert_refuses_is_foreseen(damaged, tmp_path):
    source, damage = damaged
    with pytest.raises(errors.ConversionError) as caught:
        converter.convert(source, tmp_path / "out")
    assert damage.message in str(caught.value)
    summary = converter.inspect(source)
    assert summary.refused == str(caught.value)
    (refusal,) = summary.refusals
    assert refusal.error == summary.refused
    assert refusal.type == type(caught.value).__name__
    assert list(refusal.callables) == damage.parts


def test_two_reasons_do_not_hide_each_other(golden_module):
    source = golden_module("table_in_memory")
    _change(
        source,
        _unknown_op("key_value_init/LookupTableImportV2"),
        _with_attr("hash_table_1", "size", i=3),
    )
    refusals = converter.inspect(source).refusals
    assert [refusal.callables for refusal in refusals] == [
        ("remap", "table 'hash_table_1'"), ("wave_length", "table 'hash_table'"),
    ]  # fmt: skip


def test_a_dry_run_refuses_each(tmp_path):
    for name, damage in _DAMAGES.items():
        source = tmp_path / "src" / name.replace(" ", "_")
        shutil.copytree(GOLDEN / damage.fixture / "module", source)
        _change(source, damage.change)
    report = converter.migrate(tmp_path / "src", tmp_path / "dst", dry_run=True, workers=1)
    assert not report.not_run
    found = {outcome.path.replace("_", " "): outcome for outcome in report.outcomes}
    assert set(found) == set(_DAMAGES)
    for name, outcome in found.items():
        assert isinstance(outcome, Refused)
        assert _DAMAGES[name].message in outcome.error.message
        refusals = converter.inspect(outcome.source).refusals
        assert outcome.error.text == refusals[0].error
        with of_the_command_line():  # As a journal has them.
            assert outcome.refusals == converter.inspect(outcome.source).refusals
    assert found["unknown op of a loss"].error.kind == "UnsupportedOpError"
    assert found["missing attribute"].error.kind == "FormatError"


def _run(*arguments):
    """The JSON that a command prints, and the error line that it ends with."""
    command = [sys.executable, "-m", "converter", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    errors_ = [line for line in done.stderr.splitlines() if line.startswith("tf1hub: error: ")]
    return json.loads(done.stdout or "null"), errors_


@pytest.mark.slow
def test_commands_say_the_same_of_a_table_that_an_unknown_op_fills(tmp_path):
    source = tmp_path / "src" / "tables"
    shutil.copytree(GOLDEN / "table_in_memory" / "module", source)
    _change(source, _unknown_op(f"{_FILL}/LookupTableImportV2"))
    _, (line,) = _run("convert", source, tmp_path / "out")
    message = line.removeprefix("tf1hub: error: ")
    assert _UNKNOWN in message
    assert f"{_FILL}/LookupTableImportV2" in message
    summary, no_error = _run("inspect", source, "--json")
    assert not no_error
    assert [refusal["error"] for refusal in summary["refusals"]] == [message]
    report, _ = _run(
        "migrate", tmp_path / "src", tmp_path / "dst", "--dry-run", "--json", "--workers", 1
    )
    assert [each["refusals"] for each in report["outcomes"]] == [summary["refusals"]]
    assert not (tmp_path / "dst").exists()


_TRACED = ("bert_tiny", "defun_gradient", "dense_regularized", "image_bn_dropout", "sparse_input",
           "table_in_memory", "while_nested")  # fmt: skip


def _check_that_tracing_reads_only(name, monkeypatch):
    legacy = read_module(GOLDEN / name / "module")
    compiled = compile_module(legacy)

    def fail(*_):
        raise AssertionError("a graph is lowered while another is traced")

    monkeypatch.setattr(pipeline, "trace_passes", fail)
    assert build_reusable(compiled, live=False).signatures


@pytest.mark.parametrize("name", _TRACED)
def test_nothing_is_lowered_while_tracing(name, monkeypatch):
    _check_that_tracing_reads_only(name, monkeypatch)


@pytest.mark.slow
def test_of_no_module_is_anything_lowered_while_tracing(fixture_name, monkeypatch):
    _check_that_tracing_reads_only(fixture_name, monkeypatch)
