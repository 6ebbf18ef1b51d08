"""What graph variants and endpoints have for themselves: weights, update ops, losses."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture

_SIZE = 3
_Z_DIM = 4
_IMAGE_DIM = 6


def _half_l2(scale):
    return lambda weights: scale * tf.nn.l2_loss(weights)


def _auxiliary_head(is_training):
    """Inception's shape: an auxiliary classifier whose weights no plain call uses.

    It also has a regularizer, moving averages, and a string variable, which names the classes.
    """
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    trunk = tf.layers.dense(x, 5, tf.tanh, kernel_regularizer=_half_l2(0.1), name="trunk")
    with tf.variable_scope("AuxLogits"):
        normalized = tf.layers.batch_normalization(
            trunk, momentum=0.5, training=is_training, fused=False, name="BatchNorm"
        )
        logits = tf.layers.dense(normalized, 2, kernel_regularizer=_half_l2(0.2), name="dense")
        classes = tf.get_variable("classes", [2], tf.string, tf.zeros_initializer, trainable=False)
    outputs = {
        "default": tf.layers.dense(trunk, 2, name="head"),
        "AuxLogits": logits,
        "class": tf.gather(classes, tf.argmax(logits, axis=1)),
    }
    hub.add_signature(inputs=x, outputs=outputs)


def _generate(z, is_training):
    with tf.variable_scope("generator"):
        hidden = tf.layers.dense(z, _IMAGE_DIM, kernel_regularizer=_half_l2(0.05), name="fc")
        return tf.layers.batch_normalization(hidden, momentum=0.5, training=is_training, name="bn")


def _discriminate(images):
    """Normalizes by the batch, whatever it is asked: its only variant has update ops."""
    with tf.variable_scope("discriminator"):
        hidden = tf.layers.dense(images, 4, tf.nn.leaky_relu, name="fc")
        normalized = tf.layers.batch_normalization(hidden, momentum=0.25, training=True, name="bn")
        return tf.layers.dense(normalized, 1, kernel_regularizer=_half_l2(0.3), name="logits")


def _by_network(network, is_training=False):
    """The tag sets of compare_gan's exports: one network each, and none of them is empty."""
    z = tf.placeholder(tf.float32, [None, _Z_DIM], name="z")
    images = tf.placeholder(tf.float32, [None, _IMAGE_DIM], name="images")
    if network == "gen":
        hub.add_signature("generator", {"z": z}, {"generated": _generate(z, is_training)})
        # Only the weights of the instantiated variant are exported.
        with tf.variable_scope("", custom_getter=_without_collections):
            _discriminate(images)
        _forget("discriminator")
    else:
        hub.add_signature(
            "discriminator", {"images": images}, {"prediction": _discriminate(images)}
        )
        with tf.variable_scope("", custom_getter=_without_collections):
            _generate(z, is_training=False)
        _forget("generator")


def _without_collections(getter, *args, **kwargs):
    """The other network's variables are exported with this one, but are not its to train."""
    kwargs["trainable"] = False
    return getter(*args, **kwargs)


def _forget(scope):
    """Takes the other network's update ops and losses back."""
    for key in (tf.GraphKeys.UPDATE_OPS, tf.GraphKeys.REGULARIZATION_LOSSES):
        collection = tf.get_collection_ref(key)
        collection[:] = [item for item in collection if not item.name.startswith(scope)]


_X = examples.normal(8, _SIZE) + 0.5

ENDPOINTS_OWN_WEIGHTS = Fixture(
    name="endpoints_own_weights",
    family="graph_variants",
    description="endpoints with weights, averages, a loss and a string variable of their own",
    module_fn=_auxiliary_head,
    tags_and_args=((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True})),
    calls=(Call("default", {"default": _X}),),
)

VARIANTS_TRAINING_TWINS = Fixture(
    name="variants_training_twins",
    family="graph_variants",
    description="tag sets by network: one with a training twin, one alone with update ops",
    module_fn=_by_network,
    tags_and_args=(
        (frozenset({"gen", "bsNone"}), {"network": "gen"}),
        (frozenset({"gen", "train", "bsNone"}), {"network": "gen", "is_training": True}),
        (frozenset({"disc", "bsNone"}), {"network": "disc"}),
    ),
    export_tags=frozenset({"gen", "bsNone"}),
    calls=(
        Call("generator", {"z": examples.normal(8, _Z_DIM)}),
        Call("discriminator", {"images": examples.normal(8, _IMAGE_DIM, seed=1)}),
    ),
)
