"""Control flow of TF1's second kind for a module_fn."""

from __future__ import annotations

import functools
from typing import Callable

from tensorflow.python.ops import control_flow_util


def with_control_flow_v2(module_fn: Callable[..., None]) -> Callable[..., None]:
    """What tf.enable_control_flow_v2() does, for one module_fn."""

    @functools.wraps(module_fn)
    def wrapped(**kwargs):
        before = control_flow_util.ENABLE_CONTROL_FLOW_V2
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = True
        try:
            module_fn(**kwargs)
        finally:
            control_flow_util.ENABLE_CONTROL_FLOW_V2 = before

    return wrapped
