"""Variables of TF1's old kind for a module_fn."""

from __future__ import annotations

import functools
from typing import Callable

import tensorflow.compat.v1 as tf


def with_ref_variables(module_fn: Callable[..., None]) -> Callable[..., None]:
    """Undoes what hub.create_module_spec does: it asks for resource variables."""

    @functools.wraps(module_fn)
    def wrapped(**kwargs):
        with tf.variable_scope("", use_resource=False):
            module_fn(**kwargs)

    return wrapped
