"""TensorFlow's import of a TF1 graph, and the control flow that its gradients need."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
import tensorflow.compat.v1 as tf1

from converter import errors
from converter.ir import op_facts
from converter.parity.legacy_gradients import register_gradients


@contextlib.contextmanager
def control_flow_of(graph: tf.Graph) -> Iterator[None]:
    """Turns control flow v2 on or off, as it was when the graph was made, and then back.

    With it TensorFlow 2.21 tries to make the gradient of a V1 TensorArray a TensorList, and fails.
    Without it the gradients of nested functional loops are wrong.
    """
    functional = any(op.type in op_facts.FUNCTIONAL_CONTROL_FLOW for op in graph.get_operations())
    was_enabled = tf1.control_flow_v2_enabled()
    _set_control_flow_v2(functional)
    try:
        yield
    finally:
        _set_control_flow_v2(was_enabled)


def _set_control_flow_v2(enabled: bool) -> None:
    (tf1.enable_control_flow_v2 if enabled else tf1.disable_control_flow_v2)()


def import_graph(meta_graph: Any) -> tf.Graph:
    """A graph of a MetaGraphDef.

    Raises:
      ParityError: if TensorFlow cannot import it.
    """
    register_gradients()
    graph = tf.Graph()
    try:
        with graph.as_default():
            tf1.train.import_meta_graph(meta_graph, clear_devices=True)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # Its Python raises anything where a collection is damaged.
        raise errors.ParityError(
            f"TensorFlow cannot import the TF1 graph: {errors.summarize(error)}",
            remedy="If a package registers its ops, pass --import-ops PACKAGE (in Python:"
            " import_ops=).",
        ) from error
    return graph
