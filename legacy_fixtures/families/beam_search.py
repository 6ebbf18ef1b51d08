"""GatherTree, the op of contrib.seq2seq that follows beams back to their first step."""

from __future__ import annotations

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.contrib import seq2seq
from tensorflow.python.framework import function

from legacy_fixtures import examples
from legacy_fixtures.control_flow_scope import with_control_flow_v2
from legacy_fixtures.fixture import Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_WORDS = 9
_SIZE = 4
_START = 1
_END = 8
_BEAMS = 3


def _encode():
    ids = tf.placeholder(tf.int32, [None, None], name="ids")
    lengths = tf.placeholder(tf.int32, [None], name="lengths")
    table = tf.get_variable("embedding", [_WORDS, _SIZE])
    embedded = tf.nn.embedding_lookup(table, ids)
    memory, state = tf.nn.dynamic_rnn(
        tf.nn.rnn_cell.GRUCell(_SIZE), embedded, lengths, dtype=tf.float32, scope="encoder"
    )
    return {"ids": ids, "lengths": lengths}, table, memory, state


def _decode(cell, inputs, table, state):
    decoder = seq2seq.BeamSearchDecoder(
        cell,
        table,
        tf.fill([tf.shape(inputs["ids"])[0]], _START),
        _END,
        state,
        _BEAMS,
        tf.layers.Dense(_WORDS, name="projection"),
        length_penalty_weight=0.6,
    )
    return seq2seq.dynamic_decode(decoder, maximum_iterations=5)


@with_ref_variables
def _plain():
    """BeamSearchDecoder with its last step."""
    inputs, table, _, state = _encode()
    state = seq2seq.tile_batch(state, _BEAMS)
    outputs, _, lengths = _decode(tf.nn.rnn_cell.GRUCell(_SIZE), inputs, table, state)
    scores = outputs.beam_search_decoder_output.scores
    outputs = {"default": outputs.predicted_ids, "scores": scores, "decoded_lengths": lengths}
    hub.add_signature(inputs=inputs, outputs=outputs)


def _attention():
    """With attention: the alignments of each beam, in a TensorArray, are put in order as well."""
    inputs, table, memory, state = _encode()
    attention = seq2seq.LuongAttention(
        _SIZE,
        seq2seq.tile_batch(memory, _BEAMS),
        memory_sequence_length=seq2seq.tile_batch(inputs["lengths"], _BEAMS),
    )
    cell = seq2seq.AttentionWrapper(
        tf.nn.rnn_cell.GRUCell(_SIZE), attention, _SIZE, alignment_history=True
    )
    rows = tf.shape(inputs["ids"])[0] * _BEAMS
    initial = cell.zero_state(rows, tf.float32).clone(
        cell_state=seq2seq.tile_batch(state, _BEAMS)
    )
    outputs, state, _ = _decode(cell, inputs, table, initial)
    outputs = {
        "default": outputs.predicted_ids,
        "alignments": state.cell_state.alignment_history,
    }
    hub.add_signature(inputs=inputs, outputs=outputs)


def _tree_inputs(shape=(None, None, None)):
    return {
        "step_ids": tf.placeholder(tf.int32, shape, name="step_ids"),
        "parent_ids": tf.placeholder(tf.int32, shape, name="parent_ids"),
        "lengths": tf.placeholder(tf.int32, shape and [None], name="lengths"),
        "end": tf.placeholder(tf.int32, [], name="end"),
    }


def _gather(inputs, **changed):
    given = {**inputs, **changed}
    return seq2seq.gather_tree(
        given["step_ids"], given["parent_ids"], given["lengths"], given["end"]
    )


def _tree():
    inputs = _tree_inputs()
    hub.add_signature(inputs=inputs, outputs=_gather(inputs))
    shaped = _tree_inputs((4, 2, 3))
    hub.add_signature("static", inputs=shaped, outputs=_gather(shaped))
    unknown = _tree_inputs(None)
    hub.add_signature("unknown_rank", inputs=unknown, outputs=_gather(unknown))


def _tree_in_places():
    """In a loop, in a branch, and in a function."""
    inputs = _tree_inputs()

    @function.Defun(tf.int32, tf.int32, tf.int32, tf.int32, func_name="FollowBeams")
    def called(step_ids, parent_ids, lengths, end):
        step_ids.set_shape([None, None, None])
        parent_ids.set_shape([None, None, None])
        lengths.set_shape([None])
        end.set_shape([])
        return 2 * seq2seq.gather_tree(step_ids, parent_ids, lengths, end) + 1

    def body(step, ids):
        ids = _gather(inputs, step_ids=ids)
        ids.set_shape([None, None, None])
        return step + 1, tf.cond(
            tf.equal(step, 0), lambda: ids, lambda: ids + _gather(inputs, end=step)
        )

    looped = tf.while_loop(lambda step, _: step < 2, body, (0, inputs["step_ids"]))[1]
    outputs = {
        "default": looped,
        "called": called(*(inputs[name] for name in ("step_ids", "parent_ids", "lengths", "end"))),
    }
    hub.add_signature(inputs=inputs, outputs=outputs)


def _tree_call(signature, ids, parents, lengths, end, label):
    inputs = {
        "step_ids": np.asarray(ids, np.int32),
        "parent_ids": np.asarray(parents, np.int32),
        "lengths": np.asarray(lengths, np.int32),
        "end": np.int32(end),
    }
    return Call(signature, inputs, label)


def _random_call(seed, time, batch, beams, label=None, signature="default"):
    random = np.random.RandomState(seed)
    return _tree_call(
        signature,
        random.randint(0, 12, (time, batch, beams)),
        random.randint(0, beams, (time, batch, beams)),
        random.randint(-1, time + 3, batch),
        random.randint(0, 12),
        label or f"random {seed}",
    )


def _edge_calls():
    random = np.random.RandomState(40)
    ids, parents = random.randint(2, 9, (4, 2, 3)), random.randint(0, 3, (4, 2, 3))
    # The kernel lets the number of beams pass for a parent, and looks at none that leads nowhere.
    beyond = parents.copy()
    beyond[1:] = 3
    beyond[0] = -7
    empty = np.zeros((0, 2, 3))
    none = np.zeros((4, 0, 3))
    return (
        _tree_call("default", ids, parents, [4, 4], 1, "no end"),
        _tree_call("default", ids, parents, [0, 9], 5, "lengths of none and more than all"),
        _tree_call("default", ids, beyond, [4, 3], 1, "parents beyond the last"),
        _tree_call("default", empty, empty, [2, 1], 1, "no steps"),
        _tree_call("default", none, none, [], 1, "no examples"),
        _tree_call("default", ids[:1], parents[:1], [1, 1], 1, "one step"),
    )


_IDS = examples.ids(_WORDS, (3, 5), seed=7)
_SEQUENCES = (
    Call("default", {"ids": _IDS, "lengths": [5, 2, 4]}),
    Call("default", {"ids": _IDS[:1], "lengths": [3]}, "one sequence"),
)
_LARGE_WEIGHTS = {
    "embedding": 1.5 * examples.normal(_WORDS, _SIZE, seed=6),
    "decoder/projection/kernel": 3.0 * examples.normal(_SIZE, _WORDS, seed=5),
}
_TREES = tuple(
    _random_call(seed, *shape)
    for seed, shape in enumerate(((5, 3, 4), (9, 2, 2), (3, 4, 1), (12, 1, 5), (2, 5, 3), (7, 2, 6)))
)


def _fixture(name, description, module_fn, calls, **options):
    return Fixture(name, "beam_search", description, module_fn, calls, **options)


BEAM_SEARCH = _fixture(
    "beam_search", "BeamSearchDecoder", _plain, _SEQUENCES, values=_LARGE_WEIGHTS
)

BEAM_SEARCH_ATTENTION = _fixture(
    "beam_search_attention",
    "BeamSearchDecoder over AttentionWrapper, with its history of alignments",
    _attention,
    _SEQUENCES,
    values=_LARGE_WEIGHTS,
)

GATHER_TREE = _fixture(
    "gather_tree",
    "GatherTree of inputs",
    _tree,
    (
        *_TREES,
        *_edge_calls(),
        _random_call(20, 4, 2, 3, signature="static"),
        _random_call(21, 4, 2, 3, signature="unknown_rank"),
    ),
)

GATHER_TREE_IN_PLACES = _fixture(
    "gather_tree_in_places", "GatherTree in a loop, a branch and a Defun", _tree_in_places, _TREES
)

GATHER_TREE_IN_FUNCTIONAL_LOOP = _fixture(
    "gather_tree_in_functional_loop",
    "GatherTree in While and If",
    with_control_flow_v2(_tree_in_places),
    _TREES,
)
