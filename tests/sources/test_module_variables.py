import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from hub_stand_ins import make_meta_graph

from converter.ir.graph import SliceSpec
from converter.ir.serde import nodes_from_graph_def
from converter.sources.module_variables import list_variables, store


def _module_fn():
    tf1.get_variable("kernel", [2, 3])
    with tf1.variable_scope("text", partitioner=tf1.fixed_size_partitioner(2)):
        tf1.get_variable("embeddings", [5, 2], tf.float64, trainable=False)
    tf1.get_variable("ref", [], tf.int32, use_resource=False)
    tf1.get_local_variable("local", [])


def test_it_lists_global_variables_with_what_initializes_them():
    meta_graph = make_meta_graph(_module_fn)
    listed = list_variables(meta_graph, nodes_from_graph_def(meta_graph.graph_def))
    assert [(v.spec.name, v.initializer, v.spec.checkpoint_key) for v in listed] == [
        ("kernel", "kernel/Assign", "kernel"),
        ("text/embeddings/part_0", "text/embeddings/part_0/Assign", "text/embeddings"),
        ("text/embeddings/part_1", "text/embeddings/part_1/Assign", "text/embeddings"),
        ("ref", "ref/Assign", "ref"),
    ]
    assert [v.spec.slice for v in listed] == [
        None, SliceSpec((5, 2), (0, 0), (3, 2)), SliceSpec((5, 2), (3, 0), (2, 2)), None
    ]  # fmt: skip
    assert [v.spec.trainable for v in listed] == [True, False, False, True]


def test_a_string_keeps_its_zeros():
    [spec] = [v.spec for v in list_variables(*_one_variable())]
    assert store(spec, b"a\0").value.item() == b"a\0"
    assert store(spec, np.float32(2)).value.dtype == np.float32


def _one_variable():
    meta_graph = make_meta_graph(lambda: tf1.get_variable("v", []))
    return meta_graph, nodes_from_graph_def(meta_graph.graph_def)
