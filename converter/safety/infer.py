"""TensorFlow's own shape function of one op, asked without the graph around it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from converter.ir import attributes, op_facts, serde
from converter.ir.attributes import Shape
from converter.ir.graph import Node, TensorRef
from converter.safety.extent import Extent


def infer_alone(node: Node, inputs: Sequence[Extent], producer: int) -> list[Shape]:
    """The static shapes of a node's outputs.

    Inputs whose values are known are small constants of their own here, and all others have a shape
    and no value. So TensorFlow has nothing to compute.

    Args:
      node: A node of a registered op.
      inputs: What is known of its inputs.
      producer: The GraphDef version of the TensorFlow that built its graph.

    Returns:
      A shape for each output; None for all that TensorFlow cannot tell.
    """
    takes, gives = op_facts.dtypes(node)
    try:
        feeds = [
            _feed(f"input_{index}", extent, dtype % op_facts.REF_OFFSET)
            for index, (extent, dtype) in enumerate(zip(inputs, takes, strict=True))
        ]
        alone = dataclasses.replace(
            node,
            name="node",
            inputs=tuple(TensorRef(feed.name) for feed in feeds),
            control_inputs=(),
            attrs={key: value for key, value in node.attrs.items() if not key.startswith("_")},
        )
        names = [f"node:{index}" for index in range(len(gives))]
        with tf.Graph().as_default():
            graph_def = serde.graph_def_from_nodes([*feeds, alone], producer)
            outputs = tf.graph_util.import_graph_def(graph_def, return_elements=names, name="")
        return [_read(tensor.shape) for tensor in outputs]  # Some are negative, which raises, too.
    except (ValueError, TypeError, KeyError, tf.errors.OpError):
        return [None] * len(gives)  # TensorFlow will refuse the node with its own words.


def _feed(name: str, extent: Extent, dtype: int) -> Node:
    attrs = {"dtype": attributes.type_attr(dtype)}
    value = extent.known_value
    if value is None:
        shape = tf.TensorShape(extent.shape).as_proto()
        return Node(name, "Placeholder", attrs={**attrs, "shape": attributes.shape_attr(shape)})
    array = value.astype(tf.as_dtype(dtype).as_numpy_dtype)
    tensor = attributes.tensor_attr(tf.make_tensor_proto(array))
    return Node(name, "Const", attrs={**attrs, "value": tensor})


def _read(shape: tf.TensorShape) -> Shape:
    return None if shape.rank is None else tuple(shape.as_list())
