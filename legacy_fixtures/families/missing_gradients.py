"""Ops that have no gradient, in front of the weights and beside them."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture

_IMAGES = examples.normal(8, 6, 6, 3)


def _preprocess(images):
    """Ops without a gradient, in a loop and after it."""
    shifted = tf.map_fn(lambda image: tf.image.adjust_hue(image, 0.1), tf.sigmoid(images))
    contrast = tf.image.adjust_contrast(shifted, 1.5)
    return tf.image.resize_images(contrast, [3, 3], method=tf.image.ResizeMethod.AREA)


def _features():
    """Images that are preprocessed in the module; an output shows what the weights see."""
    images = tf.placeholder(tf.float32, [None, 6, 6, 3], name="images")
    seen = tf.layers.conv2d(_preprocess(images), 3, 1, name="conv")
    features = tf.layers.dense(tf.reduce_mean(tf.nn.relu(seen), [1, 2]), 4, name="features")
    preview = tf.image.adjust_saturation(tf.sigmoid(seen), 0.5)
    hub.add_signature(inputs=images, outputs=features)
    hub.add_signature("both", inputs=images, outputs={"features": features, "preview": preview})


GRADIENT_MISSING = Fixture(
    "gradient_missing",
    "missing_gradients",
    "preprocessing and previews by ops that have no gradient",
    _features,
    (Call("default", {"default": _IMAGES}), Call("both", {"default": _IMAGES})),
)
