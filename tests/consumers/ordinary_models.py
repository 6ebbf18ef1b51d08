"""What ordinary TF2 models compute, one of the shape of each family.

They have the inputs and outputs of the family, and the ops that are typical of it. Each builder
returns the computation, its variables and its table.
"""

import numpy as np
import tensorflow as tf

_WORDS = ("a", "the", "cat", "dog", "house", "tree", "one", "more")


def _variable(random, name, *shape, trainable=True):
    value = random.normal(0.0, 0.4, shape).astype(np.float32)
    return tf.Variable(value, name=name, trainable=trainable)


def _image(random):
    kernels = [_variable(random, f"conv_{i}/w", 3, 3, *io) for i, io in enumerate([(3, 6), (6, 8)])]
    head = _variable(random, "logits/w", 8, 5)
    mean = _variable(random, "moving_mean", 6, trainable=False)

    def compute(images, training):
        first = tf.nn.conv2d(images, kernels[0], 2, "SAME")
        if training:
            batch_mean = tf.reduce_mean(first, [0, 1, 2])
            mean.assign(0.9 * mean + 0.1 * batch_mean)
            first = tf.nn.relu(first - batch_mean)
        else:
            first = tf.nn.relu(first - mean)
        second = tf.nn.conv2d(first, kernels[1], 2, "SAME")
        pool = tf.reduce_mean(second, [1, 2])
        return {
            "TinyNet/Conv2d_1a_3x3": first, "TinyNet/Conv2d_2a_3x3": second,
            "TinyNet/Logits": tf.matmul(pool, head), "TinyNet/global_pool": pool, "default": pool,
        }  # fmt: skip

    return compute, [*kernels, head, mean], None


def _make_table():
    keys = tf.constant(_WORDS)
    values = tf.range(len(_WORDS), dtype=tf.int64)
    return tf.lookup.StaticVocabularyTable(tf.lookup.KeyValueTensorInitializer(keys, values), 4)


def _text(random):
    table = _make_table()
    parts = [_variable(random, f"embeddings/part_{i}", 4, 6) for i in range(3)]

    def compute(sentences, training):
        del training
        words = tf.strings.split(sentences).to_sparse()
        ids = tf.sparse.map_values(table.lookup, words)
        return {
            "default": tf.compat.v1.nn.safe_embedding_lookup_sparse(parts, ids, combiner="sqrtn")
        }

    return compute, parts, table


def _bert(random):
    words = _variable(random, "word_embeddings", 40, 16)
    segments = _variable(random, "segment_embeddings", 2, 16)
    query, dense = (_variable(random, f"{name}/w", 16, 16) for name in ("query", "dense"))

    def compute(inputs, training):
        embedded = tf.gather(words, inputs["input_ids"])
        embedded += tf.gather(segments, inputs["segment_ids"])
        if training:
            embedded = (
                2.0
                * embedded
                * tf.cast(tf.random.stateless_uniform(tf.shape(embedded), [1, 2]) > 0.5, tf.float32)
            )
        scores = tf.matmul(tf.tensordot(embedded, query, 1), embedded, transpose_b=True)
        mask = tf.cast(inputs["input_mask"], tf.float32)[:, None, :]
        sequence = tf.matmul(tf.nn.softmax(scores - 1e4 * (1.0 - mask)), embedded)
        pooled = tf.tanh(tf.matmul(sequence[:, 0], dense))
        return {"pooled_output": pooled, "sequence_output": sequence}

    return compute, [words, segments, query, dense], None


def _elmo(random):
    table = _make_table()
    embedding = _variable(random, "embedding", 12, 4)
    kernel = _variable(random, "rnn/kernel", 8, 4)
    state = _variable(random, "rnn/state", 4, 4, trainable=False)

    def compute(sentences, training):
        del training
        words = tf.strings.split(sentences).to_tensor("")
        embedded = tf.gather(embedding, table.lookup(words))
        steps, rows = tf.shape(words)[1], tf.shape(words)[0]
        written = tf.TensorArray(tf.float32, steps, element_shape=[None, 4])

        def body(i, carried, written):
            joined = tf.concat([embedded[:, i], carried], 1)
            carried = tf.tanh(tf.matmul(joined, kernel))
            return i + 1, carried, written.write(i, carried)

        _, last, written = tf.while_loop(
            lambda i, *_: i < steps, body, (0, state[:rows], written),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, 4]), None),
        )  # fmt: skip
        state[:rows].assign(last)
        outputs = tf.transpose(written.stack(), [1, 0, 2])
        both = tf.concat([embedded, outputs], 2)
        return {
            "default": tf.reduce_mean(both, 1), "elmo": both, "lstm_outputs1": both,
            "lstm_outputs2": 2.0 * both, "word_emb": embedded,
        }  # fmt: skip

    return compute, [embedding, kernel, state], table


def _gan(random):
    kernel = _variable(random, "generator/kernel", 9, 32)
    vector = _variable(random, "generator/u_var", 1, 32, trainable=False)

    def compute(inputs, training):
        del training
        v = tf.nn.l2_normalize(tf.matmul(vector, kernel, transpose_b=True))
        u = tf.nn.l2_normalize(tf.matmul(v, kernel))
        vector.assign(tf.stop_gradient(u))
        norm = tf.reduce_sum(tf.matmul(tf.stop_gradient(v), kernel) * tf.stop_gradient(u))
        joined = tf.concat([inputs["z"], inputs["y"]], 1)
        return {"default": tf.reshape(tf.tanh(tf.matmul(joined, kernel / norm)), [-1, 4, 4, 2])}

    return compute, [kernel, vector], None


def _flow(random):
    kernel = _variable(random, "flow/kernel", 4, 4)

    def compute(x, training):
        del training
        loop = tf.while_loop(
            lambda i, _: i < 4,
            lambda i, y: (i + 1, x * tf.exp(tf.tanh(tf.matmul(y, kernel)))),
            (0, tf.zeros_like(x)),
        )
        return {"default": loop[1]}

    return compute, [kernel], None


def _detector(random):
    kernel = _variable(random, "kernel", 3, 1)

    def detect(given):
        boxes, scores = given
        picked, count = tf.image.non_max_suppression_padded(
            boxes, scores, 4, iou_threshold=0.5, pad_to_max_output_size=True
        )
        return tf.gather(boxes, picked), tf.gather(scores, picked), count

    def compute(inputs, training):
        del training
        scores = tf.tensordot(inputs["features"], kernel, 1)[..., 0]
        boxes, scores, counts = tf.map_fn(
            detect, (inputs["boxes"], scores),
            fn_output_signature=(
                tf.TensorSpec([4, 4]), tf.TensorSpec([4]), tf.TensorSpec([], tf.int32)
            ),
        )  # fmt: skip
        return {"counts": counts, "default": boxes * scores[..., None], "scores": scores}

    return compute, [kernel], None


def _sparse(random):
    kernel = _variable(random, "kernel", 5, 3)

    def compute(matrix, training):
        del training
        return {"default": tf.sparse.sparse_dense_matmul(matrix, kernel)}

    return compute, [kernel], None


BUILDERS = {
    "image": _image,
    "text with a table": _text,
    "BERT": _bert,
    "ELMo": _elmo,
    "GAN": _gan,
    "flow": _flow,
    "detector": _detector,
    "sparse input": _sparse,
}
