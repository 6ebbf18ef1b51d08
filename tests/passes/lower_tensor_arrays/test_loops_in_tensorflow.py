"""V1 loops and conditionals over arrays, run before and after the pass."""

import re

import numpy as np
import pytest
import tensorflow as tf
from passes.lower_tensor_arrays.v1_graphs import NUMBERS, placeholder, read_graph, with_flow

from converter.passes.lower_tensor_arrays import lower_tensor_arrays

v1 = tf.compat.v1


def _doubled_rows():
    x = placeholder("x", None, 3)
    rows = tf.shape(x)[0]
    source = tf.TensorArray(tf.float32, rows).unstack(x)
    made = tf.TensorArray(tf.float32, rows)

    def body(i, made):
        return i + 1, made.write(i, source.read(i) * 2.0)

    _, made = v1.while_loop(lambda i, _: i < rows, body, (0, made))
    return made.stack()


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_a_loop_over_rows(rows, compare):
    (result,), ops = compare(_doubled_rows, {"x": NUMBERS[:rows]})
    np.testing.assert_array_equal(result, NUMBERS[:rows] * 2)
    assert ops == {"FromTensor", "GetItem", "Reserve", "SetItem", "Stack"}


def test_a_loop_in_a_loop_with_writes_in_a_branch(compare):
    def build():
        x = placeholder("x", 4, 3)
        array = tf.TensorArray(tf.float32, 12, element_shape=[])

        def inner(i, j, flow):
            here = with_flow(array, flow)
            write = lambda: here.write(i * 3 + j, x[i, j]).flow  # noqa: E731
            return i, j + 1, v1.cond(tf.equal(j % 2, 0), write, lambda: tf.identity(flow))

        def outer(i, flow):
            _, _, flow = v1.while_loop(lambda _i, j, _f: j < 3, inner, (i, 0, flow))
            return i + 1, flow

        _, flow = v1.while_loop(lambda i, _: i < 4, outer, (0, array.flow))
        return with_flow(array, flow).gather(tf.range(12))

    (result,), _ = compare(build, {"x": NUMBERS})
    expected = NUMBERS.copy()
    expected[:, 1] = 0  # Never written.
    np.testing.assert_array_equal(result.reshape(4, 3), expected)


@pytest.mark.parametrize("branch", [False, True])
def test_a_conditional(branch, compare):
    def build():
        x, p = placeholder("x", 3), placeholder("p", dtype=tf.bool)
        array = tf.TensorArray(tf.float32, 2, element_shape=[3]).write(0, x)
        flow = v1.cond(p, lambda: array.write(1, array.read(0) + 1).flow, lambda: array.flow)
        return with_flow(array, flow).read(1), array.size()

    (result, _), _ = compare(build, {"x": NUMBERS[0], "p": branch})
    np.testing.assert_array_equal(result, (NUMBERS[0] + 1) * branch)


def test_a_growing_array(compare):
    def build():
        x = placeholder("x", None, 3)
        array = tf.TensorArray(tf.float32, 0, dynamic_size=True, clear_after_read=False)

        def body(i, array):
            return i + 1, array.write(i * 2, x[i])

        _, array = v1.while_loop(lambda i, _: i < tf.shape(x)[0], body, (0, array))
        return array.size(), array.read(2), array.gather([0, 1, 6]), array.stack()

    (size, *_), ops = compare(build, {"x": NUMBERS})
    assert size == 7
    assert {"Length", "Gather", "Stack"} <= ops


def test_concat_in_a_loop_gives_lengths(compare):
    def build():
        x = placeholder("x", None, 3)
        array = tf.TensorArray(tf.float32, 3, infer_shape=False)
        _, array = v1.while_loop(
            lambda i, _: i < 3, lambda i, array: (i + 1, array.write(i, x[:i])), (0, array)
        )
        return tf.raw_ops.TensorArrayConcatV3(
            handle=array.handle, flow_in=array.flow, dtype=tf.float32
        )

    (_, lengths), _ = compare(build, {"x": NUMBERS})
    assert lengths.tolist() == [0, 1, 2]


def test_strings_in_a_loop(compare):
    def build():
        x = placeholder("x", None, dtype=tf.string)
        count = tf.shape(x)[0]
        source = tf.TensorArray(tf.string, count).unstack(x)
        made = tf.TensorArray(tf.int32, count)

        def body(i, made):
            return i + 1, made.write(i, tf.strings.length(source.read(i)))

        _, made = v1.while_loop(lambda i, _: i < count, body, (0, made))
        return made.stack(), source.size()

    words = np.array([b"a", b"", b"word"], object)
    (lengths, _), ops = compare(build, {"x": words})
    assert lengths.tolist() == [1, 0, 4]
    assert "FromTensor" not in ops


def test_an_array_that_is_made_in_a_loop(compare):
    def build():
        x = placeholder("x", None, 3)

        def body(i, total):
            array = tf.TensorArray(tf.float32, i + 1, element_shape=[3]).write(i, x[i])
            return i + 1, total + tf.reduce_sum(array.stack(), axis=0)

        return v1.while_loop(lambda i, _: i < tf.shape(x)[0], body, (0, tf.zeros(3)))[1]

    (result,), _ = compare(build, {"x": NUMBERS})
    np.testing.assert_array_equal(result, NUMBERS.sum(axis=0))


def test_names_are_kept(make_program):
    graph = read_graph(_doubled_rows)
    lowered = lower_tensor_arrays(graph, make_program())
    new = {name for name in lowered.nodes if name not in graph.nodes}
    assert new
    assert all(re.fullmatch(r".*/(dims|branch|number|length|stack)(_\d+)?", name) for name in new)
    assert lowered.results == graph.results
