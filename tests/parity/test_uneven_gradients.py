"""Modules whose outputs cannot be differentiated in every way that TF1 can."""

import tensorflow as tf
import tensorflow.compat.v1 as tf1

from converter.passes import cut_missing_gradients

_IMAGES = (None, 2, 2, 3)


def test_loops_that_write_strings_are_differentiated_in_a_function(verify_built):
    def build(x, w):
        dtypes = (tf.float32, tf.string)
        product, text = tf1.map_fn(lambda v: (v * w, tf.as_string(tf.size(v))), x, dtypes)
        return {"product": product, "text": text}

    report = verify_built(build)
    assert report.verdict == "equal", report.first_failure()
    assert ("gradients", "w") in {(row.check, row.tensor) for row in report.rows}


def test_an_output_that_trains_in_tf1_alone_trains(verify_built):
    def build(x, w):
        features = x * w
        return {"features": features, "preview": tf.image.adjust_hue(features, 0.1)}

    report = verify_built(build, _IMAGES)
    assert report.verdict == "equal", report.first_failure()
    (entry,) = report.not_compared
    assert entry.what == "gradients of output preview"
    assert not entry.leaves_open


def test_an_output_that_trains_in_tf1_alone_differs_where_no_tape_can(verify_built, monkeypatch):
    # As in what versions before this pass have converted.
    monkeypatch.setattr(cut_missing_gradients, "_has_no_gradient", lambda _: False)

    def build(x, w):
        features = x * w
        return {"features": features, "preview": tf.image.adjust_hue(features, 0.1)}

    report = verify_built(build, _IMAGES)
    (failure,) = report.failures
    assert report.verdict == "differs"
    assert (failure.check, failure.tensor) == ("gradients", "features")
    assert "AdjustHue" in failure.comparison.actual
    assert "all outputs of a call at once" in failure.comparison.actual
    (entry,) = report.not_compared
    assert entry.what == "gradients of output preview"
    assert not entry.leaves_open


def test_a_gradient_that_fails_for_an_op_s_attributes_differs(verify_built):
    def build(x, w):
        features = x * w
        solved = tf.raw_ops.MatrixSolveLs(matrix=features, rhs=x, l2_regularizer=0.1, fast=False)
        return {"features": features, "solved": solved}

    report = verify_built(build, _IMAGES)
    (failure,) = report.failures
    assert report.verdict == "differs"
    assert "Gradient not defined for fast=False" in failure.comparison.actual


def test_an_op_without_gradients_behind_every_output_leaves_nothing_open(verify_built):
    def build(x, w):
        return {"hue": tf.image.adjust_hue(x * w, 0.1), "next": x + 1}

    report = verify_built(build, _IMAGES)
    (entry,) = report.not_compared
    assert entry.what == "gradients"
    assert "AdjustHue" in entry.why
    assert report.verdict == "equal", report.first_failure()
