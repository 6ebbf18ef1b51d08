"""Structured outputs: conditional random fields, non-maximum suppression."""

from __future__ import annotations

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.contrib import crf

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture

_SIZE = 3
_TAGS = 4
_BOXES = 6


def _crf():
    """Viterbi decoding, and the log likelihood of given tags."""
    x = tf.placeholder(tf.float32, [None, None, _SIZE], name="x")
    lengths = tf.placeholder(tf.int32, [None], name="lengths")
    tags = tf.placeholder(tf.int32, [None, None], name="tags")
    kernel = tf.get_variable("kernel", [_SIZE, _TAGS])
    transitions = tf.get_variable("transitions", [_TAGS, _TAGS])
    scores = tf.tensordot(x, kernel, 1)
    scores.set_shape([None, None, _TAGS])
    decoded, best = crf.crf_decode(scores, transitions, lengths)
    likelihood, _ = crf.crf_log_likelihood(scores, tags, lengths, transitions)
    inputs = {"x": x, "lengths": lengths}
    hub.add_signature("default", inputs, {"default": decoded, "score": best})
    hub.add_signature("log_likelihood", {**inputs, "tags": tags}, likelihood)


def _score_boxes():
    boxes = tf.placeholder(tf.float32, [None, None, 4], name="boxes")
    features = tf.placeholder(tf.float32, [None, None, _SIZE], name="features")
    kernel = tf.get_variable("kernel", [_SIZE, 1])
    return boxes, features, tf.squeeze(tf.tensordot(features, kernel, 1), 2)


def _nms():
    """For a batch of images, in a map: boxes of the best scores that overlap little."""
    boxes, features, scores = _score_boxes()

    def one(elements):
        image_boxes, image_scores = elements
        selected, valid = tf.image.non_max_suppression_padded(
            image_boxes, image_scores, 4, iou_threshold=0.4, pad_to_max_output_size=True
        )
        mask = tf.cast(tf.range(4) < valid, tf.float32)
        kept = tf.gather(image_scores, selected) * mask
        return tf.gather(image_boxes, selected) * mask[:, tf.newaxis], kept, valid

    dtypes = (tf.float32, tf.float32, tf.int32)
    kept, kept_scores, counts = tf.map_fn(one, (boxes, scores), dtypes)
    outputs = {"default": kept, "scores": kept_scores, "counts": counts}
    hub.add_signature(inputs={"boxes": boxes, "features": features}, outputs=outputs)


def _nms_in_loop():
    """The op for the first image, and the algorithm as a loop that suppresses and counts."""
    boxes, features, scores = _score_boxes()
    image_boxes, image_scores = boxes[0], scores[0]
    selected = tf.image.non_max_suppression(image_boxes, image_scores, 4, iou_threshold=0.4)
    picked = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[])

    def body(count, remaining, picked):
        best = tf.argmax(remaining, output_type=tf.int32)
        overlap = _intersection_over_union(image_boxes[best], image_boxes)
        remaining = tf.where(overlap > 0.4, tf.fill(tf.shape(remaining), -1e9), remaining)
        return count + 1, remaining, picked.write(count, best)

    def is_one_left(count, remaining, _):
        return tf.logical_and(count < 4, tf.reduce_max(remaining) > -1e8)

    count, _, picked = tf.while_loop(is_one_left, body, [0, image_scores, picked])
    outputs = {
        "default": tf.gather(image_scores, selected),
        "selected": selected,
        "picked": picked.stack(),
        "count": count,
    }
    hub.add_signature(inputs={"boxes": boxes, "features": features}, outputs=outputs)


def _intersection_over_union(box, boxes):
    """Returns `[boxes]` for a box `[4]` and boxes `[boxes, 4]`."""
    corners = tf.minimum(box[2:], boxes[:, 2:]) - tf.maximum(box[:2], boxes[:, :2])
    intersection = tf.reduce_prod(tf.maximum(corners, 0.0), axis=1)
    areas = tf.reduce_prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return intersection / (areas + tf.reduce_prod(box[2:] - box[:2]) - intersection)


def _distances():
    """A dynamic program over two sequences: one loop in another, rows as loop variables."""
    left = tf.placeholder(tf.float32, [None, _SIZE], name="left")
    right = tf.placeholder(tf.float32, [None, _SIZE], name="right")
    scale = tf.get_variable("scale", [_SIZE])
    scaled = tf.abs(left[:, tf.newaxis] - right[tf.newaxis]) * tf.abs(scale)
    costs = tf.reduce_sum(scaled, axis=2)

    def next_row(previous, row):
        def next_cell(before, elements):
            cost, above, corner = elements
            return cost + tf.minimum(before, tf.minimum(above, corner))

        corners = tf.concat([[1e4], previous[:-1]], axis=0)
        return tf.scan(next_cell, (row, previous, corners), initializer=tf.constant(1e4))

    first = tf.cumsum(costs[0])
    table = tf.scan(next_row, costs[1:], initializer=first)
    hub.add_signature(inputs={"left": left, "right": right}, outputs=table[-1, -1])


def _boxes(seed):
    random = np.random.RandomState(seed)
    corners = random.uniform(0.0, 0.5, (2, _BOXES, 2))
    return np.concatenate([corners, corners + random.uniform(0.3, 0.6, corners.shape)], axis=2)


_X = examples.normal(3, 5, _SIZE)
_LENGTHS = [5, 2, 3]
_DETECTIONS = {"boxes": _boxes(3), "features": examples.normal(2, _BOXES, _SIZE, seed=4)}
_CRF_CALLS = (
    Call("default", {"x": _X, "lengths": _LENGTHS}),
    Call("default", {"x": _X[:, :1], "lengths": [1, 1, 1]}, "one step"),
    Call(
        "log_likelihood",
        {"x": _X, "lengths": _LENGTHS, "tags": examples.ids(_TAGS, (3, 5))},
    ),
    Call(
        "log_likelihood",
        {"x": _X[:, :1], "lengths": [1, 1, 1], "tags": [[0], [3], [1]]},
        "one step",
    ),
)


def _fixture(name, description, module_fn, calls, **options):
    return Fixture(name, "structured", description, module_fn, calls, **options)


CRF = _fixture("crf", "Viterbi decoding and log likelihood", _crf, _CRF_CALLS)

NMS_IN_MAP = _fixture(
    "nms_in_map",
    "non-maximum suppression for each image",
    _nms,
    (Call("default", _DETECTIONS),),
)

NMS_IN_LOOP = _fixture(
    "nms_in_loop",
    "non-maximum suppression, by the op and by a loop",
    _nms_in_loop,
    (Call("default", _DETECTIONS),),
)

TIME_WARPING = _fixture(
    "time_warping",
    "dynamic time warping: a scan in a scan",
    _distances,
    (
        Call(
            "default",
            {"left": examples.normal(4, _SIZE), "right": examples.normal(3, _SIZE, seed=1)},
        ),
    ),
)
