"""V1 graphs without control flow, run before and after the pass."""

import numpy as np
import pytest
import tensorflow as tf
from passes.lower_tensor_arrays.v1_graphs import NUMBERS, placeholder, read_graph, run

from converter.ir import serde
from converter.passes.lower_tensor_arrays import lower_tensor_arrays

v1 = tf.compat.v1


@pytest.mark.parametrize("infer_shape", [False, True])
def test_split_and_concat(infer_shape, compare):
    lengths = [2, 2] if infer_shape else [1, 3]

    def build():
        x = placeholder("x", 4, 3)
        array = tf.TensorArray(tf.float32, 2, infer_shape=infer_shape, clear_after_read=False)
        array = array.split(x, lengths)
        return array.concat(), array.read(1)

    (whole, part), ops = compare(build, {"x": NUMBERS})
    np.testing.assert_array_equal(whole, NUMBERS)
    np.testing.assert_array_equal(part, NUMBERS[lengths[0] :])
    assert ops == {"Split", "ConcatV2", "GetItem"}


def _scattered():
    x, i = placeholder("x", 2, 3), placeholder("i", 2, dtype=tf.int32)
    array = tf.TensorArray(tf.float32, 5, element_shape=[3], clear_after_read=False)
    array = array.scatter(i, x)
    more = array.scatter([1], x[:1])
    return more.stack(), more.gather([1, 1, 4])


def test_scatter(compare):
    (result, _), ops = compare(_scattered, {"x": NUMBERS[:2], "i": [4, 0]})
    np.testing.assert_array_equal(result[[0, 1, 4]], NUMBERS[[1, 0, 0]])
    assert {"ScatterV2", "ScatterIntoExistingList"} <= ops


@pytest.mark.parametrize("indices", [[5, 0], [-1, 2]])
def test_a_scatter_beyond_the_end_stays_an_error(indices, make_program):
    graph = read_graph(_scattered)
    for each in (graph, lower_tensor_arrays(graph, make_program())):
        with pytest.raises(tf.errors.InvalidArgumentError):
            run(each, {"x": NUMBERS[:2], "i": indices})


def _scattered_beside():
    x, i = placeholder("x", 2, 3), placeholder("i", 2, dtype=tf.int32)
    array = tf.TensorArray(tf.float32, 5, element_shape=[3]).write(3, x[0])
    return array.scatter(i, x).stack()


@pytest.mark.parametrize("indices", [[5, 0], [-1, 2], [1, 1 << 30]])
def test_a_scatter_beside_elements_beyond_the_end_stays_an_error(indices, make_program):
    graph = read_graph(_scattered_beside)
    for each in (graph, lower_tensor_arrays(graph, make_program())):
        with pytest.raises(tf.errors.InvalidArgumentError):
            run(each, {"x": NUMBERS[:2], "i": indices})


def _written_and_read():
    i, j = placeholder("i", dtype=tf.int32), placeholder("j", dtype=tf.int32)
    array = tf.TensorArray(tf.float32, 2, element_shape=[3])
    return array.write(i, NUMBERS[0]).read(j)


@pytest.mark.parametrize(("i", "j"), [(2, 0), (-1, 0), (0, 2), (0, -1)])
def test_other_indices_beyond_the_end_stay_errors(i, j, make_program):
    graph = read_graph(_written_and_read)
    for each in (graph, lower_tensor_arrays(graph, make_program())):
        with pytest.raises(tf.errors.InvalidArgumentError):
            run(each, {"i": i, "j": j})


@pytest.mark.parametrize("element_shape", [[3], None])
def test_what_was_not_written_is_zero(element_shape, compare):
    def build():
        x = placeholder("x", 3)
        array = tf.TensorArray(tf.float32, 2, element_shape=element_shape)
        return array.write(0, x).read(1)

    (result,), _ = compare(build, {"x": NUMBERS[0]})
    assert result.tolist() == [0, 0, 0]


def test_effects_stay(make_program):
    def build():
        x = placeholder("x", None, 3)
        is_short = v1.assert_less(tf.shape(x)[0], 4)
        with tf.control_dependencies([is_short]):
            array = tf.TensorArray(tf.float32, tf.shape(x)[0]).unstack(x)
        is_long = v1.assert_greater(tf.shape(x)[0], 1)
        with tf.control_dependencies([is_long]):
            return array.stack()

    graph = read_graph(build)
    lowered = lower_tensor_arrays(graph, make_program())
    np.testing.assert_array_equal(run(lowered, {"x": NUMBERS[:3]})[0], NUMBERS[:3])
    for rows in (1, 4):
        for each in (graph, lowered):
            with pytest.raises(tf.errors.InvalidArgumentError, match="assertion failed"):
                run(each, {"x": NUMBERS[:rows]})


def _gradient(graph, feeds):
    graph_def = serde.graph_def_from_nodes(graph.nodes.values(), graph.producer)
    with tf.Graph().as_default(), v1.Session() as session:
        names = [*(str(ref) for ref in graph.results), "x:0"]
        *outputs, x = tf.import_graph_def(graph_def, name="", return_elements=names)
        losses = [tf.reduce_sum(tf.sin(output)) for output in outputs]
        (gradient,) = v1.gradients(losses, [x])
        return session.run(gradient, {f"{name}:0": value for name, value in feeds.items()})


def _all_ops_without_control_flow():
    x = placeholder("x", 4, 3)
    keep = {"clear_after_read": False}
    rows = tf.TensorArray(tf.float32, 4, **keep).unstack(x)
    parts = tf.TensorArray(tf.float32, 2, infer_shape=False, **keep).split(x, [1, 3])
    some = tf.TensorArray(tf.float32, 5, element_shape=[3], **keep).scatter([4, 2], x[:2])
    some = some.scatter([1], x[2:3])
    made = tf.TensorArray(tf.float32, 0, dynamic_size=True, **keep).write(1, x[0]).write(0, x[1])
    from_rows = [rows.read(1), rows.gather([1, 1, 3]), rows.gather([0, 1]), rows.stack()]
    from_some = [some.gather([1, 4]), some.stack()]
    return [*from_rows, *from_some, parts.read(1), parts.concat(), made.stack(), made.read(1)]


def test_gradients_without_control_flow(compare, make_program):
    # A GraphDef lacks the loop contexts that V1 differentiates loops by.
    compare(_all_ops_without_control_flow, {"x": NUMBERS})
    graph = read_graph(_all_ops_without_control_flow)
    expected = _gradient(graph, {"x": NUMBERS})
    lowered = lower_tensor_arrays(graph, make_program())
    np.testing.assert_allclose(_gradient(lowered, {"x": NUMBERS}), expected, rtol=1e-6)
