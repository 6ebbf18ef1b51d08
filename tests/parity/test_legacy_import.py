import numpy as np
import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from tensorflow.core.protobuf import meta_graph_pb2

from converter import errors
from converter.parity.legacy_gradients import control_flow_v2, prepare_overrides
from converter.parity.legacy_import import control_flow_of, import_graph


def test_a_graph_that_tensorflow_refuses():
    meta_graph = meta_graph_pb2.MetaGraphDef()
    meta_graph.graph_def.node.add(name="x", op="NoSuchOp")
    with pytest.raises(errors.ParityError, match=r"cannot import .*NoSuchOp") as caught:
        import_graph(meta_graph)
    assert "package" in caught.value.remedy


def test_shapes_that_tensorflow_infers_otherwise_are_forgotten():
    with tf.Graph().as_default() as graph:
        x, weights = tf1.placeholder(tf.float32, [2, 4, 4, 3]), tf.ones([3])
        y, *_ = tf1.nn.fused_batch_norm(x, weights, weights, weights, weights, is_training=False)
        (gradient,) = tf1.gradients(y, x)
        meta_graph = meta_graph_pb2.MetaGraphDef(graph_def=graph.as_graph_def(add_shapes=True))
    (node,) = (n for n in meta_graph.graph_def.node if n.op.startswith("FusedBatchNormGrad"))
    # TensorFlow 1.15 inferred the shape of the offsets for both, which are empty.
    for shape in node.attr["_output_shapes"].list.shape[3:5]:
        shape.dim[0].size = 3
    imported = import_graph(meta_graph)
    assert imported.get_tensor_by_name(gradient.name).shape == [2, 4, 4, 3]


def test_shapes_that_tensorflow_agrees_with_are_kept():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None])
        y = tf.identity(tf1.placeholder_with_default(x, None), name="y")
        y.set_shape([7])
        meta_graph = meta_graph_pb2.MetaGraphDef(graph_def=graph.as_graph_def(add_shapes=True))
    assert import_graph(meta_graph).get_tensor_by_name("y:0").shape == [7]


def test_gradients_of_v1_tensor_arrays_beside_a_functional_branch():
    with tf.Graph().as_default():
        x = tf1.placeholder(tf.float32, [2, 3], name="x")
        w = tf1.placeholder(tf.float32, [3], name="w")
        doubled = tf1.placeholder(tf.bool, [], name="doubled")
        with control_flow_v2(enabled=False):
            y = tf1.map_fn(lambda row: row * w, x)
        with control_flow_v2(enabled=True):
            y = tf.identity(tf1.cond(doubled, lambda: y * 2.0, lambda: y), name="y")
        meta_graph = tf1.train.export_meta_graph()
    assert {"TensorArrayV3", "StatelessIf"} <= {node.op for node in meta_graph.graph_def.node}
    assert prepare_overrides(meta_graph.graph_def) == {}
    imported = import_graph(meta_graph)
    y, w = imported.get_tensor_by_name("y:0"), imported.get_tensor_by_name("w:0")
    with imported.as_default(), control_flow_of(imported):
        (gradient,) = tf1.gradients(y, w)
    rows = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
    feeds = {"x:0": rows, "w:0": [0.0, 1.0, 2.0], "doubled:0": True}
    with tf1.Session(graph=imported) as session:
        np.testing.assert_array_equal(session.run(gradient, feeds), 2 * rows.sum(axis=0))
