"""Seeded weights: no variable stays at zeros or ones, which would hide mistakes."""

from __future__ import annotations

import re
import zlib

import numpy as np
import tensorflow.compat.v1 as tf

_POSITIVE = re.compile(r"variance|gamma|scale|stddev")


def seeded_value(name: str, initial: np.ndarray) -> np.ndarray:
    """Returns the weights of a variable, a function of its name, dtype and shape alone.

    Args:
      name: TF1 name of the variable.
      initial: Its initial value; only dtype and shape count.
    """
    random = np.random.RandomState(zlib.crc32(name.encode()))
    dtype = tf.as_dtype(initial.dtype)
    if dtype == tf.string:
        return _words(random, initial.shape)
    if dtype == tf.bool:
        return _mixed_booleans(initial.shape)
    if dtype.is_integer:
        return _small_integers(random, initial.shape).astype(initial.dtype)
    if dtype.is_complex:
        real, imaginary = _floats(random, name, initial.shape), _floats(random, name, initial.shape)
        return (real + 1j * imaginary).astype(initial.dtype)
    return _floats(random, name, initial.shape).astype(initial.dtype)


def _floats(random, name, shape):
    """Values that keep activations of order one."""
    if _POSITIVE.search(name.rsplit("/", 1)[-1]):
        return random.uniform(0.5, 1.5, shape)
    if len(shape) < 2:
        return random.uniform(0.05, 0.5, shape) * random.choice([-1.0, 1.0], shape)
    if "embedding" in name:
        return random.normal(0.0, 0.5, shape)
    fan_in = max(1, int(np.prod(shape[:-1])))
    return random.normal(0.0, 1.0 / np.sqrt(fan_in), shape)


def _small_integers(random, shape):
    """Distinct values from 2 on, up to 100 of them."""
    size = int(np.prod(shape))
    return (2 + random.permutation(size) % 100).reshape(shape)


def _mixed_booleans(shape):
    return np.arange(int(np.prod(shape))).reshape(shape) % 3 != 1


def _words(random, shape):
    words = [b"word%d" % number for number in random.permutation(int(np.prod(shape)))]
    return np.array(words, dtype=object).reshape(shape)
