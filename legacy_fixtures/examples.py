"""Inputs for the calls of fixtures: seeded, so that they are the same in every build."""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal float32 values."""
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def images(*shape: int, seed: int = 0) -> np.ndarray:
    """Float32 pixels in [0, 1], `[batch, height, width, channels]`."""
    return np.random.RandomState(seed).uniform(size=shape).astype(np.float32)


def ids(limit: int, shape: Tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Int32 ids in [0, limit)."""
    return np.random.RandomState(seed).randint(limit, size=shape).astype(np.int32)


def strings(values: Sequence) -> np.ndarray:
    """A (nested) sequence of str or bytes as an array of objects."""
    return np.array(values, dtype=object)
