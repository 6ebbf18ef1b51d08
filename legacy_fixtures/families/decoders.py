"""Sequence decoders: loops that feed back what they have chosen."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.contrib import seq2seq

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture
from legacy_fixtures.ref_scope import with_ref_variables

_WORDS = 9
_SIZE = 4
_START = 1
_END = 8
_END_BY_HAND = 2
_MAX_STEPS = 6
_BEAMS = 3


def _source():
    ids = tf.placeholder(tf.int32, [None, None], name="ids")
    lengths = tf.placeholder(tf.int32, [None], name="lengths")
    return ids, lengths


def _table():
    return tf.get_variable("embedding", [_WORDS, _SIZE])


def _encode(table, ids, lengths):
    embedded = tf.nn.embedding_lookup(table, ids)
    cell = tf.nn.rnn_cell.GRUCell(_SIZE)
    return tf.nn.dynamic_rnn(cell, embedded, lengths, dtype=tf.float32, scope="encoder")


def _starts(ids):
    return tf.fill([tf.shape(ids)[0]], _START)


def _by_hand():
    """Until all sequences have ended, or the maximum of steps; ends are padded with zeros."""
    ids = tf.placeholder(tf.int32, [None, None], name="ids")
    table = _table()
    kernel = tf.get_variable("kernel", [2 * _SIZE, _SIZE])
    context = tf.reduce_mean(tf.nn.embedding_lookup(table, ids), axis=1)
    chosen = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None])
    all_logits = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[None, _WORDS])

    def is_unfinished(step, _, __, finished, *___):
        return tf.logical_and(step < _MAX_STEPS, tf.logical_not(tf.reduce_all(finished)))

    def body(step, token, state, finished, chosen, all_logits):
        inputs = tf.concat([tf.nn.embedding_lookup(table, token), state], axis=1)
        state = tf.tanh(tf.matmul(inputs, kernel)) + 0.5 * context
        logits = tf.matmul(state, table, transpose_b=True)
        best = tf.argmax(logits, axis=1, output_type=tf.int32)
        token = tf.where(finished, tf.zeros_like(token), best)
        finished = tf.logical_or(finished, tf.equal(token, _END_BY_HAND))
        written = chosen.write(step, token), all_logits.write(step, logits)
        return (step + 1, token, state, finished, *written)

    starts = _starts(ids)
    steps, _, _, finished, chosen, all_logits = tf.while_loop(
        is_unfinished,
        body,
        (0, starts, context, tf.zeros_like(starts, tf.bool), chosen, all_logits),
    )
    outputs = {
        "default": tf.transpose(chosen.stack()),
        "logits": all_logits.stack(),
        "finished": finished,
        "steps": steps,
    }
    hub.add_signature(inputs=ids, outputs=outputs)


@with_ref_variables
def _ref_by_hand():
    _by_hand()


def _decode(helper, cell, initial, **options):
    projection = tf.layers.Dense(_WORDS, name="projection")
    decoder = seq2seq.BasicDecoder(cell, helper, initial, projection)
    outputs, state, lengths = seq2seq.dynamic_decode(
        decoder, maximum_iterations=_MAX_STEPS, **options
    )
    return outputs, state, lengths


def _greedy():
    """BasicDecoder and GreedyEmbeddingHelper behind an encoder."""
    ids, lengths = _source()
    table = _table()
    _, state = _encode(table, ids, lengths)
    helper = seq2seq.GreedyEmbeddingHelper(table, _starts(ids), _END)
    cell = tf.nn.rnn_cell.GRUCell(_SIZE)
    outputs, _, decoded_lengths = _decode(helper, cell, state, impute_finished=True)
    hub.add_signature(
        inputs={"ids": ids, "lengths": lengths},
        outputs={
            "default": outputs.sample_id,
            "logits": outputs.rnn_output,
            "decoded_lengths": decoded_lengths,
        },
    )


@with_ref_variables
def _ref_greedy():
    _greedy()


def _sampling():
    """Draws the next word."""
    ids, lengths = _source()
    table = _table()
    _, state = _encode(table, ids, lengths)
    helper = seq2seq.SampleEmbeddingHelper(table, _starts(ids), _END, 0.7, seed=61)
    outputs, _, _ = _decode(helper, tf.nn.rnn_cell.GRUCell(_SIZE), state)
    outputs = {"default": outputs.sample_id, "logits": outputs.rnn_output}
    hub.add_signature(inputs={"ids": ids, "lengths": lengths}, outputs=outputs)


def _attention(is_training):
    """Bahdanau attention with alignments; teacher forcing in training."""
    ids, lengths = _source()
    table = _table()
    memory, _ = _encode(table, ids, lengths)
    attention = seq2seq.BahdanauAttention(_SIZE, memory, memory_sequence_length=lengths)
    cell = seq2seq.AttentionWrapper(
        tf.nn.rnn_cell.LSTMCell(_SIZE), attention, _SIZE, alignment_history=True
    )
    initial = cell.zero_state(tf.shape(ids)[0], tf.float32)
    if is_training:
        helper = seq2seq.TrainingHelper(tf.nn.embedding_lookup(table, ids), lengths)
    else:
        helper = seq2seq.GreedyEmbeddingHelper(table, _starts(ids), _END)
    outputs, state, _ = _decode(helper, cell, initial)
    alignments = tf.transpose(state.alignment_history.stack(), [1, 0, 2])
    outputs = {
        "default": outputs.rnn_output,
        "sample_id": outputs.sample_id,
        "alignments": alignments,
    }
    hub.add_signature(inputs={"ids": ids, "lengths": lengths}, outputs=outputs)


@with_ref_variables
def _ref_attention():
    _attention(is_training=False)


class _UnfinalizedBeamSearch(seq2seq.BeamSearchDecoder):
    """Leaves out GatherTree, an op that TensorFlow 2 does not have."""

    def finalize(self, outputs, final_state, sequence_lengths):
        raise NotImplementedError


def _beam_search():
    """BeamSearchDecoder: the steps' words and their parents, as it keeps them in the loop."""
    ids, lengths = _source()
    table = _table()
    _, state = _encode(table, ids, lengths)
    decoder = _UnfinalizedBeamSearch(
        tf.nn.rnn_cell.GRUCell(_SIZE),
        table,
        _starts(ids),
        _END,
        seq2seq.tile_batch(state, _BEAMS),
        _BEAMS,
        tf.layers.Dense(_WORDS, name="projection"),
        length_penalty_weight=0.6,
    )
    outputs, state, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=4)
    hub.add_signature(
        inputs={"ids": ids, "lengths": lengths},
        outputs={
            "default": outputs.predicted_ids,
            "parents": outputs.parent_ids,
            "scores": outputs.scores,
            "log_probs": state.log_probs,
        },
    )


def _beam_search_by_hand():
    """Sequences grow in the loop; beams are gathered, states along with them."""
    ids = tf.placeholder(tf.int32, [None, None], name="ids")
    table = _table()
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
    batch = tf.shape(ids)[0]

    def gather(values, beams):
        return tf.gather(values, beams, batch_dims=1)

    def body(step, sequences, scores, state):
        embedded = tf.nn.embedding_lookup(table, sequences[:, :, -1])
        state = tf.tanh(tf.tensordot(state, kernel, 1) + embedded)
        log_probs = tf.nn.log_softmax(2.0 * tf.tensordot(state, table, [[2], [1]]))
        totals = tf.reshape(scores[:, :, tf.newaxis] + log_probs, [batch, _BEAMS * _WORDS])
        scores, flat = tf.math.top_k(totals, _BEAMS)
        beams, words = flat // _WORDS, flat % _WORDS
        sequences = tf.concat([gather(sequences, beams), words[:, :, tf.newaxis]], axis=2)
        return step + 1, sequences, scores, gather(state, beams)

    context = tf.reduce_mean(tf.nn.embedding_lookup(table, ids), axis=1)
    # All beams begin alike, so only the first one may be extended at first.
    scores = tf.tile(tf.constant([[0.0] + [-1e9] * (_BEAMS - 1)]), [batch, 1])
    _, sequences, scores, _ = tf.while_loop(
        lambda step, *_: step < 4,
        body,
        (
            0,
            tf.fill([batch, _BEAMS, 1], _START),
            scores,
            tf.tile(context[:, tf.newaxis], [1, _BEAMS, 1]),
        ),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None, _BEAMS, None]),
            tf.TensorShape([None, _BEAMS]),
            tf.TensorShape([None, _BEAMS, _SIZE]),
        ),
    )
    outputs = {"default": sequences[:, :, 1:], "scores": scores}
    hub.add_signature(inputs=ids, outputs=outputs)


def _transformer():
    """Self-attention over a cache of keys and values that grows by one in each step."""
    ids = tf.placeholder(tf.int32, [None, None], name="ids")
    table = _table()
    kernels = {name: tf.get_variable(name, [_SIZE, _SIZE]) for name in ("query", "key", "value")}
    output = tf.get_variable("output", [_SIZE, _WORDS])
    context = tf.reduce_mean(tf.nn.embedding_lookup(table, ids), axis=1)

    def body(step, tokens, keys, values):
        x = tf.nn.embedding_lookup(table, tokens[:, -1]) + context
        append = {
            name: tf.matmul(x, kernels[name])[:, tf.newaxis] for name in ("query", "key", "value")
        }
        keys = tf.concat([keys, append["key"]], axis=1)
        values = tf.concat([values, append["value"]], axis=1)
        weights = tf.nn.softmax(tf.matmul(append["query"], keys, transpose_b=True))
        attended = tf.tanh(tf.squeeze(tf.matmul(weights, values), 1) + x)
        logits = tf.matmul(attended, output)
        following = tf.argmax(logits, axis=1, output_type=tf.int32)[:, tf.newaxis]
        return step + 1, tf.concat([tokens, following], axis=1), keys, values

    empty = tf.zeros(tf.stack([tf.shape(ids)[0], 0, _SIZE]))
    cache = tf.TensorShape([None, None, _SIZE])
    _, tokens, keys, values = tf.while_loop(
        lambda step, *_: step < _MAX_STEPS,
        body,
        (0, _starts(ids)[:, tf.newaxis], empty, empty),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None]), cache, cache),
    )
    outputs = {"default": tokens[:, 1:], "keys": keys, "values": values}
    hub.add_signature(inputs=ids, outputs=outputs)


_IDS = examples.ids(_WORDS, (3, 5), seed=7)
# Far from ties, and large enough to choose more than one word.
_LARGE_WEIGHTS = {
    "embedding": 1.5 * examples.normal(_WORDS, _SIZE, seed=6),
    "decoder/projection/kernel": 3.0 * examples.normal(_SIZE, _WORDS, seed=5),
}
_SENTENCES = (Call("default", {"default": _IDS}),)
_SEQUENCES = (
    Call("default", {"ids": _IDS, "lengths": [5, 2, 4]}),
    Call("default", {"ids": _IDS[:1], "lengths": [3]}, "one sequence"),
)


def _fixture(name, description, module_fn, calls=_SEQUENCES, **options):
    return Fixture(name, "decoders", description, module_fn, calls, **options)


DECODER_BY_HAND = _fixture(
    "decoder_by_hand", "greedy choice with ends and a maximum of steps", _by_hand, _SENTENCES
)

DECODER_REF_BY_HAND = _fixture(
    "decoder_ref_by_hand", "the same with ref variables", _ref_by_hand, _SENTENCES
)

DECODER_GREEDY = _fixture(
    "decoder_greedy",
    "BasicDecoder with GreedyEmbeddingHelper, ends imputed; no gradients in TensorFlow 1.15",
    _greedy,
    values=_LARGE_WEIGHTS,
)

DECODER_REF_GREEDY = _fixture(
    "decoder_ref_greedy",
    "the same with ref variables, and gradients",
    _ref_greedy,
    values=_LARGE_WEIGHTS,
)

DECODER_SAMPLING = _fixture(
    "decoder_sampling", "SampleEmbeddingHelper", _sampling, values=_LARGE_WEIGHTS
)

DECODER_ATTENTION = _fixture(
    "decoder_attention",
    "Bahdanau attention, greedy at inference, teacher forcing in training",
    _attention,
    tags_and_args=((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True})),
    values=_LARGE_WEIGHTS,
)

DECODER_REF_ATTENTION = _fixture(
    "decoder_ref_attention",
    "the same with ref variables, and gradients at inference",
    _ref_attention,
    values=_LARGE_WEIGHTS,
)

DECODER_BEAM_SEARCH = _fixture(
    "decoder_beam_search",
    "BeamSearchDecoder without its last step",
    _beam_search,
    values=_LARGE_WEIGHTS,
)

DECODER_BEAM_SEARCH_BY_HAND = _fixture(
    "decoder_beam_search_by_hand", "beam search with top_k", _beam_search_by_hand, _SENTENCES
)

DECODER_TRANSFORMER = _fixture(
    "decoder_transformer",
    "greedy choice with a growing cache",
    _transformer,
    _SENTENCES,
    values={"embedding": _LARGE_WEIGHTS["embedding"]},
)
