"""Layers and ops that published modules are made of."""

from __future__ import annotations

import base64

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
import tf_slim as slim
from tensorflow.python.ops import gen_image_ops

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture

# A PNG of 2 x 3 pixels in RGB.
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAHElEQVR4nGMQcPjP0OCQkMzKcIJL"
    "jt1344cmGwA8FwZ7C/HDoAAAAABJRU5ErkJggg=="
)


def _convolutions():
    """The building blocks of mobile and of older networks."""
    images = tf.placeholder(tf.float32, [None, 12, 12, 3], name="images")
    separable = tf.layers.separable_conv2d(images, 6, 3, padding="same", name="separable")
    depthwise = slim.separable_conv2d(
        tf.nn.relu6(separable), None, [3, 3], depth_multiplier=1, stride=2, scope="depthwise"
    )
    normalized = tf.nn.lrn(depthwise, depth_radius=2, bias=1.0, alpha=0.3, beta=0.75)
    maximum = tf.nn.max_pool2d(normalized, 3, 1, "SAME")
    average = tf.nn.avg_pool2d(normalized, 3, 1, "VALID")
    padded = tf.pad(average, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    mixed = tf.concat([maximum, padded], axis=3)
    dilated = tf.layers.conv2d(mixed, 4, 3, padding="same", dilation_rate=2, name="dilated")
    up = tf.layers.conv2d_transpose(dilated, 3, 3, strides=2, padding="same", name="up")
    resized = tf.image.resize_bilinear(up, [7, 5], align_corners=True)
    nearest = tf.image.resize_nearest_neighbor(dilated, [9, 9])
    blocks = tf.space_to_depth(up, 2)
    mean, variance = tf.nn.moments(tf.depth_to_space(blocks, 2), [1, 2])
    outputs = {"default": mean, "variance": variance, "resized": resized, "nearest": nearest}
    hub.add_signature(inputs={"images": images}, outputs=outputs)


def _fused_batch_norm(is_training):
    """Both layouts of batch norm that TF1 fuses, and one that it does not."""
    images = tf.placeholder(tf.float32, [None, 6, 6, 3], name="images")
    net = tf.layers.conv2d(images, 4, 3, use_bias=False, name="conv")
    layer = tf.layers.BatchNormalization(fused=True, momentum=0.9, name="fused")
    net = tf.nn.relu(layer(net, training=is_training))
    for update in layer.updates:
        tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
    net = slim.batch_norm(net, 0.8, is_training=is_training, fused=True, scope="slim")
    net = tf.nn.leaky_relu(net)
    vector = tf.reduce_mean(net * net, [1, 2])
    vector = tf.layers.batch_normalization(
        vector, momentum=0.7, training=is_training, renorm=False, name="dense"
    )
    hub.add_signature(
        inputs={"images": images}, outputs={"default": tf.sigmoid(vector), "net": net}
    )


def _attention():
    """Scaled dot-product attention, two heads, with layer norm before and gating after it."""
    x = tf.placeholder(tf.float32, [None, None, 8], name="x")
    lengths = tf.placeholder(tf.int32, [None], name="lengths")
    normalized = slim.layer_norm(x, begin_norm_axis=-1, begin_params_axis=-1, scope="norm")
    query, key, value = (
        tf.einsum("btd,dhk->bhtk", normalized, tf.get_variable(name, [8, 2, 4]))
        for name in ("query", "key", "value")
    )
    mask = tf.sequence_mask(lengths, tf.shape(x)[1], tf.float32)[:, tf.newaxis, tf.newaxis]
    scores = tf.matmul(query, key, transpose_b=True) / 2.0 + (1.0 - mask) * -1e9
    weights = tf.nn.softmax(scores)
    attended = tf.einsum("bhts,bhsk->bthk", weights, value)
    output = tf.tensordot(attended, tf.get_variable("output", [2, 4, 8]), 2)
    gate = tf.sigmoid(tf.layers.dense(x, 8, name="gate"))
    outputs = {"default": x + gate * output, "weights": weights}
    hub.add_signature(inputs={"x": x, "lengths": lengths}, outputs=outputs)


def _inner_gradient():
    """The forward pass contains gradient ops: a step against the energy of the input."""
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    kernel = tf.get_variable("kernel", [4, 4])
    energy = tf.reduce_sum(tf.nn.softplus(tf.matmul(x, kernel)) ** 2, axis=1)
    (gradient,) = tf.gradients(energy, x)
    hub.add_signature(inputs=x, outputs={"default": x - 0.1 * gradient, "energy": energy})


def _custom_gradient():
    """EfficientNet's swish: the op type of its gradient exists in no other process."""

    @tf.custom_gradient
    def swish(features):
        def gradient(upstream):
            gate = tf.nn.sigmoid(features)
            return upstream * gate * (1.0 + features * (1.0 - gate))

        return features * tf.nn.sigmoid(features), gradient

    x = tf.placeholder(tf.float32, [None, 4], name="x")
    hidden = swish(tf.layers.dense(x, 5, name="hidden"))
    hub.add_signature(inputs=x, outputs=tf.layers.dense(hidden, 2, name="y"))


def _segments():
    """Ops on groups of rows, sorted rows and unique ids."""
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    groups = tf.placeholder(tf.int32, [None], name="groups")
    scaled = x * tf.get_variable("scale", [3])
    unique, positions, counts = tf.unique_with_counts(groups)
    top_values, top_indices = tf.nn.top_k(scaled, 2)
    sparse_sum = tf.sparse.segment_sum(scaled, tf.range(tf.shape(groups)[0]), groups)
    outputs = {
        "default": tf.math.segment_mean(scaled, groups),
        "max": tf.math.segment_max(scaled, groups),
        "sum": tf.math.unsorted_segment_sum(scaled, positions, tf.size(unique)),
        "sparse_sum": sparse_sum,
        "top_values": top_values,
        "top_indices": top_indices,
        "unique": unique,
        "counts": counts,
        "cumulative": tf.cumsum(scaled, axis=0, exclusive=True, reverse=True),
        "columns": tf.reverse(tf.gather(scaled, [2, 0], axis=1), [0]),
        "hot": tf.one_hot(groups, 4, on_value=0.9, off_value=0.1),
        "where": tf.where(scaled > 0.0, scaled, tf.zeros_like(scaled)),
    }
    hub.add_signature(inputs={"x": x, "groups": groups}, outputs=outputs)


def _strings():
    """Text in, text and numbers out."""
    text = tf.placeholder(tf.string, [None], name="text")
    numbers = tf.placeholder(tf.string, [None], name="numbers")
    clean = tf.strings.regex_replace(text, r"[^a-z ]+", "_", replace_global=True)
    words = tf.string_split(clean, delimiter=" ")
    dense = tf.sparse.to_dense(words, default_value="<pad>")
    parsed = tf.strings.to_number(numbers)
    outputs = {
        "default": dense,
        "bucket_fast": tf.strings.to_hash_bucket_fast(dense, 50),
        "bucket_strong": tf.strings.to_hash_bucket_strong(dense, 50, [7, 9]),
        "start": tf.strings.substr(text, 0, 2),
        "match": tf.strings.regex_full_match(text, r".*o.*"),
        "length": tf.strings.length(text, unit="UTF8_CHAR"),
        "joined": tf.strings.reduce_join(dense, 1, separator="+"),
        "number": parsed * tf.get_variable("scale", []),
        "as_string": tf.strings.as_string(parsed, precision=2),
        "base64": tf.decode_base64(tf.encode_base64(text)),
        "bytes": tf.decode_raw(tf.strings.substr(text, 0, 2), tf.uint8),
        "script": tf.strings.unicode_script(tf.constant([65, 1071])),
    }
    hub.add_signature(inputs={"text": text, "numbers": numbers}, outputs=outputs)


def _image_bytes():
    """Decodes one encoded image and scales it."""
    encoded = tf.placeholder(tf.string, [], name="encoded")
    decoded = gen_image_ops.decode_png(encoded, channels=3)
    pixels = tf.cast(decoded, tf.float32) / 255.0
    resized = tf.image.resize_bilinear(pixels[tf.newaxis], [4, 6], half_pixel_centers=True)
    gray = tf.tensordot(resized, tf.get_variable("luma", [3]), 1)
    hub.add_signature(inputs=encoded, outputs={"default": gray, "pixels": decoded})


_VARIANTS = ((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True}))
_ROWS = examples.normal(6, 3)

LAYERS_CONVOLUTIONS = Fixture(
    name="layers_convolutions",
    family="layers",
    description="separable, dilated and transposed convolution, pooling, LRN, resizing",
    module_fn=_convolutions,
    calls=(Call("default", {"images": examples.images(2, 12, 12, 3)}),),
)

LAYERS_FUSED_BATCH_NORM = Fixture(
    name="layers_fused_batch_norm",
    family="layers",
    description="fused batch norm of tf.layers and slim, and batch norm of vectors",
    module_fn=_fused_batch_norm,
    tags_and_args=_VARIANTS,
    calls=(Call("default", {"images": examples.images(16, 6, 6, 3)}),),
)

LAYERS_ATTENTION = Fixture(
    name="layers_attention",
    family="layers",
    description="layer norm, einsum, masked softmax attention",
    module_fn=_attention,
    calls=(Call("default", {"x": examples.normal(2, 5, 8), "lengths": [5, 3]}),),
)

LAYERS_INNER_GRADIENT = Fixture(
    name="layers_inner_gradient",
    family="layers",
    description="gradient ops in the forward graph",
    module_fn=_inner_gradient,
    calls=(Call("default", {"default": examples.normal(4, 4)}),),
)

LAYERS_CUSTOM_GRADIENT = Fixture(
    name="layers_custom_gradient",
    family="layers",
    description="tf.custom_gradient leaves a _gradient_op_type that no process knows",
    module_fn=_custom_gradient,
    calls=(Call("default", {"default": examples.normal(4, 4)}),),
)

LAYERS_SEGMENTS = Fixture(
    name="layers_segments",
    family="layers",
    description="segment ops, top_k, unique, cumsum, gather, where",
    module_fn=_segments,
    calls=(Call("default", {"x": _ROWS, "groups": [0, 0, 1, 2, 2, 2]}),),
)

LAYERS_STRINGS = Fixture(
    name="layers_strings",
    family="layers",
    description="string ops: regex, split, hash buckets, substr, numbers, unicode",
    module_fn=_strings,
    calls=(
        Call(
            "default",
            {
                "text": examples.strings(["hello world", "naïve 7", "go"]),
                "numbers": examples.strings(["3.5", "-2", "1e3"]),
            },
        ),
    ),
)

LAYERS_IMAGE_BYTES = Fixture(
    name="layers_image_bytes",
    family="layers",
    description="decodes a PNG",
    module_fn=_image_bytes,
    calls=(Call("default", {"default": _PNG}),),
)
