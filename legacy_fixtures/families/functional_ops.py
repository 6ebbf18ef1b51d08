"""map_fn, scan and folds: loops over the elements of tensors, which go into TensorArrays."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_SIZE = 4
_STEPS = 5


def _input():
    return tf.placeholder(tf.float32, [None, _SIZE], name="x")


def _map():
    """One tensor in, one out."""
    x = _input()
    scale, shift = tf.get_variable("scale", [_SIZE]), tf.get_variable("shift", [_SIZE])
    hub.add_signature(inputs=x, outputs=tf.map_fn(lambda row: tf.tanh(row * scale) + shift, x))


def _map_structures():
    """Two tensors in; three out, of other dtypes and shapes."""
    x = _input()
    count = tf.placeholder(tf.int32, [None], name="count")
    kernel = tf.get_variable("kernel", [_SIZE, 3])

    def one(elements):
        row, number = elements
        projected = tf.squeeze(tf.matmul(row[tf.newaxis], kernel), 0)
        large = tf.reduce_sum(row) > 0.3
        return projected * tf.cast(number, tf.float32), {"twice": number * 2, "large": large}

    dtypes = (tf.float32, {"twice": tf.int32, "large": tf.bool})
    projected, rest = tf.map_fn(one, (x, count), dtype=dtypes, name="per_example")
    hub.add_signature(inputs={"x": x, "count": count}, outputs={"default": projected, **rest})


def _map_nested():
    """A map in a map, and dropout in it."""
    x = tf.placeholder(tf.float32, [None, None, _SIZE], name="x")
    scale = tf.get_variable("scale", [_SIZE])

    def row(value):
        return tf.nn.dropout(tf.sin(value * scale), rate=0.25, seed=41)

    y = tf.map_fn(lambda matrix: tf.map_fn(row, matrix), x, parallel_iterations=2)
    hub.add_signature(inputs=x, outputs=y)


def _map_static():
    """All shapes are known, and no gradient is asked for."""
    x = tf.placeholder(tf.float32, [_STEPS, _SIZE], name="x")
    scale = tf.get_variable("scale", [_SIZE])
    y = tf.map_fn(lambda row: tf.sort(row * scale), x, back_prop=False)
    hub.add_signature(inputs=x, outputs=y + tf.reduce_sum(scale))


def _map_strings():
    """Strings in, numbers and strings out: counts words and drops the first one."""
    text = tf.placeholder(tf.string, [None], name="text")
    weights = tf.get_variable("weights", [6])

    def one(sentence):
        words = tf.string_split([sentence]).values
        return tf.size(words), tf.strings.reduce_join(words[1:], separator=" ")

    counts, rest = tf.map_fn(one, text, dtype=(tf.int32, tf.string))
    outputs = {"default": tf.gather(weights, counts), "rest": rest}
    hub.add_signature(inputs=text, outputs=outputs)


def _map_images():
    """Decodes and resizes images one by one, as serving signatures do."""
    encoded = tf.placeholder(tf.string, [None], name="image_bytes")
    scale = tf.get_variable("scale", [3])

    def decode(image_bytes):
        image = tf.image.decode_png(image_bytes, channels=3)
        image = tf.image.convert_image_dtype(image, tf.float32)
        return tf.image.resize(image, [4, 4], align_corners=True)

    images = tf.map_fn(decode, encoded, dtype=tf.float32, back_prop=False)
    hub.add_signature(inputs=encoded, outputs={"default": images * scale})


def _scan():
    """Exponential smoothing forwards, and backwards over the result."""
    x = _input()
    decay = tf.sigmoid(tf.get_variable("decay", [_SIZE]))

    def step(state, row):
        return decay * state + (1.0 - decay) * row

    forward = tf.scan(step, x, initializer=tf.zeros([_SIZE]))
    backward = tf.scan(step, forward, initializer=tf.ones([_SIZE]), reverse=True)
    hub.add_signature(inputs=x, outputs={"default": backward, "forward": forward})


@with_ref_variables
def _ref_scan():
    _scan()


def _scan_structures():
    """The first element is the initial state, then a state of a pair of dtypes."""
    x = _input()
    scale = tf.get_variable("scale", [_SIZE])
    running = tf.scan(lambda total, row: total + row * scale, x)

    def step(state, row):
        largest, position = state
        is_larger = tf.reduce_sum(row) > largest
        return tf.maximum(largest, tf.reduce_sum(row)), position + tf.cast(is_larger, tf.int32)

    initial = (tf.constant(-9.0), tf.constant(0))
    largest, changes = tf.scan(step, running, initializer=initial)
    outputs = {"default": running, "largest": largest, "changes": changes}
    hub.add_signature(inputs=x, outputs=outputs)


def _folds():
    """Folds from either end, with an initial value and without."""
    x = _input()
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
    scale = tf.get_variable("scale", [_SIZE])

    def step(state, row):
        return tf.tanh(tf.squeeze(tf.matmul(state[tf.newaxis], kernel), 0) + row)

    outputs = {
        "default": tf.foldl(step, x, initializer=scale),
        "right": tf.foldr(step, x, initializer=scale),
        "first": tf.foldl(lambda state, row: state * 0.5 + row * scale, x),
        "last": tf.foldr(lambda state, row: state * 0.5 - row * scale, x),
    }
    hub.add_signature(inputs=x, outputs=outputs)


def _png(height, width, seed):
    """Returns an image of random pixels as a PNG file."""
    pixels = np.random.RandomState(seed).randint(256, size=(height, 3 * width)).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)  # Each row begins with its filter.
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*chunk) for chunk in chunks)


def _png_chunk(kind, data):
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


_X = examples.normal(_STEPS, _SIZE)
_BATCH = (
    Call("default", {"default": _X}),
    Call("default", {"default": examples.normal(1, _SIZE, seed=2)}, "one element"),
)


def _fixture(name, description, module_fn, calls=_BATCH):
    return Fixture(name, "functional_ops", description, module_fn, calls)


MAP_FN = _fixture(
    "map_fn",
    "a map over the batch",
    _map,
    (*_BATCH, Call("default", {"default": _X[:0]}, "no element")),
)

MAP_FN_STRUCTURES = _fixture(
    "map_fn_structures",
    "a map from two tensors to three, of four dtypes",
    _map_structures,
    (Call("default", {"x": _X, "count": [3, 1, 4, 1, 5]}),),
)

MAP_FN_NESTED = _fixture(
    "map_fn_nested",
    "a map in a map, with dropout",
    _map_nested,
    (Call("default", {"default": examples.normal(3, 2, _SIZE)}),),
)

MAP_FN_STATIC = _fixture(
    "map_fn_static",
    "a map over a static shape, back_prop=False",
    _map_static,
    (Call("default", {"default": _X}),),
)

MAP_FN_STRINGS = _fixture(
    "map_fn_strings",
    "a map from strings to numbers and strings",
    _map_strings,
    (
        Call(
            "default",
            {"default": examples.strings(["the cat sat", "", "a b c d e", "zebra"])},
        ),
    ),
)

MAP_FN_IMAGES = _fixture(
    "map_fn_images",
    "a map that decodes and resizes images",
    _map_images,
    (
        Call(
            "default",
            {"default": examples.strings([_png(3, 2, seed=0), _png(2, 4, seed=1)])},
        ),
    ),
)

SCAN = _fixture("scan", "scans, one in reverse", _scan)

SCAN_REF = _fixture("scan_ref", "the same with ref variables", _ref_scan)

SCAN_STRUCTURES = _fixture(
    "scan_structures", "scans without an initial state and with a pair of them", _scan_structures
)

FOLDS = _fixture("folds", "foldl and foldr", _folds)
