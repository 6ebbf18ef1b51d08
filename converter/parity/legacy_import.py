"""TensorFlow's import of a TF1 graph, and the control flow that its gradients need."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
import tensorflow.compat.v1 as tf1

from converter import errors
from converter.ir import op_facts
from converter.parity.legacy_gradients import control_flow_v2, register_gradients

# The attribute of a node for the shapes that TensorFlow inferred when the graph was made.
_SHAPES = "_output_shapes"


@contextlib.contextmanager
def control_flow_of(graph: tf.Graph) -> Iterator[None]:
    """Turns control flow v2 on or off, as it was when the graph was made, and then back.

    Without it the gradients of nested functional loops are wrong. With it those of V1 TensorArrays
    need care (`legacy_gradients.py`).
    """
    functional = any(op.type in op_facts.FUNCTIONAL_CONTROL_FLOW for op in graph.get_operations())
    with control_flow_v2(enabled=functional):
        yield


def import_graph(meta_graph: Any) -> tf.Graph:
    """A graph of a MetaGraphDef, which loses the shapes that this TensorFlow does not agree with.

    Raises:
      ParityError: if TensorFlow cannot import it.
    """
    register_gradients()
    try:
        try:
            return _import(meta_graph)
        except ValueError as error:
            if _SHAPES not in str(error):
                raise
        # Shapes are inferred anew; those of the file only add to them. `FusedBatchNormGradV3`
        # of inference mode, say, has two empty outputs in TensorFlow 2, and had none in 1.15.
        _forget_shapes(meta_graph.graph_def)
        return _import(meta_graph)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # Its Python raises anything where a collection is damaged.
        raise errors.ParityError(
            f"TensorFlow cannot import the TF1 graph: {errors.summarize(error)}",
            remedy="If a package registers its ops, pass --import-ops PACKAGE (in Python:"
            " import_ops=).",
        ) from error


def _import(meta_graph: Any) -> tf.Graph:
    graph = tf.Graph()
    with graph.as_default():
        tf1.train.import_meta_graph(meta_graph, clear_devices=True)
    return graph


def _forget_shapes(graph_def: Any) -> None:
    bodies = [function.node_def for function in graph_def.library.function]
    for node in itertools.chain(graph_def.node, *bodies):
        node.attr.pop(_SHAPES, None)
