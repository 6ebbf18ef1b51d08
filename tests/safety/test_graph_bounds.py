"""Graphs as a file has them: constants in any part of them are bounded."""

import pytest
import tensorflow as tf

from converter import errors
from converter.ir.serde import graph_from_function_def, nodes_from_graph_def
from converter.safety.graph_bounds import check_graph_bounds


def _check(build):
    """Checks the graph that a function adds to."""
    with tf.Graph().as_default() as graph:
        build()
    graph_def = graph.as_graph_def()
    check_graph_bounds(nodes_from_graph_def(graph_def), graph_def.versions.producer)
    for function in graph_def.library.function:
        library = {f.signature.name: f for f in graph_def.library.function}
        body = graph_from_function_def(function, library, {})
        check_graph_bounds(body.nodes, graph_def.versions.producer)


def _bomb(size=1 << 30):
    """What TensorFlow would not compute for this test: its shape function knows the sizes."""
    return tf.fill(tf.constant([size]), tf.constant(1))


def _read_by_name():
    table = tf.compat.v1.get_variable("w", [1 << 15, 1 << 15], use_resource=True)
    return tf.fill(tf.shape(table.read_value()), 1.0)


@pytest.mark.parametrize(
    "build",
    [
        _bomb,
        lambda: tf.fill(tf.shape(tf.compat.v1.placeholder(tf.float32, [1 << 28])), 1.0),
        _read_by_name,
    ],
    ids=["constant", "shape of an input", "shape of a variable"],
)  # fmt: skip
def test_refused(build):
    with pytest.raises(errors.UnsafeModuleError, match="more than 256 MiB"):
        _check(build)


def _loop():
    tf.compat.v1.disable_control_flow_v2()
    try:
        tf.while_loop(lambda i: i < 10, lambda i: i + 1, [tf.constant(0)])
    finally:
        tf.compat.v1.enable_control_flow_v2()


def _call():
    return tf.function(lambda x: x + tf.fill([2], 1.0))(tf.compat.v1.placeholder(tf.float32))


@pytest.mark.parametrize("build", [_loop, _call, lambda: _bomb(1 << 10)])
def test_it_does_nothing_because_little_is_computed(build):
    _check(build)


def test_in_a_function():
    with pytest.raises(errors.UnsafeModuleError, match="4096 MiB"):
        _check(lambda: tf.function(_bomb)())
