"""Models with the layer are fitted and evaluated, by the optimizers of Keras."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from converter.export.record import VariableInfo
from converter.keras import ModuleLayer
from converter.keras.weights import make_weights

IMAGE = "image_bn_dropout"
LOSS = "sparse_categorical_crossentropy"


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    return random.random((32, 16, 16, 3), dtype=np.float32), random.integers(0, 4, 32)


def _image_model(path, *frozen, **arguments):
    layer = ModuleLayer(path, **arguments)
    for pattern in ("TinyNet/Logits", *frozen):  # An endpoint's weights, of which no loss depends.
        layer.freeze(pattern)
    head = keras.layers.Dense(4, "softmax")
    return keras.Sequential([keras.Input((16, 16, 3)), layer, head]), layer


def _moved(layer, train):
    before = {weight.name: weight.numpy() for weight in layer.weights}
    train()
    return {w.name for w in layer.weights if not np.array_equal(w.numpy(), before[w.name])}


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        lambda: keras.optimizers.Adam(0.01),
        lambda: keras.optimizers.AdamW(0.01, use_ema=True),
    ],
)
@pytest.mark.parametrize(
    "options",
    [{}, pytest.param({"jit_compile": True}, marks=pytest.mark.slow), {"run_eagerly": True}],
)
def test_fit_moves_weights_and_moving_averages(converted, data, optimizer, options):
    model, layer = _image_model(converted(IMAGE))
    model.compile(optimizer(), LOSS, **options)
    losses = []

    def train():
        history = model.fit(*data, batch_size=8, epochs=2, verbose=0, shuffle=False)
        losses.extend(history.history["loss"])

    moved = _moved(layer, train)
    assert model.jit_compile == bool(options.get("jit_compile"))
    assert moved == {w.name for w in layer.weights if "TinyNet/Logits" not in w.name}
    assert losses[1] < losses[0]
    slots = {variable.name for variable in model.optimizer.variables}
    assert any("TinyNet_Conv2d_1a_3x3_weights" in name for name in slots)


_OPTIMIZERS = sorted(
    name
    for name, kind in vars(keras.optimizers).items()
    if isinstance(kind, type)
    and issubclass(kind, keras.optimizers.Optimizer)
    and name not in ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")  # These take others.
)


@pytest.mark.parametrize("name", _OPTIMIZERS)
def test_every_optimizer_builds_its_slots(converted, name):
    layer = ModuleLayer(converted(IMAGE))
    before = {weight.name: weight.numpy() for weight in layer.trainable_weights}
    optimizer = getattr(keras.optimizers, name)(0.01)
    gradients = [tf.ones_like(weight.value) for weight in layer.trainable_weights]
    for _ in range(2):  # The first step of some does nothing.
        optimizer.apply(gradients, layer.trainable_weights)
    for weight in layer.trainable_weights:
        assert np.any(weight.numpy() != before[weight.name]), weight.name
    assert not any("/" in slot.name for slot in optimizer.variables)


def test_adafactor_trains(converted, data):
    model, layer = _image_model(converted(IMAGE))
    names = [weight.name for weight in layer.weights]
    model.compile(keras.optimizers.Adafactor(0.01), LOSS)
    assert "TinyNet/Conv2d_1a_3x3/weights" in _moved(layer, lambda: model.fit(*data, verbose=0))
    assert [weight.name for weight in layer.weights] == names


def test_names_with_colons_do_not_reach_slots():
    info = VariableInfo(
        name="a/b:0", dtype="float32", shape=(2, 3), trainable=True, checkpoint_key="a/b:0"
    )
    (weight,) = make_weights([info], "layer")
    optimizer = keras.optimizers.Adafactor(0.01)
    optimizer.build([weight])
    assert "a_b_0" in {slot.name for slot in optimizer.variables}
    assert weight.name == "a/b:0"


def test_frozen_weights_stay(converted, data):
    model, layer = _image_model(converted(IMAGE), "Conv2d_1a_3x3/weights", "BatchNorm/beta")
    model.compile("sgd", LOSS)
    moved = _moved(layer, lambda: model.fit(*data, verbose=0))
    assert moved == {
        "TinyNet/Conv2d_2a_3x3/weights",
        *(f"TinyNet/Conv2d_{n}_3x3/BatchNorm/gamma" for n in ("1a", "2a")),
        *(f"TinyNet/Conv2d_{n}_3x3/BatchNorm/moving_mean" for n in ("1a", "2a")),
        *(f"TinyNet/Conv2d_{n}_3x3/BatchNorm/moving_variance" for n in ("1a", "2a")),
    }


def test_a_frozen_layer_stays(converted, data):
    model, layer = _image_model(converted(IMAGE), trainable=False)
    model.compile("sgd", LOSS)
    assert not _moved(layer, lambda: model.fit(*data, verbose=0))


def test_evaluate_adds_the_regularization_losses(converted, data):
    model, layer = _image_model(converted(IMAGE))
    model.compile("sgd", LOSS)
    plain = keras.losses.SparseCategoricalCrossentropy()(data[1], model.predict(data[0], verbose=0))
    assert sum(model.losses) > 0.01
    assert model.evaluate(*data, verbose=0) == pytest.approx(
        float(plain) + float(sum(model.losses)), rel=1e-5
    )
    assert len(model.losses) == len(layer.losses) == 2


@pytest.fixture
def floats_of_64_bits():
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


@pytest.mark.usefixtures("floats_of_64_bits")
def test_losses_add_up_in_float64(converted, data):
    model, layer = _image_model(converted(IMAGE))
    assert {loss.dtype.name for loss in model.losses} == {"float64"}
    assert sum(model.losses) > 0.01
    model.compile("sgd", LOSS)
    moved = _moved(layer, lambda: model.fit(data[0].astype(np.float64), data[1], verbose=0))
    assert "TinyNet/Conv2d_1a_3x3/weights" in moved
    layer.freeze("")
    assert {loss.dtype.name for loss in model.losses} <= {"float64"}


@pytest.fixture
def mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("mixed_precision")
def test_mixed_precision(converted, data):
    model, layer = _image_model(converted(IMAGE))
    assert layer.compute_dtype == model.layers[-1].compute_dtype == "float16"
    model.compile(keras.optimizers.SGD(0.05), LOSS)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    moved = _moved(layer, lambda: model.fit(*data, batch_size=8, verbose=0))
    assert "TinyNet/Conv2d_1a_3x3/weights" in moved


def test_text_trains(converted):
    layer = ModuleLayer(converted("text_embedding_oov"))
    model = keras.Sequential([keras.Input((), dtype="string"), layer, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    sentences = tf.constant(["a cat", "the zebra", "house tree house", ""])
    losses = model.fit(sentences, np.ones((4, 1)), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_a_functional_model_of_several_inputs_trains(converted):
    layer = ModuleLayer(converted("bert_tiny"), "tokens", output_key="pooled_output")
    names = ("input_ids", "input_mask", "segment_ids")
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    model = keras.Model(inputs, keras.layers.Dense(1)(layer(inputs)))
    model.compile("adam", "mse")
    values = {name: np.ones((4, 7), np.int32) for name in names}
    moved = _moved(layer, lambda: model.fit(values, np.ones((4, 1)), verbose=0))
    assert "bert/encoder/layer_1/output/dense/kernel" in moved


def test_xla_is_left_out_where_it_cannot_work(converted):
    layer = ModuleLayer(converted("elmo"))
    model = keras.Sequential([keras.Input((), dtype="string"), layer])
    with pytest.warns(UserWarning, match="Model doesn't support `jit_compile=True`"):
        model.compile("sgd", "mse", jit_compile=True)
    assert not model.jit_compile
    model.fit(tf.constant(["a cat", "one more"]), np.ones((2, 8)), verbose=0)


_MIRRORED = """
import sys
import keras, numpy as np, tensorflow as tf
from converter.keras import ModuleLayer

device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
path, file = sys.argv[1:]
with strategy.scope():
    layer = ModuleLayer(path)
    layer.freeze("TinyNet/Logits")
    model = keras.Sequential([keras.Input((16, 16, 3)), layer, keras.layers.Dense(4, "softmax")])
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy")
random = np.random.default_rng(0)
images, labels = random.random((32, 16, 16, 3), dtype=np.float32), random.integers(0, 4, 32)
before = [weight.numpy() for weight in layer.weights]
history = model.fit(images, labels, batch_size=16, epochs=2, verbose=0).history["loss"]
assert history[1] < history[0], history
for weight, old in zip(layer.weights, before):
    replicas = [replica.numpy() for replica in weight.value.values]
    assert np.array_equal(weight, old) == ("TinyNet/Logits" in weight.name), weight.name
    if "moving" in weight.name:  # Each replica has its own, of which the mean counts.
        assert np.any(replicas[0] != replicas[1])
        np.testing.assert_allclose(weight, (replicas[0] + replicas[1]) / 2, rtol=1e-6)
    else:
        np.testing.assert_array_equal(*replicas)
model.save(file)
with strategy.scope():
    again = keras.models.load_model(file)
    again.fit(images, labels, batch_size=16, verbose=0)
again = keras.models.load_model(file)
for one, other in zip(again.weights, model.weights):
    np.testing.assert_allclose(one, other, rtol=1e-6)
print("trained")
"""


@pytest.mark.slow
def test_a_mirrored_strategy(converted, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _MIRRORED, converted(IMAGE), str(tmp_path / "model.keras")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split()[-1:] == ["trained"], done.stderr
