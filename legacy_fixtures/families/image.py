"""The pattern of published image modules: slim networks with batch norm and dropout."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
import tf_slim as slim

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture

_SIZE = 16
_CLASSES = 5
_MOMENTUM = 0.9
_EPSILON = 0.001


def _network(images, is_training, momentum, epsilon):
    """Returns features `[batch, 8]`, logits `[batch, classes]`, and all end points."""
    batch_norm = {
        "is_training": is_training,
        "decay": momentum,
        "epsilon": epsilon,
        "scale": True,
        # The fused op takes its epsilon as an attribute, not as a tensor.
        "fused": False,
    }
    end_points = {}
    conv_scope = slim.arg_scope(
        [slim.conv2d],
        normalizer_fn=slim.batch_norm,
        normalizer_params=batch_norm,
        weights_regularizer=slim.l2_regularizer(0.004),
    )
    with tf.variable_scope("TinyNet"), conv_scope:
        net = end_points["TinyNet/Conv2d_1a_3x3"] = slim.conv2d(
            images, 6, [3, 3], stride=2, scope="Conv2d_1a_3x3"
        )
        net = end_points["TinyNet/Conv2d_2a_3x3"] = slim.conv2d(
            net, 8, [3, 3], stride=2, scope="Conv2d_2a_3x3"
        )
        features = end_points["TinyNet/global_pool"] = tf.reduce_mean(net, [1, 2])
        net = slim.dropout(features, 0.8, is_training=is_training, seed=71, scope="Dropout_1b")
        logits = end_points["TinyNet/Logits"] = slim.fully_connected(
            net, _CLASSES, activation_fn=None, scope="Logits"
        )
    return features, logits, end_points


def _add_signatures(images, hparams, features, logits, end_points):
    vector_outputs = {"default": features, **end_points}
    hub.add_signature("default", {"images": images}, vector_outputs)
    hub.add_signature("image_feature_vector", {"images": images}, vector_outputs)
    hub.add_signature(
        "image_feature_vector_with_bn_hparams", {"images": images, **hparams}, vector_outputs
    )
    hub.add_signature("image_classification", {"images": images}, {"default": logits, **end_points})


def _attach_image_size(size):
    info = hub.ImageModuleInfo()
    info.default_image_size.height = size
    info.default_image_size.width = size
    hub.attach_image_module_info(info)


def _bn_dropout(is_training):
    images = tf.placeholder(tf.float32, [None, _SIZE, _SIZE, 3], name="images")
    hparams = {
        "batch_norm_momentum": tf.placeholder_with_default(_MOMENTUM, [], "batch_norm_momentum"),
        "batch_norm_epsilon": tf.placeholder_with_default(_EPSILON, [], "batch_norm_epsilon"),
    }
    results = _network(images, is_training, *hparams.values())
    _add_signatures(images, hparams, *results)
    _attach_image_size(_SIZE)


def _bn_variants(is_training):
    """As above, but the hyperparameters are constants that a caller may override."""
    images = tf.placeholder(tf.float32, [None, _SIZE, _SIZE, 3], name="images")
    hparams = {
        "batch_norm_momentum": tf.constant(_MOMENTUM, name="batch_norm_momentum"),
        "batch_norm_epsilon": tf.constant(_EPSILON, name="batch_norm_epsilon"),
    }
    results = _network(images, is_training, *hparams.values())
    _add_signatures(images, hparams, *results)


def _default_mean(is_training):
    """Subtracts a color that is an input with a default, `[3]`, before the network."""
    images = tf.placeholder(tf.float32, [None, _SIZE, _SIZE, 3], name="images")
    mean = tf.placeholder_with_default([0.485, 0.456, 0.406], [3], name="mean")
    features, _, _ = _network(images - mean, is_training, _MOMENTUM, _EPSILON)
    hub.add_signature(inputs={"images": images, "mean": mean}, outputs=features)


_IMAGES = examples.images(8, _SIZE, _SIZE, 3)
_CALLS = (
    Call("default", {"images": _IMAGES}),
    Call("image_feature_vector", {"images": _IMAGES}),
    Call("image_classification", {"images": _IMAGES}),
    Call(
        "image_feature_vector_with_bn_hparams",
        {"images": _IMAGES, "batch_norm_momentum": 0.6, "batch_norm_epsilon": 0.05},
        label="hparams",
    ),
    Call(
        "image_feature_vector_with_bn_hparams",
        {"images": _IMAGES, "batch_norm_momentum": _MOMENTUM, "batch_norm_epsilon": _EPSILON},
        label="default hparams",
    ),
)

IMAGE_BN_DROPOUT = Fixture(
    name="image_bn_dropout",
    family="image",
    description="slim convnet, batch norm and dropout, four signatures, ImageModuleInfo",
    module_fn=_bn_dropout,
    tags_and_args=((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True})),
    calls=_CALLS,
)

IMAGE_BN_VARIANTS = Fixture(
    name="image_bn_variants",
    family="image",
    description="graph variants batch_norm_fixed and batch_norm_trains, none without a tag",
    module_fn=_bn_variants,
    tags_and_args=(
        (frozenset({"batch_norm_fixed"}), {"is_training": False}),
        (frozenset({"batch_norm_trains"}), {"is_training": True}),
    ),
    export_tags=frozenset({"batch_norm_fixed"}),
    calls=_CALLS,
)

IMAGE_DEFAULT_MEAN = Fixture(
    name="image_default_mean",
    family="image",
    description="an input of shape [3] that has a default value",
    module_fn=_default_mean,
    tags_and_args=((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True})),
    calls=(
        Call("default", {"images": _IMAGES, "mean": [0.1, 0.2, 0.3]}),
        Call("default", {"images": _IMAGES, "mean": [0.485, 0.456, 0.406]}, label="default mean"),
    ),
)
