"""Modules made of modules.

An inner module's path is a constant in the outer graph, as input of the restore ops that
hub.Module adds; relative paths keep it the same in every build.
"""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture, module_path


def _inner(fixture, **kwargs):
    return hub.Module(module_path(fixture), **kwargs)


def _frozen():
    """A layer of its own on an inner module that is not trained."""
    x = tf.placeholder(tf.float32, [None, 6], name="x")
    features = _inner("dense_regularized", name="features")(x)
    hub.add_signature(inputs=x, outputs=tf.layers.dense(features, 2, name="head"))


def _image(is_training):
    """An image module with its graph variants, trained along with its update ops and losses."""
    tags = TRAIN if is_training else INFERENCE
    inner = _inner("image_bn_dropout", name="backbone", trainable=True, tags=tags)
    images = tf.placeholder(tf.float32, [None, 16, 16, 3], name="images")
    endpoints = inner({"images": images}, signature="image_feature_vector", as_dict=True)
    logits = tf.layers.dense(endpoints["default"], 3, name="head")
    outputs = {"default": logits, "early": endpoints["TinyNet/Conv2d_1a_3x3"]}
    hub.add_signature(inputs={"images": images}, outputs=outputs)


def _text():
    """A text module: its table, its asset, and its partitioned variable come along."""
    sentences = tf.placeholder(tf.string, [None], name="sentences")
    embedded = _inner("text_embedding_oov", name="text", trainable=True)(sentences)
    hub.add_signature(inputs=sentences, outputs=tf.layers.dense(embedded, 3, name="head"))


def _twice():
    """One module applied to two inputs, with one set of variables."""
    left = tf.placeholder(tf.float32, [None, 6], name="left")
    right = tf.placeholder(tf.float32, [None, 6], name="right")
    tower = _inner("dense_no_default_output", name="tower", trainable=True)
    offset = tf.get_variable("offset", [6])
    towers = [tower({"x": x, "offset": offset}, as_dict=True) for x in (left, right)]
    similarity = tf.reduce_sum(towers[0]["logits"] * towers[1]["logits"], axis=1)
    outputs = {"default": similarity, "left": towers[0]["hidden"], "class": towers[1]["class"]}
    hub.add_signature(inputs={"left": left, "right": right}, outputs=outputs)


def _loop_twice():
    """One module with a loop, applied twice: two loops whose frames have the same name."""
    left = tf.placeholder(tf.float32, [None, None, 3], name="left")
    right = tf.placeholder(tf.float32, [None, None, 3], name="right")
    encoder = _inner("rnn_lstm", name="encoder", trainable=True)
    states = [encoder(x, as_dict=True)["h"] for x in (left, right)]
    outputs = {"default": tf.reduce_sum(states[0] * states[1], 1), "left": states[0]}
    hub.add_signature(inputs={"left": left, "right": right}, outputs=outputs)


def _loop_after_loop():
    """The same, the second time on the output of the first, beside a module with a cond."""
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    flag = tf.placeholder(tf.bool, [], name="flag")
    refine = _inner("while_simple", name="refine", trainable=True)
    choose = _inner("cond_variables_per_branch", name="choose", trainable=True)
    y = choose({"x": refine(refine(x)), "flag": flag})
    hub.add_signature(inputs={"x": x, "flag": flag}, outputs=y)


def _two_levels(is_training):
    """A module of a module of a module, beside a second use of a module from further down."""
    tags = TRAIN if is_training else INFERENCE
    images = tf.placeholder(tf.float32, [None, 16, 16, 3], name="images")
    middle = _inner("nested_image", name="middle", trainable=True, tags=tags)
    scale = _inner("half_plus_two", name="scale")
    logits = middle({"images": images})
    scaled = scale(tf.reshape(logits, [-1]))
    hub.add_signature(inputs={"images": images}, outputs=tf.reshape(scaled, tf.shape(logits)))


_VARIANTS = ((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True}))
_IMAGES = {"images": examples.images(8, 16, 16, 3, seed=2)}

NESTED_FROZEN = Fixture(
    name="nested_frozen",
    family="nested",
    description="a trainable layer on a module that is not trainable",
    module_fn=_frozen,
    needs=("dense_regularized",),
    calls=(Call("default", {"default": examples.normal(8, 6)}),),
)

NESTED_IMAGE = Fixture(
    name="nested_image",
    family="nested",
    description="an image module inside, with both its graph variants",
    module_fn=_image,
    tags_and_args=_VARIANTS,
    needs=("image_bn_dropout",),
    calls=(Call("default", _IMAGES),),
)

NESTED_TEXT = Fixture(
    name="nested_text",
    family="nested",
    description="a text module inside, with table, asset and partitioned variable",
    module_fn=_text,
    needs=("text_embedding_oov",),
    calls=(Call("default", {"default": examples.strings(["a dog sat", "", "zebra zebra"])}),),
)

NESTED_TWICE = Fixture(
    name="nested_twice",
    family="nested",
    description="one inner module applied to two inputs",
    module_fn=_twice,
    needs=("dense_no_default_output",),
    calls=(
        Call("default", {"left": examples.normal(4, 6), "right": examples.normal(4, 6, seed=1)}),
    ),
)

NESTED_TWO_LEVELS = Fixture(
    name="nested_two_levels",
    family="nested",
    description="three modules deep, with graph variants",
    module_fn=_two_levels,
    tags_and_args=_VARIANTS,
    needs=("nested_image", "half_plus_two"),
    calls=(Call("default", _IMAGES),),
)

NESTED_LOOP_TWICE = Fixture(
    name="nested_loop_twice",
    family="nested",
    description="a module with a loop, applied to two inputs of different lengths",
    module_fn=_loop_twice,
    needs=("rnn_lstm",),
    calls=(
        Call(
            "default",
            {"left": examples.normal(3, 5, 3), "right": examples.normal(3, 2, 3, seed=1)},
        ),
    ),
)

NESTED_LOOP_AFTER_LOOP = Fixture(
    name="nested_loop_after_loop",
    family="nested",
    description="a module with a loop on its own output, and one with a cond",
    module_fn=_loop_after_loop,
    needs=("while_simple", "cond_variables_per_branch"),
    calls=tuple(
        Call("default", {"x": examples.normal(5, 4), "flag": flag}, label)
        for flag, label in ((True, "true"), (False, "false"))
    ),
)
