"""`GatherTree` for the session that runs the original: TensorFlow 2 has no such op.

NumPy computes it, beam by beam as the kernel of TensorFlow 1.15 does (source:
contrib/seq2seq/kernels/beam_search_ops.cc), so that nothing is shared with what the converter
makes of the op.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import tensorflow as tf

_OP = "GatherTree"


def follow_beams(
    step_ids: np.ndarray, parent_ids: np.ndarray, lengths: np.ndarray, end_token: np.ndarray
) -> np.ndarray:
    """The tokens of each beam, int32 `[time, batch, beams]`; see the op's documentation.

    Raises:
      ValueError: if a parent is not a beam, or the shapes do not agree.
    """
    time, batch, beams = step_ids.shape
    if parent_ids.shape != step_ids.shape or lengths.shape != (batch,):
        raise ValueError(f"shapes {step_ids.shape}, {parent_ids.shape}, {lengths.shape}")
    made = np.full_like(step_ids, end_token)
    # The kernel lets the number of beams pass for a beam, and reads what lies behind in memory.
    steps, parents = (ids.reshape(time, batch * beams) for ids in (step_ids, parent_ids))
    steps, parents = (np.hstack([ids, np.roll(ids, -1, 0)[:, :1]]) for ids in (steps, parents))
    for example in range(batch):
        for beam in range(beams):
            start = min(time, int(lengths[example])) - 1
            parent = beam
            for level in range(start, -1, -1):
                if not 0 <= parent <= beams:
                    raise ValueError(f"Saw invalid parent id {parent} of beam {beam}")
                place = example * beams + parent
                made[level, example, beam] = steps[level, place]
                parent = int(parents[level, place])
            ended = np.flatnonzero(made[:, example, beam] == end_token)
            if ended.size:
                made[ended[0] :, example, beam] = end_token
    return made


@functools.cache
def _function() -> Any:
    """A function that calls NumPy back; kept, as TensorFlow knows the callback only as long."""
    ids = tf.TensorSpec([None, None, None], tf.int32)

    @tf.function(
        input_signature=[ids, ids, tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)],
        autograph=False,
    )
    def gather_tree(step_ids: Any, parent_ids: Any, lengths: Any, end_token: Any) -> Any:
        inputs = [step_ids, parent_ids, lengths, end_token]
        made = tf.numpy_function(follow_beams, inputs, tf.int32, stateful=False)
        return tf.ensure_shape(made, [None, None, None])

    return gather_tree.get_concrete_function()


def replace_gather_trees(graph_def: Any) -> int:
    """Makes each `GatherTree` a call of a function that is added to the graph's library.

    Returns:
      How many there were.
    """
    functions = graph_def.library.function
    count = _replace(graph_def.node, in_function=False)
    count += sum(_replace(function.node_def, in_function=True) for function in functions)
    if count:
        functions.add().CopyFrom(_function().function_def)
    return count


def _replace(nodes: Any, *, in_function: bool) -> int:
    found = {node.name for node in nodes if node.op == _OP}
    for node in nodes:
        if node.name in found:
            node.op = _function().function_def.signature.name
            node.attr.clear()
        for index, name in enumerate(node.input if in_function else ()):
            source, _, rest = name.partition(":")
            if source in found and rest:  # In a function, a tensor has its output's name.
                output = _function().function_def.signature.output_arg[0].name
                node.input[index] = f"{source}:{output}:0"
    return len(found)
