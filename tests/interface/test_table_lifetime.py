"""Tables of converted modules live as long as anything uses them, and no longer.

Users save a model and go on with it, keep one signature of it, load it twice, wrap it and save it
again. A table that went with another object, or that two models shared, would show here only.
"""

import copy
import dataclasses
import gc
import pathlib
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf
from golden.converted_model import ConvertedModel, convert_to_disk
from golden.golden_values import GOLDEN, read_golden
from golden.test_golden import assert_equal

import converter
from converter.formats.registry import read_module
from interface.test_keras_layer import TENSORFLOW, keras_2
from interface.test_session_loader import check_in_session

# From a file, in memory, and one that could be changed.
_FAST = ("table_in_memory", "table_mutable", "text_embedding_oov")
_SLOW = (
    "language_model", "module_of_saved_model", "nested_text", "saved_model_legacy_init_op",
    "saved_model_main_op", "saved_model_stored_tables",
    "table_file", "table_file_oov", "table_index_to_string", "table_key_value",
    "table_ref_handles", "table_shared_asset", "text_embedding_mean", "text_embedding_weighted",
)  # fmt: skip


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        slow = [pytest.param(name, marks=pytest.mark.slow) for name in _SLOW]
        metafunc.parametrize("name", [*_FAST, *slow])


@pytest.fixture
def model(name):
    """A converted golden module with a table, loaded anew."""
    return convert_to_disk(name).load()


def _as_loaded(model, loaded):
    return ConvertedModel(model.path, model.record, loaded)


def _check(model, name):
    for call in read_golden(name).calls:
        outputs, _ = model.run(call)
        for key, expected in call.outputs.items():
            assert_equal(expected, outputs[key], f"{key} of {call.signature}")


def _save(module, path, signatures=None):
    tf.saved_model.save(module, str(path), signatures=signatures)
    gc.collect()


@pytest.mark.slow
def test_no_module_with_tables_is_left_out(fixture_name):
    programs = read_module(GOLDEN / fixture_name / "module").variants.values()
    has_tables = any(program.tables for program in programs)
    assert has_tables == (fixture_name in {*_FAST, *_SLOW})


def test_it_works_on_after_it_was_saved(model, name, tmp_path):
    for number in range(2):
        _save(model.loaded, tmp_path / str(number), model.loaded.signatures)
        _check(model, name)


def test_the_copy_works_in_python_and_in_a_session(model, name, tmp_path):
    _save(model.loaded, tmp_path / "copy", model.loaded.signatures)
    loaded = tf.saved_model.load(str(tmp_path / "copy"))
    _check(_as_loaded(model, loaded), name)
    calls = read_golden(name).calls
    check_in_session(dataclasses.replace(model, path=tmp_path / "copy"), calls)
    _save(loaded, tmp_path / "copy of copy", loaded.signatures)
    _check(_as_loaded(model, loaded), name)
    check_in_session(dataclasses.replace(model, path=tmp_path / "copy of copy"), calls)


def test_a_module_that_holds_it_twice_is_saved_and_both_work(model, name, tmp_path):
    holder = tf.Module()
    holder.one, holder.other = model.loaded, tf.saved_model.load(str(model.path))
    _save(holder, tmp_path / "holder")
    again = tf.saved_model.load(str(tmp_path / "holder"))
    for loaded in (holder.one, holder.other, again.one, again.other):
        _check(_as_loaded(model, loaded), name)


def test_of_two_loads_one_can_go(model, name):
    second = tf.saved_model.load(str(model.path))
    _check(_as_loaded(model, second), name)
    del second
    gc.collect()
    _check(model, name)


def test_a_signature_works_when_it_is_all_that_is_kept(name):
    converted = convert_to_disk(name)
    for call in read_golden(name).calls:
        signature = tf.saved_model.load(str(converted.path)).signatures[call.signature]
        gc.collect()
        outputs = signature(**{key: tf.constant(value) for key, value in call.inputs.items()})
        for key, expected in call.outputs.items():
            actual = outputs[key].numpy()
            actual = np.array(actual, dtype=object) if isinstance(actual, bytes) else actual
            assert_equal(expected, actual, key)


def test_it_fills_its_tables_again(model, name):
    for table in _tables(model.loaded):
        table._initialize()
    _check(model, name)


def _tables(loaded):
    kind = tf.saved_model.experimental.TrackableResource
    return [r for r in loaded.tf1_resources if isinstance(r, kind)]


def test_a_copy_of_a_table_can_go(model, name):
    """Saving makes such copies; a whole model can be copied, too."""
    tables = [copy.copy(table) for table in _tables(model.loaded)]
    assert tables
    del tables
    gc.collect()
    _check(model, name)


@pytest.mark.parametrize(
    ("kind", "devices"),
    [(tf.distribute.MirroredStrategy, ["CPU:0"]), (tf.distribute.OneDeviceStrategy, "CPU:0")],
)
def test_it_works_in_the_scope_of_a_strategy(kind, devices, name):
    converted, strategy = convert_to_disk(name), kind(devices)
    with strategy.scope():
        model = converted.load()
        strategy.run(_check, args=(model, name))
    del model
    gc.collect()


@pytest.fixture
def live(name, tmp_path):
    """A live module with a table, whose source can be moved away."""
    source = shutil.copytree(GOLDEN / name / "module", tmp_path / "source")
    return source, _as_loaded(convert_to_disk(name), converter.load(source))


def test_a_live_module_works_on_after_it_was_saved(live, name, tmp_path):
    source, model = live
    _save(model.loaded, tmp_path / "saved")
    _check(model, name)
    source.rename(tmp_path / "elsewhere")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    del model
    gc.collect()
    _check(_as_loaded(convert_to_disk(name), loaded), name)


def test_two_live_modules_in_one_do_not_meet(live, name, tmp_path):
    source, model = live
    holder = tf.Module()
    holder.one, holder.other = model.loaded, converter.load(source)
    _save(holder, tmp_path / "holder")
    again = tf.saved_model.load(str(tmp_path / "holder"))
    del holder.other
    gc.collect()
    for loaded in (holder.one, again.one, again.other):
        _check(_as_loaded(model, loaded), name)


def test_a_change_to_a_mutable_table_is_seen_by_one_load_only():
    path = str(convert_to_disk("table_mutable").path)
    one, other = tf.saved_model.load(path), tf.saved_model.load(path)
    (table,) = _tables(one)
    words = tf.constant(["x", "new"])
    before = other(words, return_endpoints=True)["default"].numpy()
    tf.raw_ops.LookupTableInsertV2(
        table_handle=table.resource_handle, keys=words, values=tf.constant([70, 80], tf.int64)
    )
    assert one(words, return_endpoints=True)["default"].numpy().tolist() == [70, 80]
    assert other(words, return_endpoints=True)["default"].numpy().tolist() == before.tolist()


def test_memory_is_given_back(tmp_path):
    """Each of these tables has some 7 MB. TensorFlow's own would stay."""
    source = shutil.copytree(GOLDEN / "table_file" / "module", tmp_path / "source")
    (source / "assets" / "words.txt").write_text("".join(f"word{i:08d}\n" for i in range(100_000)))
    converter.convert(source, tmp_path / "out")

    def use():
        tf.saved_model.load(str(tmp_path / "out"))(tf.constant(["word00000005"]))
        gc.collect()

    for _ in range(3):
        use()
    before = _resident_mib()
    for _ in range(12):
        use()
    assert _resident_mib() - before < 40


def _resident_mib():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


# Keras.


def _keras_model(path):
    import tensorflow_hub as hub

    layer = hub.KerasLayer(str(path), trainable=True, input_shape=[], dtype=tf.string)
    model = keras_2().Sequential([layer])
    model.compile("sgd", "mse")
    return model


_WORDS = tf.constant(["cat zebra", "the", "unheard of"])


@pytest.fixture
def keras_model():
    """A text module in Keras, with what it predicts."""
    model = _keras_model(convert_to_disk("text_embedding_oov").path)
    return model, model.predict(_WORDS, verbose=0)


def test_keras_predicts_on_after_saving(keras_model, tmp_path):
    model, before = keras_model
    model.save(str(tmp_path / "model"), save_format="tf")
    gc.collect()
    np.testing.assert_array_equal(model.predict(_WORDS, verbose=0), before)
    again = keras_2().models.load_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(_WORDS, verbose=0), before)


@pytest.mark.skipif(
    TENSORFLOW < (2, 16), reason="Keras 2.15 exports no model with tables but those of its layers"
)
def test_keras_predicts_on_after_exporting(keras_model, tmp_path):
    model, before = keras_model
    model.export(str(tmp_path / "model"))
    gc.collect()
    np.testing.assert_array_equal(model.predict(_WORDS, verbose=0), before)
    again = tf.saved_model.load(str(tmp_path / "model"))
    np.testing.assert_array_equal(again.serve(_WORDS), before)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path / "model"))
        signature = graph.signature_def["serving_default"]
        (fed,), (fetched,) = signature.inputs.values(), signature.outputs.values()
        for _ in range(2):
            found = session.run(fetched.name, {fed.name: _WORDS_ARRAY})
            np.testing.assert_array_equal(found, before)


_WORDS_ARRAY = _WORDS.numpy()


@pytest.mark.parametrize("options", [{"save_format": "tf"}, {"save_weights_only": True}])
def test_keras_trains_on_after_each_checkpoint(options, keras_model, tmp_path):
    model, _ = keras_model
    targets = np.zeros(model.predict(_WORDS, verbose=0).shape, np.float32)
    checkpoint = keras_2().callbacks.ModelCheckpoint(str(tmp_path / "{epoch}"), **options)
    history = model.fit(_WORDS, targets, epochs=3, verbose=0, callbacks=[checkpoint]).history
    assert history["loss"][-1] < history["loss"][0]


# Other processes.

_TWO_DEVICES = """
    import sys
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    words = tf.constant(["cat zebra", "the", "unheard of"])
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        loaded = tf.saved_model.load(sys.argv[1])
    expected = loaded(words).numpy().tolist()
    saved = lambda: tf.saved_model.save(loaded, sys.argv[2])
    for step in (lambda: None, saved):
        step()
        replicas = strategy.run(tf.function(lambda: loaded(words)))
        for values in strategy.experimental_local_results(replicas):
            assert values.numpy().tolist() == expected, values
    assert len(strategy.experimental_local_results(replicas)) == 2
    assert tf.saved_model.load(sys.argv[2])(words).numpy().tolist() == expected
    print(expected)
"""


def test_it_works_on_two_devices_of_another_process(tmp_path):
    path = convert_to_disk("text_embedding_mean").path
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_TWO_DEVICES), str(path), str(tmp_path / "saved")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    here = tf.saved_model.load(str(path))(_WORDS).numpy().tolist()
    assert run.stdout.strip().splitlines()[-1] == str(here)
