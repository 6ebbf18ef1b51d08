"""Models with the layer are saved, carried elsewhere, loaded, and trained on."""

import gc
import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import converter
from converter.keras import ModuleLayer

# Keras reads HDF5 from within the zip archive, in which these lose their place (gh-127847).
pytestmark = pytest.mark.skipif(
    (3, 12) <= sys.version_info < (3, 12, 9) or (3, 13) <= sys.version_info < (3, 13, 2),
    reason="zipfile of this Python misreads archives",
)
IMAGE = "image_bn_dropout"


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    return random.random((16, 16, 16, 3), dtype=np.float32), random.integers(0, 4, 16)


def _make_model(path, **arguments):
    layer = ModuleLayer(path, **arguments)
    layer.freeze("TinyNet/Logits")
    head = keras.layers.Dense(4, "softmax")
    return keras.Sequential([keras.Input((16, 16, 3)), layer, head])


def _train(model, data):
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy")
    model.fit(*data, batch_size=8, verbose=0)


def _assert_equal(one, other, data):
    assert [w.name for w in one.weights] == [w.name for w in other.weights]
    for left, right in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(left.numpy(), right.numpy())
    np.testing.assert_allclose(
        one.predict(data[0], verbose=0), other.predict(data[0], verbose=0), rtol=1e-6
    )


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_keras_file_brings_the_model_along(own, data, tmp_path, is_gone):
    path = own(IMAGE)
    model = _make_model(path, batch_norm_momentum=0.5)
    _train(model, data)
    model.save(tmp_path / "model.keras")
    if is_gone:
        shutil.rmtree(path)
    again = keras.models.load_model(tmp_path / "model.keras")
    _assert_equal(again, model, data)
    layer = again.layers[0]
    assert [w.name for w in layer.trainable_weights] == [
        w.name for w in model.layers[0].trainable_weights
    ]
    np.testing.assert_allclose(sum(again.losses), sum(model.losses), rtol=1e-6)
    # The optimizer, whose slots belong to these variables, goes on where it was.
    for one, other in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    again.fit(*data, batch_size=8, verbose=0, shuffle=False)
    assert any(
        np.any(one.numpy() != other.numpy())
        for one, other in zip(layer.weights, model.layers[0].weights, strict=True)
    )
    again.save(tmp_path / "again.keras")
    _assert_equal(keras.models.load_model(tmp_path / "again.keras"), again, data)


def test_another_model_at_the_path_is_not_taken(own, converted, data, tmp_path):
    path = own(IMAGE)
    model = _make_model(path)
    _train(model, data)
    model.save(tmp_path / "model.keras")
    shutil.rmtree(path)
    shutil.copytree(converted("image_default_mean"), path)
    _assert_equal(keras.models.load_model(tmp_path / "model.keras"), model, data)


def test_a_functional_model_of_several_inputs(own, tmp_path):
    path = own("bert_tiny")
    names = ("input_ids", "input_mask", "segment_ids")
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    encoded = ModuleLayer(path, "tokens")(inputs)
    model = keras.Model(inputs, [encoded["pooled_output"], encoded["sequence_output"]])
    model.save(tmp_path / "model.keras")
    shutil.rmtree(path)
    again = keras.models.load_model(tmp_path / "model.keras")
    values = {name: np.ones((2, 5), np.int32) for name in names}
    for one, other in zip(again(values), model(values), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_loaded_model_knows_that_xla_cannot_compile_it(own, tmp_path):
    path = own("elmo")
    model = keras.Sequential([keras.Input((), dtype="string"), ModuleLayer(path)])
    model.save(tmp_path / "model.keras")
    shutil.rmtree(path)
    # As it is while Keras compiles the model, before it unpacks the SavedModel.
    assert not ModuleLayer.from_config(model.layers[0].get_config()).supports_jit
    again = keras.models.load_model(tmp_path / "model.keras")
    assert not again.layers[0].supports_jit
    assert {w.name for w in again.weights} == {w.name for w in model.weights}


@pytest.mark.slow
def test_a_keras_file_in_a_fresh_process(own, tmp_path):
    path = own("text_embedding_oov")
    layer = ModuleLayer(path)
    model = keras.Sequential([keras.Input((), dtype="string"), layer, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    sentences = tf.constant(["a cat", "the zebra", "unheard of"])
    model.fit(sentences, np.ones((3, 1)), verbose=0)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "expected.npy", model(sentences))
    shutil.rmtree(path)
    script = (
        "import keras, numpy as np, tensorflow as tf, converter.keras\n"
        "model = keras.models.load_model('model.keras')\n"
        "sentences = tf.constant(['a cat', 'the zebra', 'unheard of'])\n"
        "np.testing.assert_allclose(model(sentences), np.load('expected.npy'), rtol=1e-6)\n"
        "model.fit(sentences, np.ones((3, 1)), verbose=0)\n"
    )
    subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


def test_files_of_weights(converted, data, tmp_path):
    model = _make_model(converted(IMAGE))
    _train(model, data)
    model.save_weights(tmp_path / "model.weights.h5")
    other = _make_model(converted(IMAGE))
    other.load_weights(tmp_path / "model.weights.h5")
    _assert_equal(other, model, data)
    model.save(tmp_path / "model.keras")
    third = _make_model(converted(IMAGE))
    third.load_weights(tmp_path / "model.keras")
    _assert_equal(third, model, data)


def test_weights_of_every_dtype(converted, tmp_path):
    model = keras.Sequential(
        [keras.Input((), dtype="int32"), ModuleLayer(converted("dtypes_variables"))]
    )
    for weight in model.weights:
        weight.assign(tf.ones_like(weight.value))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert len(again.weights) == 15
    for weight in again.weights:
        assert np.all(weight.numpy() == 1), weight.name


def test_the_weights_of_another_module_are_refused(converted):
    store = {}
    layer = ModuleLayer(converted(IMAGE))
    layer.save_own_variables(store)
    with pytest.raises(converter.WeightsError, match="they have 'TinyNet/Conv2d_1a"):
        ModuleLayer(converted("no_variables")).load_own_variables(store)
    del store["TinyNet%2FLogits%2Fweights"]
    with pytest.raises(converter.WeightsError, match="they lack 'TinyNet/Logits/weights'"):
        layer.load_own_variables(store)


def test_configurations(converted, data):
    layer = ModuleLayer(
        converted(IMAGE), "image_feature_vector", trainable=False, name="net",
        output_key="TinyNet/Logits", dtype="mixed_float16", batch_norm_momentum=0.25,
    )  # fmt: skip
    layer.freeze("BatchNorm")
    config = json.loads(json.dumps(layer.get_config()))
    again = ModuleLayer.from_config(config)
    assert again.get_config() == layer.get_config()
    assert again.name == "net"
    assert not again.trainable
    np.testing.assert_array_equal(again(data[0]), layer(data[0]))
    again.trainable = layer.trainable = True
    assert len(again.trainable_weights) == len(layer.trainable_weights) == 4


def test_a_clone_starts_as_converted(converted, data):
    model = _make_model(converted(IMAGE))
    _train(model, data)
    clone = keras.models.clone_model(model)
    fresh = ModuleLayer(converted(IMAGE))
    for one, other in zip(clone.layers[0].weights, fresh.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert [w.name for w in clone.layers[0].trainable_weights] == [
        w.name for w in model.layers[0].trainable_weights
    ]


def test_a_configuration_alone_cannot_be_called(own, data):
    path = own(IMAGE)
    config = ModuleLayer(path).get_config()
    shutil.rmtree(path)
    layer = ModuleLayer.from_config(config)
    assert layer.compute_output_spec(data[0]).shape == (None, 8)
    with pytest.raises(converter.UsageError, match="is not the module that the layer was made"):
        layer(data[0])


@pytest.mark.parametrize("damage", [{"interface": {}}, {"interface": None}])
def test_a_damaged_configuration(converted, damage):
    config = {**ModuleLayer(converted(IMAGE)).get_config(), **damage}
    with pytest.raises(converter.UsageError, match="is not one of a ModuleLayer"):
        ModuleLayer.from_config(config)


def test_what_is_gone_cannot_be_saved(own, tmp_path):
    path = own(IMAGE)
    model = _make_model(path)
    shutil.rmtree(path)
    with pytest.raises(converter.UsageError, match="is gone or was replaced"):
        model.save(tmp_path / "model.keras")


def _rewrite(file, change):
    """Rewrites members of a zip file: `change(name, content)` returns content, or None."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            content = change(name, content)
            if content is not None:
                archive.writestr(name, content)


def _add_op(content):
    """Adds an op that writes a file to every function of a SavedModel."""
    saved_model = saved_model_pb2.SavedModel.FromString(content)
    for function in saved_model.meta_graphs[0].graph_def.library.function:
        for name in ("name", "text"):
            node = function.node_def.add(name=f"evil_{name}", op="Const")
            node.attr["dtype"].type = tf.string.as_datatype_enum
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto("/tmp/evil"))
        function.node_def.add(
            name="evil", op="WriteFile", input=["evil_name:output:0", "evil_text:output:0"]
        )
        function.control_ret["evil"] = "evil"
        function.signature.control_output.append("evil")
    return saved_model.SerializeToString()


def test_a_keras_file_with_an_unsafe_graph_is_refused(own, tmp_path):
    path, file = own(IMAGE), tmp_path / "model.keras"
    _make_model(path).save(file)
    shutil.rmtree(path)
    _rewrite(file, lambda name, c: _add_op(c) if name.endswith("saved_model.pb") else c)
    with pytest.raises(ValueError, match="has the op WriteFile at"):
        keras.models.load_model(file)
    assert not pathlib.Path("/tmp/evil").exists()


@pytest.fixture
def payload(converted, tmp_path):
    """A copy of the module, with its record, whose graph writes a file; no layer has loaded it."""
    path = shutil.copytree(converted(IMAGE), tmp_path / "payload")
    graph = path / "saved_model.pb"
    graph.write_bytes(_add_op(graph.read_bytes()))
    return str(path)


def test_a_keras_file_does_not_choose_the_program(converted, payload, data, tmp_path):
    model, file = _make_model(converted(IMAGE)), tmp_path / "model.keras"
    model.save(file)
    old, new = (json.dumps(path).encode() for path in (converted(IMAGE), payload))
    _rewrite(file, lambda name, c: c.replace(old, new) if name == "config.json" else c)
    again = keras.models.load_model(file)
    assert again.layers[0].get_config()["path"] != payload
    _assert_equal(again, model, data)  # It has the copy of the file, which is safe.
    assert not pathlib.Path("/tmp/evil").exists()


def test_a_configuration_is_not_trusted(converted, payload, data):
    config = {**ModuleLayer(converted(IMAGE)).get_config(), "path": payload}
    layer = ModuleLayer.from_config(config)
    assert layer.compute_output_spec(data[0]).shape == (None, 8)
    with pytest.raises(converter.UnsafeModuleError, match="payload has the op WriteFile at"):
        layer(data[0])
    owned = ModuleLayer(payload)  # Now the program names it, and what it loaded can be cloned.
    clone = ModuleLayer.from_config(owned.get_config())
    for one, other in zip(clone.weights, owned.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_configuration_fetches_nothing(converted, data, monkeypatch):
    config = {**ModuleLayer(converted(IMAGE)).get_config(), "path": "gs://bucket/module"}

    def fetch(*arguments):
        raise AssertionError(arguments)

    for name in ("exists", "isdir", "stat", "GFile"):
        monkeypatch.setattr(tf.io.gfile, name, fetch)
    with pytest.raises(converter.UsageError, match="gs://bucket/module is not the module that"):
        ModuleLayer.from_config(config)(data[0])


def test_a_remote_module_is_cloned(converted, data):
    remote = "ram://keras_layer/image"
    for path in pathlib.Path(converted(IMAGE)).rglob("*"):
        if path.is_file():
            target = f"{remote}/{path.relative_to(converted(IMAGE))}"
            tf.io.gfile.makedirs(os.path.dirname(target))
            with tf.io.gfile.GFile(target, "wb") as file:
                file.write(path.read_bytes())
    layer = ModuleLayer(remote)
    clone = ModuleLayer.from_config(layer.get_config())
    np.testing.assert_array_equal(clone(data[0]), layer(data[0]))


def test_a_configuration_describes_the_module_as_its_record_does(converted):
    config = ModuleLayer(converted(IMAGE)).get_config()
    config["interface"]["function"]["inputs"]["images"]["shape"] = [None, 4, 4, 3]
    with pytest.raises(converter.UsageError, match="is not the module that the layer was made"):
        ModuleLayer.from_config(config)(np.zeros((1, 4, 4, 3)))
    config["interface"]["attribute"] = "__init__"
    with pytest.raises(converter.UsageError, match="no signature '__init__'"):
        ModuleLayer.from_config(config)(np.zeros((1, 4, 4, 3)))


def test_a_path_of_another_machine(converted, data, monkeypatch):
    config = {**ModuleLayer(converted(IMAGE)).get_config(), "path": "/root/module"}

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(pathlib.Path, "is_file", refuse)
    layer = ModuleLayer.from_config(config)
    with pytest.raises(converter.UsageError, match="/root/module is not the module that"):
        layer(data[0])


def test_a_loaded_model_is_cloned_without_the_original(own, data, tmp_path):
    path = own(IMAGE)
    _make_model(path).save(tmp_path / "model.keras")
    shutil.rmtree(path)
    again = keras.models.load_model(tmp_path / "model.keras")
    clone = keras.models.clone_model(again)
    del again
    gc.collect()
    clone.predict(data[0], verbose=0)
    clone.save(tmp_path / "clone.keras")  # The copy of the SavedModel lives as long as the clone.
    _assert_equal(keras.models.load_model(tmp_path / "clone.keras"), clone, data)
    (layer,) = (part for part in clone.layers if isinstance(part, ModuleLayer))
    copy = pathlib.Path(layer.get_config()["path"])
    assert copy.is_dir()
    del clone, layer
    gc.collect()
    assert not copy.exists()


def test_the_working_directory_may_change(own, data, tmp_path, monkeypatch):
    own(IMAGE)
    monkeypatch.chdir(tmp_path)
    model = _make_model(IMAGE)
    assert model.layers[0].get_config()["path"] == IMAGE
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    model.save("model.keras")
    _assert_equal(keras.models.load_model("model.keras"), model, data)
    clone = keras.models.clone_model(model)
    for one, other in zip(clone.layers[0].weights, model.layers[0].weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    clone.predict(data[0], verbose=0)


def test_an_unsafe_graph_is_named(own, tmp_path):
    path = own(IMAGE)
    config = ModuleLayer(path).get_config()
    graph = pathlib.Path(path, "saved_model.pb")
    graph.write_bytes(_add_op(graph.read_bytes()))
    folder = tmp_path / "assets"
    folder.mkdir()
    shutil.move(path, folder / "saved_model")
    with pytest.raises(converter.UnsafeModuleError, match="has the op WriteFile at") as info:
        ModuleLayer.from_config(config).load_assets(str(folder))
    assert "load the weights" in info.value.remedy


def test_a_damaged_checkpoint_does_not_reach_tensorflow(own, tmp_path):
    path = own(IMAGE)
    config = ModuleLayer(path).get_config()
    index = pathlib.Path(path, "variables", "variables.index")
    index.write_bytes(index.read_bytes()[:-20])
    shutil.move(path, tmp_path / "saved_model")
    with pytest.raises(converter.WeightsError, match="the checkpoint's index cannot be read"):
        ModuleLayer.from_config(config).load_assets(str(tmp_path))


def test_a_keras_file_without_its_savedmodel(own, tmp_path):
    path = own(IMAGE)
    config = ModuleLayer(path).get_config()
    shutil.rmtree(path)
    with pytest.raises(converter.UsageError, match="the file lacks the SavedModel"):
        ModuleLayer.from_config(config).load_assets(str(tmp_path))


def test_a_record_of_other_variables(own):
    path = own(IMAGE)
    record = pathlib.Path(path, "assets.extra", "conversion.json")
    record.write_text(record.read_text().replace("Logits/biases", "Logits/bias_s"))
    with pytest.raises(converter.FormatError, match="lacks variable 'TinyNet/Logits/bias_s'"):
        ModuleLayer(path)


def test_an_exported_model_serves(converted, tmp_path):
    layer = ModuleLayer(converted("text_embedding_oov"))
    model = keras.Sequential([keras.Input((), dtype="string"), layer, keras.layers.Dense(1)])
    sentences = tf.constant(["a cat", "the zebra"])
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(exported.serve(sentences), model(sentences), rtol=1e-6)
