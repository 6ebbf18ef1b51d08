"""`GatherTree`, the op of `tf.contrib.seq2seq` that traces the beams of a beam search back.

TensorFlow 2 has no such op. Source: contrib/seq2seq/kernels/beam_search_ops.cc of TensorFlow 1.15.
"""

from __future__ import annotations

import tensorflow as tf


def gather_tree(
    step_ids: tf.Tensor,
    parent_ids: tf.Tensor,
    max_sequence_lengths: tf.Tensor,
    end_token: tf.Tensor,
) -> list[tf.Tensor]:
    """Returns the tokens of each beam, traced from its last step back to the first.

    Args:
      step_ids: The token that each beam chose at each step, int32 `[time, batch, beams]`.
      parent_ids: The beam of the previous step that it continues; the same dtype and shape.
      max_sequence_lengths: The number of steps of each example, int32 `[batch]`.
      end_token: Fills a beam after its first such token, and beyond its length; an int32 scalar.

    Returns:
      The tokens, int32 `[time, batch, beams]`.

    Raises:
      InvalidArgumentError: when it runs, if shapes do not agree or a parent is not a beam. As in
        the kernel, a parent may equal the number of beams: the first beam of the next example.
    """
    step_ids, parent_ids = (tf.ensure_shape(ids, [None] * 3) for ids in (step_ids, parent_ids))
    max_sequence_lengths = tf.ensure_shape(max_sequence_lengths, [None])
    end_token = tf.ensure_shape(end_token, [])
    time, batch, beams = tf.unstack(tf.shape(step_ids))
    same = tf.debugging.assert_equal(tf.shape(parent_ids), tf.shape(step_ids))
    fits = tf.debugging.assert_equal(tf.shape(max_sequence_lengths), [batch])
    with tf.control_dependencies([same, fits]):
        lengths = tf.minimum(max_sequence_lengths, time)[:, tf.newaxis]
    followed = _follow(step_ids, parent_ids, lengths, end_token, (time, batch, beams))
    ended = tf.cumsum(tf.cast(followed == end_token, tf.int32), axis=0, exclusive=True) > 0
    result = tf.where(ended, end_token, followed)
    result.set_shape(step_ids.shape)
    return [result]


def _follow(
    step_ids: tf.Tensor,
    parent_ids: tf.Tensor,
    lengths: tf.Tensor,
    end_token: tf.Tensor,
    sizes: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
) -> tf.Tensor:
    """Follows the parents of each beam; `lengths` is `[batch, 1]`."""
    time, batch, beams = sizes
    tokens, parents = tf.reshape(step_ids, [-1]), tf.reshape(parent_ids, [-1])
    own = tf.range(beams)[tf.newaxis] + tf.zeros([batch, 1], tf.int32)
    rows = tf.range(batch)[:, tf.newaxis] * beams

    def step_back(
        step: tf.Tensor, beam: tf.Tensor, valid: tf.Tensor, made: tf.TensorArray
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.TensorArray]:
        valid &= tf.reduce_all((beam >= 0) & (beam <= beams))
        position = step * batch * beams + rows + tf.clip_by_value(beam, 0, beams)
        position = tf.minimum(position, tf.size(tokens) - 1)  # Where the last beam's is invalid.
        follows = step < lengths
        made = made.write(step, tf.where(follows, tf.gather(tokens, position), end_token))
        beam = tf.where(follows, tf.gather(parents, position), beam)
        return step - 1, beam, valid, made

    # With no step there would be nothing to stack, so there is one more.
    made = tf.TensorArray(tf.int32, time + 1, element_shape=[None, None]).write(time, own)
    _, _, valid, made = tf.while_loop(
        lambda step, *_: step >= 0, step_back, (time - 1, own, tf.constant(True), made)
    )
    with tf.control_dependencies([tf.debugging.Assert(valid, ["Saw an invalid parent id"])]):
        return made.stack()[:time]
