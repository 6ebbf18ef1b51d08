"""The layer computes what the loaded module computes, and says beforehand what that will be."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden.golden_values import read_golden

import converter
from converter.keras import ModuleLayer
from converter.parity.values import SparseValue, from_tensor, to_tensor

IMAGE = "image_bn_dropout"
MEAN = "TinyNet/Conv2d_1a_3x3/BatchNorm/moving_mean"


@pytest.fixture
def images():
    return np.random.default_rng(0).random((8, 16, 16, 3), dtype=np.float32)


def _call(name, signature="default", tags=()):
    return next(
        call
        for call in read_golden(name).calls
        if call.signature == signature and call.tags == frozenset(tags)
    )


def _given(call):
    values = {name: to_tensor(value) for name, value in call.inputs.items()}
    return values if len(values) > 1 else next(iter(values.values()))


def _values(layer):
    return {weight.name: weight.numpy() for weight in layer.weights}


def test_weights_have_their_tf1_names_and_values(converted):
    layer, golden = ModuleLayer(converted(IMAGE), name="net"), read_golden(IMAGE)
    assert _values(layer).keys() == golden.variables.keys()
    for name, value in _values(layer).items():
        np.testing.assert_array_equal(value, golden.variables[name])
    assert {weight.name for weight in layer.trainable_weights} == golden.trainable
    assert layer.weights[0].path == f"net/{layer.weights[0].name}"
    assert layer.count_params() == sum(value.size for value in golden.variables.values())


def test_it_lists_what_its_signature_uses(converted):
    layer = ModuleLayer(converted("bert_tiny"), "tokens")
    assert not any(weight.name.startswith("cls/") for weight in layer.weights)
    assert len(ModuleLayer(converted("bert_tiny"), "mlm").weights) > len(layer.weights)


@pytest.mark.parametrize(
    "name", ["half_plus_two", "ragged_input", "sparse_input", "sparse_output", "elmo", "map_fn"]
)
def test_outputs_are_those_of_tensorflow_1(converted, name):
    call = _call(name)
    outputs = ModuleLayer(converted(name))(_given(call))
    expected = call.outputs.get("default", call.outputs)
    if not isinstance(outputs, dict):
        outputs, expected = {"default": outputs}, {"default": expected}
    assert outputs.keys() == expected.keys()
    for key, output in outputs.items():
        _assert_close(from_tensor(output), expected[key])


def _assert_close(found, expected):
    if isinstance(expected, SparseValue):
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_array_equal(found.dense_shape, expected.dense_shape)
        found, expected = found.values, expected.values
    if expected.dtype == object:
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_several_inputs_are_a_dict(converted):
    call = _call("bert_tiny", "tokens")
    outputs = ModuleLayer(converted("bert_tiny"), "tokens")(_given(call))
    assert outputs.keys() == call.outputs.keys()
    np.testing.assert_allclose(
        outputs["pooled_output"], call.outputs["pooled_output"], rtol=1e-5, atol=1e-6
    )
    one = ModuleLayer(converted("bert_tiny"), "tokens", output_key="pooled_output")(_given(call))
    np.testing.assert_array_equal(one, outputs["pooled_output"])


def test_an_output_key_asks_for_the_endpoints(converted, images):
    path, key = converted(IMAGE), "TinyNet/Logits"
    obj = tf.saved_model.load(path)
    expected = obj(images, return_endpoints=True)
    np.testing.assert_array_equal(ModuleLayer(path, output_key=key)(images), expected[key])
    np.testing.assert_array_equal(ModuleLayer(path)(images), expected["default"])
    everything = ModuleLayer(path, return_endpoints=True)(images)
    assert everything.keys() == expected.keys()
    symbol = ModuleLayer(path, output_key=key)(keras.Input((16, 16, 3)))
    assert symbol.shape == (None, 5)


def test_training_runs_update_ops_once(converted, images):
    layer, obj = ModuleLayer(converted(IMAGE)), tf.saved_model.load(converted(IMAGE))
    before = _values(layer)
    layer(images)
    layer(images, training=False)
    np.testing.assert_equal(_values(layer), before)
    layer(images, training=True)
    obj(images, training=True)
    for variable in obj.variables:
        np.testing.assert_allclose(
            _values(layer)[variable.name.removesuffix(":0")], variable, rtol=1e-6
        )
    moved = {name for name, value in _values(layer).items() if np.any(value != before[name])}
    assert moved == {name for name in before if "moving_" in name}
    assert len(moved) == 4


def test_a_layer_that_is_not_trainable_runs_inference(converted, images):
    layer = ModuleLayer(converted(IMAGE), trainable=False)
    before = _values(layer)
    layer(images, training=True)
    np.testing.assert_equal(_values(layer), before)
    assert not layer.trainable_weights
    assert not layer.losses
    layer.trainable = True
    layer(images, training=True)
    assert len(layer.trainable_weights) == 8
    assert len(layer.losses) == 2
    assert np.any(_values(layer)[MEAN] != before[MEAN])


@pytest.mark.parametrize("momentum", [0.0, np.float32(0.25)])
def test_hyperparameters(converted, images, momentum):
    def moved(**hparams):
        layer = ModuleLayer(converted(IMAGE), **hparams)
        layer(images, training=True)
        return _values(layer)[MEAN]

    old = read_golden(IMAGE).variables[MEAN]
    mean = moved(batch_norm_momentum=0.0)
    np.testing.assert_allclose(
        moved(batch_norm_momentum=momentum), momentum * old + (1 - momentum) * mean, rtol=1e-5
    )


def test_a_hyperparameter_of_several_numbers(converted, images):
    layer = ModuleLayer(converted("image_default_mean"), mean=np.array([0.1, 0.2, 0.3]))
    obj = tf.saved_model.load(converted("image_default_mean"))
    np.testing.assert_array_equal(layer(images), obj(images, mean=tf.constant([0.1, 0.2, 0.3])))
    assert np.any(layer(images) != obj(images))
    again = ModuleLayer.from_config(layer.get_config())
    np.testing.assert_array_equal(again(images), layer(images))


def test_losses_are_those_of_the_module(converted, images):
    layer, obj = ModuleLayer(converted(IMAGE)), tf.saved_model.load(converted(IMAGE))
    expected = sum(loss().numpy() for loss in obj.regularization_losses)
    assert expected > 0.01
    for _ in range(2):  # However often it is called.
        np.testing.assert_allclose(sum(layer.losses), expected, rtol=1e-6)
        layer(images)
    layer.freeze("Conv2d_1a_3x3/weights")
    (left,) = [loss for loss in layer.losses if loss]
    np.testing.assert_allclose(left, obj.regularization_losses[1](), rtol=1e-6)


def test_a_loss_has_gradients(converted):
    layer = ModuleLayer(converted(IMAGE))
    with tf.GradientTape() as tape:
        loss = tf.add_n(layer.losses)
    weights = {weight.name: weight for weight in layer.trainable_weights}
    weight = weights["TinyNet/Conv2d_1a_3x3/weights"]
    # The regularizer of the fixture is l2_regularizer(0.004): half of that times the square.
    np.testing.assert_allclose(tape.gradient(loss, weight.value), 0.004 * weight, rtol=1e-5)


def test_freeze_and_unfreeze(converted):
    layer = ModuleLayer(converted(IMAGE))
    frozen = layer.freeze("Conv2d_1a")
    assert len(frozen) == 5
    assert {weight.name for weight in layer.trainable_weights}.isdisjoint(frozen)
    layer.trainable = False
    layer.trainable = True
    assert len(layer.trainable_weights) == 5
    layer.unfreeze("1a_3x3/weights")
    assert len(layer.trainable_weights) == 6
    layer.unfreeze()
    assert len(layer.trainable_weights) == 8
    # What TF1 did not train does not train now.
    assert not any("moving" in weight.name for weight in layer.trainable_weights)


def test_freeze_refuses_what_finds_nothing(converted):
    layer = ModuleLayer(converted(IMAGE))
    with pytest.raises(converter.UsageError, match="matches the name of no weight") as info:
        layer.freeze("conv2d")
    assert "'TinyNet/Conv2d_1a_3x3/weights'" in info.value.remedy
    with pytest.raises(converter.UsageError, match="is not a regular expression"):
        layer.freeze("(")


def test_specs_say_what_calls_return(converted, images):
    for name, arguments, given in (
        (IMAGE, {}, images),
        (IMAGE, {"return_endpoints": True}, images),
        ("bert_tiny", {}, _given(_call("bert_tiny", "tokens"))),
        ("sparse_output", {}, _given(_call("sparse_output"))),
        ("text_embedding_oov", {"dtype": "mixed_bfloat16"}, tf.constant(["a cat"])),
    ):
        layer = ModuleLayer(converted(name), **arguments)
        symbols = layer.compute_output_spec(given)
        outputs = layer(given)
        keras.tree.assert_same_structure(symbols, outputs)
        pairs = zip(keras.tree.flatten(symbols), keras.tree.flatten(outputs), strict=True)
        for symbol, output in pairs:
            assert symbol.dtype == output.dtype.name
            assert symbol.sparse == isinstance(output, tf.SparseTensor)
            assert tf.TensorShape(symbol.shape).is_compatible_with(output.shape)


def test_shapes_are_those_of_the_specs(converted):
    layer = ModuleLayer(converted(IMAGE))
    assert layer.compute_output_shape((None, 16, 16, 3)) == (None, 8)
    shapes = ModuleLayer(converted(IMAGE), return_endpoints=True).compute_output_shape(None)
    assert shapes["default"] == (None, 8)
    assert shapes["TinyNet/Logits"] == (None, 5)


def test_a_layer_of_every_time_step(converted, images):
    layer, symbol = ModuleLayer(converted(IMAGE)), keras.Input((3, 16, 16, 3))
    model = keras.Model(symbol, keras.layers.TimeDistributed(layer)(symbol))
    assert model.output_shape == (None, 3, 8)
    outputs = model(np.stack([images, images, images], axis=1))
    np.testing.assert_allclose(outputs[:, 2], layer(images), rtol=1e-5)


def test_a_spec_of_an_unknown_rank(converted):
    layer = ModuleLayer(converted("ragged_input"))
    with pytest.raises(converter.UsageError, match="has an unknown rank"):
        layer.compute_output_shape((None, None))
    with pytest.raises(converter.UsageError, match="has an unknown rank"):
        layer.compute_output_spec(keras.KerasTensor((None, None), "int32"))


def test_a_sparse_input_of_a_model(converted):
    layer = ModuleLayer(converted("sparse_input"))
    given = _given(_call("sparse_input"))
    symbol = keras.Input((given.shape[1],), sparse=True)
    model = keras.Model(symbol, layer(symbol))
    np.testing.assert_allclose(model(given), layer(given))


def test_a_ragged_input_of_a_model(converted):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = ModuleLayer(converted("ragged_input"))

        def call(self, inputs, training=False):
            return self.layer(inputs, training=training)

    call = _call("ragged_input")
    np.testing.assert_allclose(Model()(_given(call)), call.outputs["default"], rtol=1e-6)


@pytest.mark.parametrize(
    ("policy", "dtype"),
    [("mixed_float16", "float16"), ("mixed_bfloat16", "bfloat16"), ("float64", "float64")],
)
def test_a_policy_casts_at_the_border(converted, images, policy, dtype):
    layer, plain = ModuleLayer(converted(IMAGE), dtype=policy), ModuleLayer(converted(IMAGE))
    output = layer(images)
    assert output.dtype.name == dtype
    # The graph computes in float32: only the result is rounded.
    np.testing.assert_array_equal(output, tf.cast(plain(images), dtype))
    assert {weight.dtype for weight in layer.weights} == {"float32"}


def test_other_dtypes_stay_under_float32(converted):
    layer = ModuleLayer(converted("dtypes_variables"), return_endpoints=False)
    outputs = layer(tf.constant([0, 1]))
    dtypes = {name: output.dtype.name for name, output in outputs.items()}
    assert {"float64", "float16", "int64", "string", "complex64"} <= set(dtypes.values())
    names = {weight.name for weight in layer.weights}
    # Keras has no weights that are strings. The SavedModel keeps them.
    assert {"float64_table", "complex64_table", "bool_table"} <= names
    assert "string_table" not in names
