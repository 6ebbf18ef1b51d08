"""The arguments and inputs of a layer are checked against the module's record."""

import numpy as np
import pytest
import tensorflow as tf

import converter
from converter.keras import ModuleLayer

IMAGE = "image_bn_dropout"


@pytest.mark.parametrize(
    ("name", "arguments", "message", "remedy"),
    [
        (IMAGE, {"output_key": "logits"}, "has no output 'logits'", "'TinyNet/Logits'"),
        (IMAGE, {"momentum": 0.1}, "has no hyperparameter 'momentum'", "'batch_norm_momentum'"),
        ("half_plus_two", {"return_endpoints": True}, "has no endpoints to return", "'default'"),
        ("half_plus_two", {"x": 1}, "has no hyperparameter 'x'", "It has none."),
    ],
)
def test_what_the_signature_does_not_have(converted, name, arguments, message, remedy):
    with pytest.raises(converter.UsageError) as info:
        ModuleLayer(converted(name), **arguments)
    assert message in info.value.message
    assert remedy in info.value.remedy


@pytest.mark.parametrize("value", [None, "x", [1, 2], [[1], [1, 2]], 1j, list(range(1000))])
def test_a_hyperparameter_of_another_type(converted, value):
    with pytest.raises(converter.UsageError) as info:
        ModuleLayer(converted(IMAGE), batch_norm_momentum=value)
    assert "hyperparameter 'batch_norm_momentum' of signature 'default' cannot" in str(info.value)
    assert "Pass a value of type float32" in info.value.remedy
    assert len(info.value.message) < 150


@pytest.mark.parametrize("value", [1, 0.5, np.float64(0.5), np.array(0.5), tf.constant(0.5)])
def test_a_hyperparameter_of_the_right_type(converted, value):
    layer = ModuleLayer(converted(IMAGE), batch_norm_momentum=value)
    assert layer.get_config()["hparams"] == {"batch_norm_momentum": float(value)}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (np.zeros((1, 3), np.int32), "EagerTensor"),
        ({"input_ids": np.zeros((1, 3), np.int32)}, "a dict of 'input_ids'"),
    ],
)
def test_inputs_of_other_names(converted, given, found):
    layer = ModuleLayer(converted("bert_tiny"))
    with pytest.raises(converter.UsageError) as info:
        layer(given)
    assert "the layer takes a dict of 'input_ids', 'input_mask', 'segment_ids'" in str(info.value)
    assert f"was called with {found}" in str(info.value)


def test_a_dict_for_one_input(converted):
    layer = ModuleLayer(converted(IMAGE))
    with pytest.raises(converter.UsageError, match="takes one input, and was called with a dict"):
        layer({"images": np.zeros((1, 16, 16, 3), np.float32)})


def test_inputs_are_cast_where_that_only_rounds(converted):
    layer = ModuleLayer(converted(IMAGE))
    images = np.random.default_rng(0).random((2, 16, 16, 3))
    np.testing.assert_array_equal(layer(images), layer(images.astype(np.float32)))
    integers = np.ones((2, 16, 16, 3), np.uint8)
    np.testing.assert_array_equal(layer(integers), layer(integers.astype(np.float32)))
    bert = ModuleLayer(converted("bert_tiny"))
    names = ("input_ids", "input_mask", "segment_ids")
    assert bert({name: np.ones((2, 5), np.int64) for name in names})["pooled_output"].shape == (
        2, 16,
    )  # fmt: skip


def test_floats_are_not_made_integers(converted):
    bert = ModuleLayer(converted("bert_tiny"))
    names = ("input_ids", "input_mask", "segment_ids")
    with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
        bert({name: np.full((2, 5), 1.5, np.float32) for name in names})
