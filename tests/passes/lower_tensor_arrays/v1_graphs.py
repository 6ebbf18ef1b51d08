"""V1 graphs with arrays, as a user of TensorFlow 1 builds and runs them."""

import numpy as np
import tensorflow as tf
from tensorflow.python.ops import tensor_array_ops

from converter.ir import query, serde
from converter.ir.graph import Graph, TensorRef

v1 = tf.compat.v1

NUMBERS = np.arange(12, dtype=np.float32).reshape(4, 3) + 1


def read_graph(build):
    with tf.Graph().as_default() as graph:
        outputs = tf.nest.flatten(build())
    graph_def = graph.as_graph_def(add_shapes=True)
    return query.drop_dead(
        Graph(
            serde.nodes_from_graph_def(graph_def),
            args=(),
            results=tuple(TensorRef.parse(output.name) for output in outputs),
            producer=graph_def.versions.producer,
        )
    )


def run(graph, feeds):
    graph_def = serde.graph_def_from_nodes(graph.nodes.values(), graph.producer)
    with tf.Graph().as_default(), v1.Session() as session:
        names = [str(ref) for ref in graph.results]
        outputs = tf.import_graph_def(graph_def, name="", return_elements=names)
        return session.run(outputs, {f"{name}:0": value for name, value in feeds.items()})


def placeholder(name, *shape, dtype=tf.float32):
    return v1.placeholder(dtype, shape, name=name)


def with_flow(array, flow):
    return tensor_array_ops.build_ta_with_new_flow(array, flow)
