"""Generators and discriminators: tag sets by network and batch size, spectral normalization."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture

_Z_DIM = 6
_CLASSES = 3
_IMAGE = (4, 4, 2)


def _spectral_norm(weights):
    """Divides weights by their largest singular value, estimated by one power iteration.

    The iteration's vector is a variable that every forward pass moves on (Miyato et al. 2018,
    https://arxiv.org/abs/1802.05957).
    """
    u_var = tf.get_variable("u_var", [1, weights.shape[-1].value], trainable=False)
    flat = tf.reshape(weights, [-1, weights.shape[-1].value])
    v = tf.nn.l2_normalize(tf.matmul(u_var, flat, transpose_b=True))
    u = tf.nn.l2_normalize(tf.matmul(v, flat))
    with tf.control_dependencies([u_var.assign(u)]):
        u = tf.stop_gradient(tf.identity(u))
    v = tf.stop_gradient(v)
    sigma = tf.matmul(tf.matmul(v, flat), u, transpose_b=True)
    return weights / tf.reshape(sigma, [])


def _dense(x, size, name):
    with tf.variable_scope(name):
        kernel = tf.get_variable("kernel", [x.shape[-1].value, size])
        bias = tf.get_variable("bias", [size])
        return tf.matmul(x, _spectral_norm(kernel)) + bias


def _conv(x, channels, name):
    with tf.variable_scope(name):
        kernel = tf.get_variable("kernel", [3, 3, x.shape[-1].value, channels])
        return tf.nn.conv2d(x, _spectral_norm(kernel), strides=1, padding="SAME")


def _generate(z, y):
    """Returns images `[batch, 4, 4, 2]` for noise `[batch, z]` and classes `[batch, classes]`."""
    with tf.variable_scope("generator", reuse=tf.AUTO_REUSE):
        hidden = tf.nn.relu(_dense(tf.concat([z, y], axis=1), 48, "fc"))
        return tf.tanh(_conv(tf.reshape(hidden, [-1, 4, 4, 3]), _IMAGE[-1], "conv"))


def _discriminate(images, y):
    """Returns logits `[batch, 1]`."""
    with tf.variable_scope("discriminator", reuse=tf.AUTO_REUSE):
        hidden = tf.nn.leaky_relu(_conv(images, 4, "conv"))
        features = tf.reduce_sum(hidden, axis=[1, 2])
        return _dense(tf.concat([features, y], axis=1), 1, "fc")


def _by_network(network, batch_size, other_network_too):
    """One tag set's graph: fixed batch size, one signature.

    Building the other network's variables, too, is what gets them into the checkpoint.
    """
    labels = tf.placeholder(tf.int32, [batch_size], name="labels")
    z = tf.placeholder(tf.float32, [batch_size, _Z_DIM], name="z")
    images = tf.placeholder(tf.float32, [batch_size, *_IMAGE], name="images")
    y = tf.one_hot(labels, _CLASSES)
    if network == "gen" or other_network_too:
        generated = _generate(z, y)
    if network == "disc" or other_network_too:
        prediction = _discriminate(images, y)
    if network == "gen":
        hub.add_signature("generator", {"z": z, "labels": labels}, {"generated": generated})
    else:
        inputs = {"images": images, "labels": labels}
        outputs = {"prediction": tf.sigmoid(prediction), "prediction_logits": prediction}
        hub.add_signature("discriminator", inputs, outputs)


def _truncated():
    """Class-conditional generator with a truncation that callers may leave at its default."""
    with tf.variable_scope("", use_resource=False):
        z = tf.placeholder(tf.float32, [None, _Z_DIM], name="z")
        y = tf.placeholder(tf.float32, [None, _CLASSES], name="y")
        truncation = tf.placeholder_with_default(0.8, [], name="truncation")
        with tf.variable_scope("class_embedding"):
            embedded = _dense(y, _CLASSES, "linear")
        images = _generate(z * truncation, embedded)
    hub.add_signature(inputs={"z": z, "y": y, "truncation": truncation}, outputs=images)


def _tags_and_args(other_network_too, networks_and_sizes):
    return tuple(
        (
            frozenset({network, f"bs{size}"}),
            {"network": network, "batch_size": size, "other_network_too": other_network_too},
        )
        for network, size in networks_and_sizes
    )


def _calls_of_size(batch_size):
    labels = examples.ids(_CLASSES, (batch_size,))
    z = examples.normal(batch_size, _Z_DIM)
    images = examples.images(batch_size, *_IMAGE)
    gen, disc = (frozenset({network, f"bs{batch_size}"}) for network in ("gen", "disc"))
    return (
        Call("generator", {"z": z, "labels": labels}, tags=gen),
        Call("discriminator", {"images": images, "labels": labels}, tags=disc),
    )


_CALLS = _calls_of_size(8) + _calls_of_size(2)
_NOISE = {"z": examples.normal(5, _Z_DIM), "y": examples.normal(5, _CLASSES, seed=1)}

GAN_SPECTRAL = Fixture(
    name="gan_spectral",
    family="gan",
    description="four tag sets, no {}, all variables in each; u_var moves at inference",
    module_fn=_by_network,
    tags_and_args=_tags_and_args(True, [("gen", 8), ("disc", 8), ("gen", 2), ("disc", 2)]),
    export_tags=frozenset({"gen", "bs8"}),
    calls=_CALLS,
)

GAN_UNINSTANTIATED = Fixture(
    name="gan_uninstantiated",
    family="gan",
    description="exported from the generator alone: the discriminator has no weights",
    module_fn=_by_network,
    tags_and_args=_tags_and_args(False, [("gen", 8), ("gen", 2), ("disc", 8)]),
    export_tags=frozenset({"gen", "bs8"}),
    calls=_CALLS,
)

GAN_TRUNCATION = Fixture(
    name="gan_truncation",
    family="gan",
    description="three inputs, one with a default; spectral norm with ref variables",
    module_fn=_truncated,
    calls=(
        Call("default", {**_NOISE, "truncation": 0.3}),
        Call("default", {**_NOISE, "truncation": 0.8}, label="default truncation"),
    ),
)
