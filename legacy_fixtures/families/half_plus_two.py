"""The smallest module there is, and one without any variable."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture


def _half_plus_two():
    x = tf.placeholder(tf.float32, [None], name="x")
    a = tf.get_variable("a", initializer=0.5)
    b = tf.get_variable("b", initializer=2.0)
    hub.add_signature(inputs=x, outputs=a * x + b)


def _no_variables():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    norm = tf.norm(x, axis=1, keepdims=True)
    hub.add_signature(inputs=x, outputs={"default": x / norm, "norm": norm})


HALF_PLUS_TWO = Fixture(
    name="half_plus_two",
    family="half_plus_two",
    description="default: x / 2 + 2",
    module_fn=_half_plus_two,
    values={"a": 0.5, "b": 2.0},
    calls=(Call("default", {"default": examples.normal(4)}),),
)

NO_VARIABLES = Fixture(
    name="no_variables",
    family="half_plus_two",
    description="normalizes rows; there is no checkpoint",
    module_fn=_no_variables,
    calls=(Call("default", {"default": examples.normal(4, 3)}),),
)
