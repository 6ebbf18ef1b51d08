import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from converter.assemble.gather_tree import gather_tree

_gather = tf.function(
    lambda *inputs: gather_tree(*inputs)[0],
    input_signature=[
        tf.TensorSpec([None, None, None], tf.int32),
        tf.TensorSpec([None, None, None], tf.int32),
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([], tf.int32),
    ],
    autograph=False,
)


def _reference(step_ids, parent_ids, lengths, end_token):
    """The kernel's result, element by element; None if it fails."""
    time, batch, beams = step_ids.shape
    flat_ids, flat_parents = step_ids.reshape(-1), parent_ids.reshape(-1)
    made = np.full(step_ids.shape, end_token)
    for b in range(batch):
        for w in range(beams):
            last = min(time, lengths[b]) - 1
            if last < 0:
                continue
            made[last, b, w] = step_ids[last, b, w]
            parent = parent_ids[last, b, w]
            for level in range(last - 1, -1, -1):
                if parent < 0 or parent > beams:
                    return None
                place = (level * batch + b) * beams + parent
                made[level, b, w] = flat_ids[place]
                parent = flat_parents[place]
            finished = False
            for t in range(last + 1):
                if finished:
                    made[t, b, w] = end_token
                finished |= made[t, b, w] == end_token
    return made


@st.composite
def _trees(draw):
    time, batch, beams = (draw(st.integers(0, limit)) for limit in (6, 3, 4))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    lowest, highest = draw(st.sampled_from([(0, beams), (0, beams + 1), (-1, beams + 2)]))
    ids = random.integers(0, 7, (time, batch, beams))
    parents = random.integers(lowest, max(highest, lowest + 1), (time, batch, beams))
    lengths = random.integers(-1, time + 3, batch)
    return ids, parents, lengths, random.integers(0, 7)


@hypothesis.given(_trees())
@hypothesis.settings(max_examples=200)
def test_it_computes_what_the_kernel_does(tree):
    expected = _reference(*tree)
    inputs = [tf.constant(value, tf.int32) for value in tree]
    if expected is None:
        with pytest.raises(tf.errors.InvalidArgumentError, match="invalid parent id"):
            _gather(*inputs)
    else:
        np.testing.assert_array_equal(_gather(*inputs), expected)


@pytest.mark.parametrize(
    ("parents", "lengths"), [((4, 2, 1), 2), ((4, 3, 3), 2), ((4, 2, 3), 1), ((4, 2, 3), 3)]
)
def test_shapes_that_do_not_agree_fail(parents, lengths):
    zeros = [tf.zeros(shape, tf.int32) for shape in ((4, 2, 3), parents, (lengths,))]
    with pytest.raises(tf.errors.InvalidArgumentError, match="did not hold"):
        _gather(*zeros, tf.constant(1))


def test_ranks_need_not_be_known():
    unknown = [tf.TensorSpec(None, tf.int32)] * 4
    function = tf.function(lambda *inputs: gather_tree(*inputs)[0], unknown, autograph=False)
    ids = tf.constant([[[3, 4]], [[5, 6]]])
    parents = tf.constant([[[0, 1]], [[1, 0]]])
    made = function(ids, parents, tf.constant([2]), tf.constant(9))
    np.testing.assert_array_equal(made, [[[4, 3]], [[5, 6]]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="shape"):
        function(ids[0], parents[0], tf.constant([2]), tf.constant(9))


def test_the_static_shape_stays():
    ids = tf.TensorSpec([None, 2, 3], tf.int32)
    traced = tf.function(lambda *inputs: gather_tree(*inputs)[0], autograph=False)
    concrete = traced.get_concrete_function(
        ids, ids, tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)
    )
    assert concrete.outputs[0].shape.as_list() == [None, 2, 3]
