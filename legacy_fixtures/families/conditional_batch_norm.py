"""Batch norm whose mode is a tensor, so that training is a branch of one graph."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
import tf_slim as slim

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_SIZE = 3


def _inputs():
    images = tf.placeholder(tf.float32, [None, 3, 3, _SIZE], name="images")
    is_training = tf.placeholder_with_default(False, [], name="is_training")
    return images, is_training


def _add_signature(images, is_training, features):
    inputs = {"images": images, "is_training": is_training}
    hub.add_signature(inputs=inputs, outputs=tf.reduce_mean(tf.nn.softplus(features), axis=[1, 2]))


def _layers():
    """tf.layers: fused for images, in parts for vectors; the updates are outside the branches."""
    images, is_training = _inputs()
    features = tf.layers.batch_normalization(images, training=is_training, name="fused")
    pooled = tf.reduce_mean(features * features, axis=[1, 2])
    hidden = tf.layers.dense(pooled, 4, use_bias=False, name="dense")
    normalized = tf.layers.batch_normalization(
        hidden, training=is_training, momentum=0.7, name="plain"
    )
    inputs = {"images": images, "is_training": is_training}
    hub.add_signature(inputs=inputs, outputs=tf.nn.softplus(normalized))


@with_ref_variables
def _ref_layers():
    _layers()


def _slim():
    """tf_slim, which delays its updates: conds return what is to be assigned."""
    images, is_training = _inputs()
    features = slim.batch_norm(images, decay=0.8, scale=True, is_training=is_training, fused=True)
    features = slim.conv2d(
        tf.nn.softplus(2.0 * features),
        4,
        1,
        activation_fn=None,
        biases_initializer=None,
        scope="conv",
    )
    features = slim.batch_norm(
        features, decay=0.9, is_training=is_training, fused=False, scope="plain"
    )
    _add_signature(images, is_training, features)


@with_ref_variables
def _ref_slim():
    _slim()


def _in_place():
    """The updates run whenever the output does: a branch assigns before it normalizes."""
    images, is_training = _inputs()
    features = slim.batch_norm(
        images, decay=0.8, is_training=is_training, fused=False, updates_collections=None
    )
    _add_signature(images, is_training, features)


@with_ref_variables
def _ref_in_place():
    _in_place()


def _by_hand():
    """The update ops are made in a branch: without training there is nothing to run."""
    images, is_training = _inputs()
    scale = tf.get_variable("scale", [_SIZE])
    mean = tf.get_variable("moving_mean", [_SIZE], trainable=False)
    variance = tf.get_variable("moving_variance", [_SIZE], trainable=False)

    def training():
        batch_mean, batch_variance = tf.nn.moments(images, [0, 1, 2])
        for variable, value in ((mean, batch_mean), (variance, batch_variance)):
            update = tf.assign_sub(variable, 0.25 * (variable - value))
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update.op)
        return batch_mean, batch_variance

    used_mean, used_variance = tf.cond(
        is_training, training, lambda: (tf.identity(mean), tf.identity(variance))
    )
    features = (images - used_mean) * tf.rsqrt(used_variance + 1e-3) * scale
    _add_signature(images, is_training, features)


_IMAGES = examples.images(8, 3, 3, _SIZE)
_CALLS = tuple(
    Call("default", {"images": _IMAGES, "is_training": flag}, label)
    for flag, label in ((False, "inference"), (True, "training"))
)


def _fixture(name, description, module_fn):
    return Fixture(name, "conditional_batch_norm", description, module_fn, _CALLS)


CONDITIONAL_BATCH_NORM = _fixture(
    "conditional_batch_norm", "tf.layers with a tensor for `training`", _layers
)

CONDITIONAL_BATCH_NORM_REF = _fixture(
    "conditional_batch_norm_ref", "the same with ref variables", _ref_layers
)

CONDITIONAL_BATCH_NORM_SLIM = _fixture(
    "conditional_batch_norm_slim", "tf_slim with a tensor for `is_training`", _slim
)

CONDITIONAL_BATCH_NORM_SLIM_REF = _fixture(
    "conditional_batch_norm_slim_ref", "the same with ref variables", _ref_slim
)

CONDITIONAL_BATCH_NORM_IN_PLACE = _fixture(
    "conditional_batch_norm_in_place", "tf_slim with updates as part of the output", _in_place
)

CONDITIONAL_BATCH_NORM_IN_PLACE_REF = _fixture(
    "conditional_batch_norm_in_place_ref", "the same with ref variables", _ref_in_place
)

CONDITIONAL_BATCH_NORM_BY_HAND = _fixture(
    "conditional_batch_norm_by_hand", "update ops that are made in a branch", _by_hand
)
