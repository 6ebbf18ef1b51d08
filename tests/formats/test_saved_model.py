"""SavedModels of TF 1.15, edited and damaged; `tests/golden` compares the values of all of them."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2

import converter
from converter import errors
from converter.formats.registry import read_module


@pytest.fixture
def saved_model(golden_module):
    """`saved_model("main_op")` is a copy of that fixture."""
    return lambda name: golden_module(f"saved_model_{name}")


def _program(path):
    (program,) = read_module(path).variants.values()
    return program


def test_it_is_not_a_module_for_hub(saved_model):
    module = read_module(saved_model("simple_save"))
    assert (module.format, module.is_hub_module) == ("tf1_saved_model", False)


def test_text_reads_like_bytes(saved_model):
    path = saved_model("main_op")
    expected = _program(path)
    content = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    (path / "saved_model.pbtxt").write_text(text_format.MessageToString(content))
    (path / "saved_model.pb").unlink()
    assert _program(path) == expected


def test_keys_differ_from_names(saved_model):
    specs = _program(saved_model("other_keys")).variables.values()
    assert {spec.name: spec.checkpoint_key for spec in specs} == {
        "new/kernel": "old/weights",
        "new/bias": "swapped/bias",
        "swapped/bias": "new/bias",
        "swapped/kernel": "shadow/kernel",
    }


def test_parts_lie_in_one_entry(saved_model):
    specs = _program(saved_model("partitioned")).variables.values()
    assert {s.checkpoint_key for s in specs} == {"embeddings"}
    assert [s.slice.offset for s in specs] == [(0, 0), (4, 0), (7, 0)]


@pytest.mark.parametrize("name", ["main_op", "legacy_init_op"])
def test_the_init_op_fills_tables_from_assets(name, saved_model):
    program = _program(saved_model(name))
    (table,) = program.tables.values()
    assert len(table.initializers) == 1
    assert {a.filename for a in program.assets.values()} == {"words.txt"}


def test_a_table_that_the_init_op_does_not_fill_is_empty(saved_model, edit):
    path = saved_model("main_op")
    with edit(path) as content:
        graph = content.meta_graphs[0]
        graph.graph_def.node.add(name="nothing", op="NoOp")
        graph.collection_def["saved_model_main_op"].node_list.value[:] = ["nothing"]
    assert [table.initializers for table in _program(path).tables.values()] == [()]


def test_the_message_of_assets_comes_before_their_collection(saved_model, edit):
    path = saved_model("main_op")
    shutil.copy(path / "assets" / "words.txt", path / "assets" / "other.txt")
    with edit(path) as content:
        graph = content.meta_graphs[0]
        listed = graph.collection_def["saved_model_assets"].any_list.value[0]
        asset = graph.asset_file_def.add()
        asset.ParseFromString(listed.value)
        asset.filename = "other.txt"
    assert {a.filename for a in _program(path).assets.values()} == {"other.txt"}


def test_loaders_signatures_are_not_for_users(saved_model):
    module = read_module(saved_model("keras"))
    names = {tuple(tags): set(p.signatures) for tags, p in module.variants.items()}
    assert names == {("serve",): {"serving_default"}, ("train",): {"train"}, ("eval",): {"eval"}}


def test_training_signatures_and_ops_are_left_out_by_name(saved_model):
    program = _program(saved_model("train_step"))
    assert set(program.signatures) == {"serving_default", "loss"}
    left_out = {(omission.what, omission.name) for omission in program.omissions}
    assert left_out == {
        ("signature", "step"), ("signature", "set_bias"), ("train op", "GradientDescent"),
    }  # fmt: skip


def test_without_a_saver_variables_go_by_their_names(saved_model, edit):
    path = saved_model("simple_save")
    with edit(path) as content:
        content.meta_graphs[0].ClearField("saver_def")
    assert {s.checkpoint_key for s in _program(path).variables.values()} == {
        "layer/bias", "layer/kernel",
    }  # fmt: skip


def test_variables_of_no_collection_are_restored_too(saved_model, edit):
    path = saved_model("simple_save")
    with edit(path) as content:
        content.meta_graphs[0].collection_def.clear()
    assert len(_program(path).variables) == 2


def test_local_variables_have_initial_values(saved_model):
    module = read_module(saved_model("local_variables"))
    values = module.checkpoint.initial_values
    np.testing.assert_array_equal(values["scale"], np.float32([1.5, 2.5]), strict=True)
    np.testing.assert_array_equal(values["count"], np.int64(1), strict=True)
    assert "'noise/Initializer/random_normal'" in module.checkpoint.unknown_values["noise"]


def test_a_variable_that_is_random_is_refused_by_name_where_it_is_used(saved_model, edit, tmp_path):
    path = saved_model("local_variables")
    with edit(path) as content:
        graph = content.meta_graphs[0]
        output = graph.signature_def["serving_default"].outputs["default"]
        output.name = "noise/read:0"
        output.tensor_shape.Clear()
        output.tensor_shape.dim.add(size=2)
    with pytest.raises(errors.WeightsError, match="variable 'noise' has no value") as caught:
        converter.convert(path, tmp_path / "out")
    assert "which is not a constant" in str(caught.value)


def test_an_init_op_that_resets_trained_variables_is_refused(saved_model, edit, tmp_path):
    """So does `tf.saved_model.main_op.main_op()`: what a loader restores, it makes random."""
    path = saved_model("simple_save")
    with edit(path) as content:
        graph = content.meta_graphs[0]
        graph.graph_def.node.add(name="main", op="NoOp", input=["^layer/kernel/Assign"])
        graph.collection_def["saved_model_main_op"].node_list.value[:] = ["main"]
    with pytest.raises(errors.WeightsError, match="'layer/kernel' has no value: when it has been"):
        converter.convert(path, tmp_path / "out")


def test_graph_variants_that_initialize_a_variable_differently(saved_model, edit):
    path = saved_model("local_variables")
    with edit(path) as content:
        other = content.meta_graphs.add()
        other.CopyFrom(content.meta_graphs[0])
        other.meta_info_def.tags[:] = ["eval"]
        node = next(n for n in other.graph_def.node if n.name == "scale/Assign")
        node.input[1] = "scale/Assign/other"
        constant = other.graph_def.node.add(name="scale/Assign/other", op="Const")
        constant.attr["dtype"].type = 1
        constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.float32([3, 4])))
    module = read_module(path)
    reason = "two graph variants initialize it differently"
    assert module.checkpoint.unknown_values["scale"] == reason


def test_two_graphs_with_one_tag_set_are_refused(saved_model, edit, refusal):
    path = saved_model("simple_save")
    with edit(path) as content:
        content.meta_graphs.add().CopyFrom(content.meta_graphs[0])
    assert "tag set ['serve'] occurs twice" in str(refusal(path))


def test_no_graph_is_refused(saved_model, edit, refusal):
    path = saved_model("simple_save")
    with edit(path) as content:
        del content.meta_graphs[:]
    assert "saved_model.pb holds no graph" in str(refusal(path))


def test_without_a_saver_it_converts_and_compares(saved_model, edit, tmp_path):
    path = saved_model("simple_save")
    with edit(path) as content:
        content.meta_graphs[0].ClearField("saver_def")
    converter.convert(path, tmp_path / "out")
    report = converter.verify(path, tmp_path / "out")
    assert report.passed, report.sentence()


def test_a_stored_table_is_filled_before_the_init_op_runs(saved_model):
    table = _program(saved_model("stored_tables")).tables["ids"]
    restored, inserted = table.initializers
    assert restored.startswith("save/")
    assert inserted.startswith("ids_lookup_table_insert")


def test_a_table_that_the_checkpoint_lacks_is_refused_by_name(saved_model, edit, tmp_path):
    path = saved_model("stored_tables")
    with edit(path) as content:
        nodes = {node.name: node for node in content.meta_graphs[0].graph_def.node}
        names = nodes["save/RestoreV2/tensor_names"].attr["value"].tensor.string_val
        names[list(names).index(b"dense-keys")] = b"lost"
    with pytest.raises(errors.WeightsError, match="table 'dense' cannot be restored") as caught:
        converter.convert(path, tmp_path / "out")
    assert "the checkpoint has no tensor 'lost'" in str(caught.value)
    assert "--allow-op" not in str(caught.value)


def test_stored_tables_work_through_every_door(saved_model, tmp_path):
    path = saved_model("stored_tables")
    converter.convert(path, tmp_path / "out")
    shutil.rmtree(path)
    module = tf.saved_model.load(str(tmp_path / "out"))
    again = str(tmp_path / "again")
    tf.saved_model.save(module, again, signatures=module.signatures)
    del module
    served = tf.saved_model.load(again).signatures["serving_default"]
    assert served(words=tf.constant(["hello", "table", "?"]))["ids"].numpy().tolist() == [30, 5, -1]
    for saved in (str(tmp_path / "out"), again):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            graph = tf.compat.v1.saved_model.load(session, ["serve"], saved)
            signature = graph.signature_def["serving_default"]
            feeds = {signature.inputs["words"].name: ["hello", "table", "?"]}
            ids = session.run(signature.outputs["ids"].name, feeds)
        assert ids.tolist() == [30, 5, -1]
