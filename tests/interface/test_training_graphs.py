"""Endpoints with weights of their own, and training graphs beside the usual pair.

Used as users do; values are those that TF 1.15 recorded; see `legacy_fixtures`.
"""

import numpy as np
import pytest
import tensorflow as tf
from golden.golden_values import GOLDEN, read_golden

import converter
from interface.test_keras_layer import keras_2

ENDPOINTS = "endpoints_own_weights"
VARIANTS = "variants_training_twins"


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """`converted(fixture, **options)` is where a fixture was converted to."""
    places = {}

    def convert(name, **options):
        key = (name, *sorted((k, tuple(v)) for k, v in options.items()))
        if key not in places:
            places[key] = tmp_path_factory.mktemp(name) / "model"
            converter.convert(GOLDEN / name / "module", places[key], **options)
        return str(places[key])

    return convert


def _values(module):
    return {v.name.removesuffix(":0"): v.numpy() for v in module.variables}


def _call(name, tags=()):
    return next(c for c in read_golden(name).calls if c.tags == frozenset(tags))


def _assert_updated(before, after, expected):
    assert expected
    for name, value in after.items():
        if name in expected:
            np.testing.assert_allclose(value, expected[name], rtol=1e-5)
            assert not np.array_equal(value, before[name])
        else:
            np.testing.assert_array_equal(value, before[name])


# Endpoints.


@pytest.mark.parametrize("piece", [None, "default"])
def test_keras_trains_an_endpoint_s_own_weights(piece, converted):
    import tensorflow_hub as hub

    path = converted(ENDPOINTS)
    handle = path if piece is None else getattr(tf.saved_model.load(path), piece)
    layer = hub.KerasLayer(
        handle, trainable=True, output_key="AuxLogits", arguments={"return_endpoints": True}
    )
    images = _call(ENDPOINTS).inputs["default"]
    model = keras_2().Sequential([keras_2().Input([3]), layer])
    model.compile(keras_2().optimizers.SGD(0.1), "mse")
    before = {v.name: v.numpy() for v in layer.weights if v.dtype != tf.string}
    model.fit(images, 3.0 * images[:, :2], verbose=0)
    moved = {
        v.name
        for v in layer.weights
        if v.dtype != tf.string and not np.array_equal(v.numpy(), before[v.name])
    }
    assert moved == set(before) - {"head/kernel:0", "head/bias:0"}
    assert {"AuxLogits/dense/kernel:0", "AuxLogits/BatchNorm/moving_mean:0"} <= moved


@pytest.mark.parametrize("tags", [[], ["train"]])
def test_gradients_reach_the_endpoint_s_weights(tags, converted):
    call = _call(ENDPOINTS, tags)
    obj = tf.saved_model.load(converted(ENDPOINTS))
    with tf.GradientTape() as tape:
        outputs = obj(call.inputs["default"], training=bool(tags), return_endpoints=True)
        loss = tf.reduce_sum(outputs["default"]) + tf.reduce_sum(outputs["AuxLogits"])
    gradients = tape.gradient(loss, obj.trainable_variables)
    assert len(gradients) == len(call.gradients)
    for variable, gradient in zip(obj.trainable_variables, gradients, strict=True):
        expected = call.gradients[variable.name.removesuffix(":0")]
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6)


def test_a_user_may_train_only_some_of_them(converted, caplog):
    """README's example."""
    import tensorflow_hub as hub

    obj = hub.load(converted(ENDPOINTS))
    obj.trainable_variables = [
        v for v in obj.trainable_variables if not v.name.startswith("AuxLogits/")
    ]
    layer = hub.KerasLayer(obj, trainable=True)
    model = keras_2().Sequential([keras_2().Input([3]), layer])
    model.compile(keras_2().optimizers.SGD(0.1), "mse")
    before = _values(obj.default)
    images = _call(ENDPOINTS).inputs["default"]
    model.fit(images, 3.0 * images[:, :2], verbose=0)
    moved = {k for k, v in _values(obj.default).items() if not np.array_equal(v, before[k])}
    assert {k for k in moved if "moving" not in k} == {
        "trunk/kernel", "trunk/bias", "head/kernel", "head/bias"
    }  # fmt: skip
    assert "Gradients do not exist" not in caplog.text


def test_everything_that_endpoints_use_is_listed(converted):
    obj, golden = tf.saved_model.load(converted(ENDPOINTS)), read_golden(ENDPOINTS)
    for piece in (obj, obj.default):
        values = _values(piece)
        assert set(values) == set(golden.variables)
        # A string variable that only an endpoint reads.
        assert (
            values["AuxLogits/classes"].tolist() == golden.variables["AuxLogits/classes"].tolist()
        )
        losses = [loss().numpy() for loss in piece.regularization_losses]
        np.testing.assert_allclose(losses, _call(ENDPOINTS).regularization_losses, rtol=1e-5)


def test_a_checkpoint_of_the_root_has_what_endpoints_use(converted, tmp_path):
    obj = tf.saved_model.load(converted(ENDPOINTS))
    expected = {name: tf.identity(v).numpy() for name, v in _values(obj).items()}
    saved = tf.train.Checkpoint(obj).write(str(tmp_path / "checkpoint"))
    other = tf.saved_model.load(converted(ENDPOINTS))
    for variable in other.variables:
        variable.assign(tf.zeros_like(variable))
    tf.train.Checkpoint(other).read(saved).assert_existing_objects_matched()
    for name, value in _values(other).items():
        np.testing.assert_array_equal(value, expected[name])


def test_weights_that_keras_saves_have_what_endpoints_use(converted, tmp_path):
    import tensorflow_hub as hub

    def make():
        layer = hub.KerasLayer(converted(ENDPOINTS), trainable=True)
        return keras_2().Sequential([keras_2().Input([3]), layer])

    model, other = make(), make()
    expected = {}
    for variable in model.weights:
        variable.assign(["a", "b"] if variable.dtype == tf.string else variable + 1.0)
        expected[variable.name] = variable.numpy()
    assert len(expected) == len(read_golden(ENDPOINTS).variables)
    model.save_weights(str(tmp_path / "weights"))
    other.load_weights(str(tmp_path / "weights")).assert_consumed()
    for variable in other.weights:
        np.testing.assert_array_equal(variable.numpy(), expected[variable.name])


def test_update_ops_of_an_endpoint_run_once_in_training(converted):
    call = _call(ENDPOINTS, ["train"])
    obj = tf.saved_model.load(converted(ENDPOINTS))
    before = _values(obj)
    obj(call.inputs["default"])
    _assert_same(before, _values(obj))
    obj(call.inputs["default"], training=True)
    _assert_updated(before, _values(obj), call.variables_after)


def _assert_same(before, after):
    for name, value in after.items():
        np.testing.assert_array_equal(value, before[name])


# Graph variants.


@pytest.mark.parametrize(
    ("attribute", "arguments"),
    [
        ("generator__bsNone_gen", {"training": True}),
        ("generator__bsNone_gen_train", {}),  # the same, for what cannot pass `training`
    ],
)
def test_the_training_variant_of_another_variant_moves_its_averages(
    attribute, arguments, converted
):
    call = _call(VARIANTS, ["gen", "train", "bsNone"])
    obj = tf.saved_model.load(converted(VARIANTS))
    before = _values(obj)
    outputs = getattr(obj, attribute)(call.inputs["z"], **arguments)
    np.testing.assert_allclose(
        outputs["generated"], call.outputs["generated"], rtol=1e-4, atol=1e-5
    )
    _assert_updated(before, _values(obj), call.variables_after)


@pytest.mark.parametrize(
    ("attribute", "key", "tags"),
    [
        ("generator__bsNone_gen", "z", ["gen", "bsNone"]),
        ("discriminator__bsNone_disc", "images", ["disc", "bsNone"]),
    ],
)
def test_plain_calls_of_variants_update_nothing(attribute, key, tags, converted):
    call = _call(VARIANTS, tags)
    obj = tf.saved_model.load(converted(VARIANTS))
    before = _values(obj)
    outputs = getattr(obj, attribute)(call.inputs[key])
    (name,) = call.outputs
    np.testing.assert_allclose(outputs[name], call.outputs[name], rtol=1e-4, atol=1e-5)
    served = obj.signatures[attribute](tf.constant(call.inputs[key]))
    np.testing.assert_allclose(served[name], call.outputs[name], rtol=1e-4, atol=1e-5)
    _assert_same(before, _values(obj))
    assert "generator__bsNone_gen_train" not in obj.signatures


@pytest.mark.parametrize(
    ("name", "attribute", "key", "tags"),
    [
        (VARIANTS, "discriminator__bsNone_disc", "images", ["disc", "bsNone"]),
        ("updates_inference_only", "default", "default", []),
    ],
)
def test_a_variant_alone_with_update_ops_runs_them_in_training(
    name, attribute, key, tags, converted
):
    call = _call(name, tags)
    obj = tf.saved_model.load(converted(name))
    before = _values(obj)
    getattr(obj, attribute)(call.inputs[key], training=True)
    _assert_updated(before, _values(obj), call.update_ops_after)


def test_keras_moves_the_averages_of_a_variant_that_was_chosen(converted):
    import tensorflow_hub as hub

    path = converted(VARIANTS, tags=["gen", "bsNone"])
    layer = hub.KerasLayer(path, trainable=True, output_key="generated")
    noise = _call(VARIANTS, ["gen", "bsNone"]).inputs["z"]
    before = {v.name: v.numpy() for v in layer.weights}
    layer(noise, training=True)
    after = _call(VARIANTS, ["gen", "train", "bsNone"]).variables_after
    moved = {v.name for v in layer.weights if not np.array_equal(v.numpy(), before[v.name])}
    assert moved == {f"{name}:0" for name in after}


def test_verify_notices_update_ops_that_training_calls_lack(converted):
    """Each of the three ways to train is compared."""
    report = converter.verify(GOLDEN / VARIANTS / "module", converted(VARIANTS))
    assert report.passed
    assert {row.case for row in report.rows if row.check == "effects"} == {
        "discriminator__bsNone_disc, training",
        "generator__bsNone_gen, training",
        "generator__bsNone_gen_train, training",
    }


# The root.


def test_bert_s_tokens_are_the_root(converted):
    import tensorflow_hub as hub

    call = next(c for c in read_golden("bert_tiny").calls if c.signature == "tokens")
    path = converted("bert_tiny")
    outputs = hub.KerasLayer(path)(dict(call.inputs))
    served = tf.saved_model.load(path).signatures["serving_default"](
        **{name: tf.constant(value) for name, value in call.inputs.items()}
    )
    for name, expected in call.outputs.items():
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(served[name], expected, rtol=1e-4, atol=1e-5)
