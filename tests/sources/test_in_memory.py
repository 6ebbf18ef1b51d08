"""Modules in memory, with objects that stand in for tensorflow_hub's (`hub_stand_ins.py`)."""

import gc
import os
import pathlib
import tempfile

import numpy as np
import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from golden.golden_values import GOLDEN
from tensorflow.core.protobuf import meta_graph_pb2

import converter
from converter import errors
from converter.formats.hub_module import read_saved_model
from converter.sources.registry import open_source
from converter.sources.source import InMemory


def _module_fn(hub, seed=3, is_training=False):
    x = tf1.placeholder(tf.float32, [None, 2])
    kernel = tf1.get_variable("kernel", [2, 3], initializer=tf1.glorot_uniform_initializer(seed))
    mean = tf1.get_variable("mean", [3], initializer=tf1.zeros_initializer(), trainable=False)
    y = tf.matmul(x, kernel) - mean
    if is_training:
        update = tf1.assign_add(mean, tf.reduce_sum(y, 0))
        tf1.add_to_collection(tf1.GraphKeys.UPDATE_OPS, update.op)
    hub.add_signature(inputs=x, outputs=y)


@pytest.fixture
def build(make_spec, hub_api):
    """`build(seed)` is a spec of two graph variants."""

    def make(seed=3):
        variants = [
            (tags, {"hub": hub_api, "seed": seed, "is_training": bool(tags)})
            for tags in (set(), {"train"})
        ]
        return make_spec(_module_fn, variants)

    return make


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files, empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


X = np.array([[1, 2], [3, 4], [5, 7]], np.float32)


def test_a_spec_converts_loads_and_is_verified(build, tmp_path):
    spec = build()
    conversion = converter.convert(spec, tmp_path / "result", verify=True)
    assert conversion.verdict == "equal"
    source = conversion.record.source
    assert (source.name, source.format) == ("module_in_memory", "tf1_hub")
    assert source.in_memory == InMemory(kind="module spec", values="initializers")
    note = "The module spec has no checkpoint: its variables have the values of their own"
    assert conversion.warnings[0].startswith(note)
    counts = "1 callable with a training mode, 2 variables (1 trainable), 0 regularization losses"
    shown = str(conversion).splitlines()
    assert shown[:2] == [f"Converted to {tmp_path / 'result'}", f"  {counts}"]
    assert {f"warning: {warning}" for warning in conversion.warnings} < set(shown)
    assert converter.verify(spec, tmp_path / "result").verdict == "equal"
    loaded, saved = converter.load(spec), tf.saved_model.load(str(tmp_path / "result"))
    np.testing.assert_array_equal(loaded(X), saved(X))
    before = loaded(X, training=True)
    np.testing.assert_allclose(loaded(X), before - tf.reduce_sum(before, 0), rtol=1e-6)


def test_inspect_describes_it_and_scan_runs_nothing(build, monkeypatch):
    spec = build(None)
    with monkeypatch.context() as patch:
        patch.setattr(tf1, "Session", None)
        assert converter.scan(spec).source == "module_in_memory"
    summary = converter.inspect(spec)
    assert summary.source.in_memory.unseeded == ("kernel",)
    assert [warning[:22] for warning in summary.warnings] == [
        "The module spec has no", "The initializers of va",
    ]  # fmt: skip
    assert [variant.tags for variant in summary.graph_variants] == [(), ("train",)]


def test_values_without_seeds_stay_as_long_as_the_spec(build, tmp_path, temporary):
    spec = build(None)
    one = converter.convert(spec, tmp_path / "one").record
    other = converter.convert(spec, tmp_path / "other", verify=True).record
    assert one.source.digest == other.source.digest == converter.inspect(spec).source.digest
    assert (tmp_path / "one" / "saved_model.pb").read_bytes() == (
        tmp_path / "other" / "saved_model.pb"
    ).read_bytes()
    assert converter.convert(build(None), tmp_path / "new").record.source.digest != (
        one.source.digest
    )
    assert list(temporary.iterdir())
    del spec
    gc.collect()
    assert not list(temporary.iterdir())
    with pytest.raises(errors.ParityError, match="was not converted from"):
        converter.verify(build(None), tmp_path / "one")


def test_seeded_values_are_the_same_for_every_spec(build):
    digests = {converter.inspect(build()).source.digest for _ in range(2)}
    assert len(digests | {converter.inspect(build(4)).source.digest}) == 2


def test_a_process_that_was_forked_leaves_the_files_alone(build, temporary):
    spec = build()
    converter.inspect(spec)
    pid = os.fork()
    if not pid:
        del spec
        gc.collect()
        os._exit(0)
    os.waitpid(pid, 0)
    assert list(temporary.iterdir())


def test_nothing_stays_where_an_initializer_is_refused(make_spec, hub_api, temporary, tmp_path):
    file = tmp_path / "number"
    file.write_text("2.5")

    def module_fn():
        text = tf.io.read_file(str(file))
        value = tf1.get_variable("v", initializer=tf.strings.to_number(text)).read_value()
        hub_api.add_signature(outputs=value)

    spec = make_spec(module_fn)
    with pytest.raises(errors.UnsafeModuleError, match="op 'ReadFile' is not allowed"):
        converter.convert(spec, tmp_path / "result")
    assert not list(temporary.iterdir())
    assert converter.scan(spec).worst == "high"
    converter.convert(spec, tmp_path / "result", allow_op=["ReadFile"], verify=True)
    assert tf.saved_model.load(str(tmp_path / "result"))() == 2.5


def test_a_live_module_has_the_values_of_its_session(build, hub_api, tmp_path):
    spec = build()
    with tf.Graph().as_default():
        module = hub_api.Module(spec, name="scope/mine", tags={"train"})
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            kernel = module.variable_map["kernel"]
            session.run(tf1.assign(kernel, [[1, 2, 3], [4, 5, 6]]))
            conversion = converter.convert(module, tmp_path / "result", verify=True)
            assert converter.verify(module, tmp_path / "result").verdict == "equal"
            session.run(tf1.assign(kernel, [[0, 0, 0], [1, 1, 1]]))
            later = converter.load(module)
    assert conversion.record.source.in_memory == InMemory(kind="live module", values="session")
    assert conversion.warnings == ()
    saved = tf.saved_model.load(str(tmp_path / "result"))
    np.testing.assert_array_equal(saved(X), X @ np.array([[1, 2, 3], [4, 5, 6]], np.float32))
    np.testing.assert_array_equal(later(X), X @ np.array([[0, 0, 0], [1, 1, 1]], np.float32))
    assert later(X, training=True).shape == (3, 3)
    with pytest.raises(errors.UsageError, match="and there is none"):
        converter.inspect(module)
    assert converter.scan(module).worst is None


def test_a_session_that_is_passed(build, hub_api, tmp_path, half_plus_two):
    with tf.Graph().as_default() as graph:
        module = hub_api.Module(build())
        initialize = tf1.global_variables_initializer()
    session = tf1.Session(graph=graph)
    session.run(initialize)
    summary = converter.inspect(module, session=session)
    assert summary.source.in_memory.values == "session"
    converter.convert(module, tmp_path / "result", session=session)
    for source in (build(), half_plus_two):
        with pytest.raises(
            errors.UsageError, match=r"the argument session is for a live hub\.Module"
        ):
            converter.load(source, session=session)


def _spec_of(module, hub):
    """The spec that hub makes of a module's directory: paths are in the graph."""
    graphs = list(read_saved_model(module).meta_graphs)
    for graph in graphs:
        assets = graph.collection_def.pop("saved_model_assets", None)
        for value in assets.any_list.value if assets else ():
            asset = meta_graph_pb2.AssetFileDef()
            value.Unpack(asset)
            node, _, _ = asset.tensor_info.name.partition(":")
            [found] = [n for n in graph.graph_def.node if n.name == node]
            path = f"{module}/assets/{asset.filename}".encode()
            found.attr["value"].tensor.string_val[:] = [path]
    return hub.ModuleSpec(graphs, os.fsencode(module / "variables" / "variables"))


@pytest.mark.parametrize(
    "name",
    [
        "text_embedding_oov", "no_variables",
        pytest.param("image_bn_dropout", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_a_spec_that_was_loaded_has_the_values_of_its_checkpoint(name, hub_api, tmp_path):
    module = GOLDEN / name / "module"
    spec = _spec_of(module, hub_api)
    conversion = converter.convert(spec, tmp_path / "result", verify=True)
    assert conversion.verdict == "equal"
    assert conversion.record.source.in_memory.values == "checkpoint"
    plain = converter.convert(module, tmp_path / "plain")
    assert conversion.warnings == plain.warnings
    for part in ("saved_model.pb", "variables/variables.index"):
        assert (tmp_path / "result" / part).read_bytes() == (tmp_path / "plain" / part).read_bytes()


def test_the_assets_of_a_live_result_stay(hub_api, golden_module, temporary):
    loaded = converter.load(_spec_of(golden_module("text_embedding_oov"), hub_api))
    assert loaded(tf.constant(["a cat"])).shape == (1, 6)
    assert list(temporary.iterdir())
    del loaded
    gc.collect()
    assert not list(temporary.iterdir())


def test_errors_name_the_spec_and_not_a_place_that_is_gone(hub_api):
    with (
        pytest.raises(errors.FormatError) as caught,
        open_source(hub_api.ModuleSpec([]), needs_values=False) as source,
    ):
        raise errors.FormatError(f"{source.directory} is odd")
    assert caught.value.message == "the module spec is odd"


def test_a_program_of_tf1_converts_a_path_inside_of_its_graph(golden_module, tmp_path):
    module = golden_module("while_simple")
    plain = converter.convert(module, tmp_path / "plain")
    with tf.Graph().as_default() as graph, tf1.Session(graph=graph):
        inside = converter.convert(module, tmp_path / "inside", verify=True)
        assert converter.load(module) is not None
        assert converter.inspect(module).refused is None
        assert not graph.get_operations()
    assert inside.verdict == "equal"
    assert pathlib.Path(plain.destination, "saved_model.pb").read_bytes() == (
        pathlib.Path(inside.destination, "saved_model.pb").read_bytes()
    )
